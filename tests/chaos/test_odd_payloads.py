"""Odd payloads from Slack: each is acknowledged or leaves a line in the log, and the assistant goes on answering.

By hand, all of them: `ODD_PAYLOADS=500 pytest -s tests/chaos/test_odd_payloads.py`.
"""

import asyncio
import copy
import json
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bot.conftest import eventually
from tests.chaos.sockets import Sockets, running_echo

COUNT = int(os.environ.get("ODD_PAYLOADS", "120"))
HANG_SECONDS = 20  # for the answer to a payload, on a busy machine
SECRET = "my salary is 91,250"

Payload = dict[str, Any]
AUTHORIZATIONS = [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}]


def event(kind: str, **fields: Any) -> Payload:
    """Make an event as Slack sends it."""
    about = {"type": kind, "channel": "D1", "channel_type": "im", "user": "U1", "text": SECRET,
             "ts": "1790000000.000100", "event_ts": "1790000000.000100", **fields}  # fmt: skip
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": about, "api_app_id": "A1",
            "authorizations": AUTHORIZATIONS}  # fmt: skip


SAID = {"user": "U1", "text": SECRET, "ts": "1790000000.000100", "files": [{"id": "F1", "name": SECRET}]}
PERSON = {"user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}, "channel": {"id": "D1"}, "trigger_id": "9.9"}
BUTTON = {"action_id": "do:docs:0", "block_id": "b", "type": "button", "value": '{"action": "docs", "document": "d1"}'}
SOUND: tuple[tuple[str, Payload], ...] = (
    ("events_api", event("message")),
    ("events_api", event("app_mention", channel_type="channel")),
    ("events_api", event("message", subtype="file_share", files=[{"id": "F1", "name": SECRET}])),
    ("events_api", event("message", subtype="message_changed", message=SAID, previous_message=SAID | {"text": "b"})),
    ("events_api", event("message", subtype="message_deleted", deleted_ts=SAID["ts"], previous_message=SAID)),
    ("events_api", event("file_deleted", file_id="F1")),
    ("events_api", event("user_change", user={"id": "U1", "deleted": True, "real_name": SECRET})),
    ("events_api", event("member_left_channel")),
    ("events_api", event("app_home_opened", tab="home")),
    ("events_api", event("agent_session_stopped", thread_ts="1790000000.000100")),
    ("slash_commands", {"command": "/ask", "text": SECRET, "team_id": "T1", "channel_id": "D1", "user_id": "U1",
                        "trigger_id": "1.2.3", "response_url": "http://127.0.0.1:9/x"}),
    ("interactive", {"type": "block_actions", **PERSON, "message": SAID, "actions": [BUTTON]}),
    ("interactive", {"type": "message_action", **PERSON, "callback_id": "sentiment", "message": SAID}),
    ("interactive", {"type": "view_submission", **PERSON, "view": {"type": "modal", "callback_id": "x"}}),
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, "", "\0", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}", "a" * 100_000, [], {}, [[]], ["x"],
    {"id": None},
    {"id": {"id": {}}}, [{"id": "F1"}] * 200, "1790000000.000100", "nan", "-inf", "T1:D1:1", "*", "<@UBOT> <!channel>",
    {"\0": "\0"}, "stop", "forget me", "upkeep",
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] * bool(at) + [place for key, part in inner for place in places(part, (*at, key))]


def distorted(payload: Payload, dice: random.Random) -> Payload:
    """Lose, change or nest some of its values."""
    odd = copy.deepcopy(payload)
    for _ in range(dice.choice([1, 1, 2, 4])):
        if not (known := places(odd)):
            break
        *way, last = dice.choice(known)
        holder = odd
        for key in way:
            holder = holder[key]
        if dice.random() < 0.3:
            del holder[last]
        else:
            holder[last] = [holder[last]] if dice.random() < 0.1 else copy.deepcopy(dice.choice(ODD))
    return odd


