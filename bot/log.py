"""One line a request; never a person's text in it, nor anything that another library says in free words."""

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import Literal

import structlog
from structlog.types import EventDict, Processor

from bot.errors import what_is_full

QUIET = {  # loggers that print what people wrote, or a line for every task
    "slack_bolt": logging.WARNING,
    "slack_sdk": logging.WARNING,
    "docket": logging.ERROR,
    "aiohttp.access": logging.CRITICAL,
    "httpx": logging.WARNING,
}


def configure(style: Literal["pretty", "json"] = "pretty", level: str = "info") -> None:
    """Send our own lines and the places of foreign ones to standard error."""
    renderer: Processor = structlog.processors.JSONRenderer() if style == "json" else _for_people()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        wordless_traceback,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[place_only, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name, lowest in QUIET.items():
        logging.getLogger(name).setLevel(lowest)


def _for_people() -> Processor:
    """Return lines with colours on a terminal only: in a file they would be codes."""
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR"))


def place_only(_: object, __: str, event: EventDict) -> EventDict:
    """Replace a foreign line's words by where they were said: Bolt and others put whole payloads into theirs."""
    record: logging.LogRecord = event["_record"]
    location = f"{record.module}.{record.funcName}:{record.lineno}"
    event.update(event="a library says something", logger=record.name, place=location)
    return event


def wordless_traceback(_: object, __: str, event: EventDict) -> EventDict:
    """Write a traceback as types and places: an exception's own words may quote what a person wrote."""
    found = event.pop("exc_info", None)
    error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found is True else None
    if isinstance(found, tuple):
        error = found[1]
    if error is not None:
        event["error"] = " <- ".join(type(cause).__qualname__ for cause in _causes(error))
        event["frames"] = _frames(error.__traceback__)
        if full := what_is_full(error):
            event["no_room_left"] = full
    return event


def _causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
