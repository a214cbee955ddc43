"""Nothing that a person wrote reaches the log, whoever logs it and at whatever level."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import log

SECRET = "my salary is 91,250"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Give pytest its logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in log.QUIET}
    yield
    root.handlers[:], root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_other_libraries_say_where_but_not_what(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", level)
    for name in ("slack_bolt.AsyncApp", "slack_sdk.web.async_client", "docket.worker", "asyncio", "anything"):
        logger = logging.getLogger(name)
        for say in (logger.debug, logger.info, logger.warning, logger.error):
            say("got %s", {"text": SECRET})
            say(f"got {SECRET}")
    written = lines(capsys)
    assert SECRET not in json.dumps(written)
    assert {line["logger"] for line in written} >= {"slack_bolt.AsyncApp", "docket.worker"}
    assert all(line["place"].startswith("test_log.") for line in written)
    assert not [line for line in written if line["level"] in {"debug", "info"}]


def test_a_traceback_has_types_and_places_but_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        structlog.get_logger().error("turn broke", id="T:C:1", exc_info=error)
        logging.getLogger("aiohttp.server").exception("failed on %s", SECRET)
    ours, theirs = lines(capsys)
    assert SECRET not in json.dumps([ours, theirs])
    assert ours["error"] == theirs["error"] == "ValueError <- KeyError"
    assert "test_a_traceback_has_types" in ours["frames"][0]
    assert ours["id"] == "T:C:1"


def test_pretty_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("pretty", "warning")
    structlog.get_logger().info("request", id="T:C:1")
    structlog.get_logger().warning("redis-server is gone")
    assert "T:C:1" not in (err := capsys.readouterr().err)
    assert "redis-server is gone" in err