def odd_payload(number: int) -> tuple[str, Payload]:
    """Return the number-th odd payload: the same every time."""
    dice = random.Random(number)
    kind, payload = dice.choice(SOUND)
    return kind, distorted(payload, dice)


@contextmanager
def hanging(words: str) -> Iterator[None]:
    """Say what it was that took too long."""
    try:
        yield
    except TimeoutError:
        raise AssertionError(words) from None


@pytest.fixture
async def slack() -> AsyncIterator[Sockets]:
    """A Slack that sends what a test wants."""
    slack = Sockets()
    await slack.start()
    yield slack
    await slack.stop()


@pytest.mark.timeout(120 + COUNT * HANG_SECONDS)
async def test_odd_payloads_are_taken_or_noted_and_nobody_falls_over(slack: Sockets, tmp_path: Path) -> None:
    async with running_echo(slack.url, tmp_path, seconds=0.05) as app:
        await slack.connected.wait()
        ends = Counter[str]()
        for number in range(COUNT):
            kind, payload = odd_payload(number)
            noted = len(refusals(tmp_path))
            envelope = await slack.envelope(kind, payload)
            with hanging(f"number {number} hangs: {str(payload)[:3000]}"):
                await eventually(
                    lambda envelope=envelope, noted=noted: envelope in slack.acked or len(refusals(tmp_path)) > noted,
                    seconds=HANG_SECONDS,
                )
            ends["acknowledged" if envelope in slack.acked else "noted in the log"] += 1
            assert app.returncode is None, lines(tmp_path)[-3:]
        ts = await slack.send(900_000)
        await eventually(lambda: ts in slack.said, seconds=60)
    written = (tmp_path / "log.jsonl").read_text()
    assert SECRET not in written
    assert [line for line in lines(tmp_path) if line.get("event") == "request"]
    print(f"\n{COUNT} odd payloads: {dict(ends)}; {len(lines(tmp_path))} lines in the log")


def lines(folder: Path) -> list[Payload]:
    """Return the lines of the log; one that is just being written counts later."""
    whole = re.findall(r"^\{.*\}$", (folder / "log.jsonl").read_text(), re.MULTILINE)
    return [json.loads(line) for line in whole]


def refusals(folder: Path) -> list[Payload]:
    """Return the lines about payloads that were not taken: by us, or by Bolt before we saw them."""
    return [
        line
        for line in lines(folder)
        if line.get("error") != "BoltUnhandledRequestError"  # is acknowledged all the same
        and (line.get("event") == "not taken" or (line.get("logger") == "slack.bolt" and line.get("level") == "error"))
    ]


def test_a_line_about_something_else_excuses_nothing(tmp_path: Path) -> None:
    said = [
        {"event": "request", "level": "info"},
        {"event": "not taken", "error": "BoltUnhandledRequestError"},
        {"event": "a library says something", "logger": "asyncio", "level": "error"},
        {"event": "not taken", "error": "KeyError"},
        {"event": "a library says something", "logger": "slack.bolt", "level": "error"},
    ]
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in said))
    assert refusals(tmp_path) == said[3:]


async def test_a_message_after_a_broken_socket_is_answered(slack: Sockets, tmp_path: Path) -> None:
    """What is no JSON at all ends the connection at worst: the assistant comes back by itself."""
    async with running_echo(slack.url, tmp_path, seconds=0.05):
        await slack.connected.wait()
        for frame in ("{", "[]", '"x"', "null", '{"type": "disconnect"}', '{"envelope_id": "e", "type": "events_api"}'):
            await slack.frame(frame)
            await asyncio.sleep(0.2)
        async with asyncio.timeout(60):
            await slack.connected.wait()
        ts = await slack.send(900_001)
        await eventually(lambda: ts in slack.said, seconds=60)
    assert SECRET not in (tmp_path / "log.jsonl").read_text()
