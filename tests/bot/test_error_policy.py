"""Each error means something for the person who asked."""

import errno

import aiohttp
import httpx
import openai
import pytest
import redis.exceptions
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.access.memberships import AudienceUnknown
from bot.engine.errors import Busy, DecodeFailed, EngineDied, TimedOut, TooLong, Unavailable
from bot.error_policy import AWAY, WORDS, Broken, ErrorReply, NobodyThere, reply_for
from bot.queue.worker import TryAgain
from handlers.text.messages import say

FULL = OSError(errno.ENOSPC, "No space left on device")
REQUEST = httpx.Request("GET", "http://model")


def slack(error: str, status: int = 200, **headers: str) -> SlackApiError:
    """Make what slack_sdk raises."""
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data={"ok": False, "error": error},
        headers=headers, status_code=status,
    )  # fmt: skip
    return SlackApiError("no", response)


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.ConnectionError(),
        redis.exceptions.BusyLoadingError(),
        aiohttp.ClientConnectionError(),
        aiohttp.ServerDisconnectedError(),
        httpx.ConnectTimeout("", request=REQUEST),
        openai.APIConnectionError(request=REQUEST),
        openai.InternalServerError("", response=httpx.Response(500, request=REQUEST), body=None),
        ResponseHandlingException(ConnectionError()),
        UnexpectedResponse(503, "away", b"", httpx.Headers()),
        ConnectionRefusedError(),
        TimeoutError(),
        AudienceUnknown("ratelimited"),
        slack("ratelimited", 429),
        slack("internal_error"),
        slack("", 503),
        ExceptionGroup("several", [ConnectionResetError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_away_is_tried_again(error: Exception) -> None:
    assert isinstance(reply_for(error), TryAgain)


def test_a_full_line_tells_when_to_come_back() -> None:
    later = reply_for(Busy(64, after_seconds=12))
    assert isinstance(later, TryAgain)
    assert later.after_seconds == 12


def test_slack_tells_when_to_come_back() -> None:
    later = reply_for(slack("ratelimited", 429, **{"Retry-After": "30"}))
    assert isinstance(later, TryAgain)
    assert later.after_seconds == 30


@pytest.mark.parametrize("name", ["channel_not_found", "is_archived", "not_in_channel"])
def test_a_conversation_that_is_gone_has_nobody_to_tell(name: str) -> None:
    assert isinstance(reply_for(slack(name)), NobodyThere)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), slack("invalid_blocks"), FileNotFoundError()])
def test_anything_else_is_broken(error: Exception) -> None:
    assert isinstance(reply_for(error), Broken)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_the_engine_refuses_has_a_sentence(language: str) -> None:
    for error in (TooLong(9000, 4000), TimedOut(600), EngineDied()):
        found = reply_for(error)
        assert isinstance(found, ErrorReply)
        assert say(found.key, language, id="T:C:1", **found.values)
    assert "9000" in say("bot.too_long", language, id="", **reply_for(TooLong(9000, 4000)).values)  # type: ignore[union-attr]


def test_the_names_are_those_of_real_errors() -> None:
    """A renamed error would silently stop being tried again."""
    ours = (Busy, DecodeFailed, EngineDied, Unavailable, TimedOut, TooLong, AudienceUnknown)
    assert {f"{kind.__module__}.{kind.__qualname__}" for kind in ours} <= AWAY | set(WORDS)


def test_a_full_disk_is_told_by_name() -> None:
    assert reply_for(FULL) == ErrorReply("bot.full")
    refused = redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file")
    for error in (refused, RuntimeError("No space left on device")):
        later = reply_for(error)
        assert isinstance(later, TryAgain)
        assert later.reason == "no room left: disk"


def test_redis_that_has_used_its_memory_is_told_by_name() -> None:
    later = reply_for(redis.exceptions.ResponseError("OOM command not allowed when used memory > 'maxmemory'."))
    assert isinstance(later, TryAgain)
    assert later.reason == "no room left: Redis"
