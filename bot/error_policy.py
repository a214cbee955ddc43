"""What an error means for the person who asked: wait and try again, a sentence, or something is broken."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slack_sdk.errors import SlackApiError

from bot.errors import what_is_full
from bot.queue.worker import TryAgain
from bot.slack.errors import is_restricted

# By full name, not by class: the gateway and most installations import neither Qdrant's client nor OpenAI's.
AWAY = frozenset({
    "redis.exceptions.RedisError",
    "aiohttp.client_exceptions.ClientError",
    "httpx.TransportError",
    "openai.APIConnectionError",
    "openai.InternalServerError",
    "openai.RateLimitError",
    "qdrant_client.http.exceptions.ResponseHandlingException",
    "slack_sdk.errors.SlackClientNotConnectedError",
    "bot.access.lookups.AudienceUnknown",
    "bot.engine.errors.Busy",
    "bot.engine.errors.DecodeFailed",
    "bot.engine.errors.Unavailable",
    "builtins.ConnectionError",
    "builtins.TimeoutError",
})  # fmt: skip
WORDS = {
    "bot.engine.errors.EngineDied": "bot.engine_died",
    "bot.engine.errors.TimedOut": "bot.too_slow",
    "bot.engine.errors.TooLong": "bot.too_long",
}
SLACK_TROUBLE = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org",
})  # fmt: skip
NOBODY_THERE = frozenset({
    "channel_not_found", "is_archived", "not_in_channel", "thread_not_found", "message_not_found",
    "cannot_reply_to_message", "user_not_found", "account_inactive", "invalid_thread_ts",
})  # fmt: skip


@dataclass(frozen=True)
class ErrorReply:
    """What to tell the person; a key of texts/bot.toml with its values."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class NobodyThere:
    """The conversation is gone: there is nobody to tell."""


@dataclass(frozen=True)
class Broken:
    """Nobody expected this; it belongs in the log."""


Meaning = TryAgain | ErrorReply | NobodyThere | Broken


def reply_for(error: BaseException) -> Meaning:
    """Sort an error that a turn ended with."""
    if isinstance(error, TryAgain):
        return error
    if isinstance(error, BaseExceptionGroup):
        return reply_for(error.exceptions[0])
    if isinstance(error, SlackApiError):
        return _of_slack(error)
    return _of_full(error) or _by_name(error)


def _by_name(error: BaseException) -> Meaning:
    names = [
        f"{kind.__module__}.{kind.__qualname__}".replace("asyncio.exceptions.", "") for kind in type(error).__mro__
    ]
    if key := next((WORDS[name] for name in names if name in WORDS), ""):
        return ErrorReply(key, {name: getattr(error, name, "") for name in ("tokens", "limit")})
    if not AWAY.isdisjoint(names) or _server_failed(error):
        return TryAgain(type(error).__name__, getattr(error, "after_seconds", 0))
    return Broken()


def _of_full(error: BaseException) -> Meaning | None:
    """Try again what Redis refuses: it takes writes by itself when there is room. Else tell the person."""
    full = what_is_full(error)
    if not full:
        return None
    return ErrorReply("bot.full") if isinstance(error, OSError) else TryAgain(f"no room left: {full}")


def _server_failed(error: BaseException) -> bool:
    """Tell whether a client says that its server failed (Qdrant, OpenAI-compatible ones: 5xx)."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and status >= 500


def _of_slack(error: SlackApiError) -> Meaning:
    response = error.response
    name = str(response.get("error", "")) if hasattr(response, "get") else ""
    status = getattr(response, "status_code", 200)
    if status == 429 or status >= 500 or name in SLACK_TROUBLE:
        return TryAgain(f"slack {status} {name}".strip(), _retry_after(getattr(response, "headers", {})))
    return NobodyThere() if name in NOBODY_THERE or is_restricted(error) else Broken()


def _retry_after(headers: Mapping[str, str]) -> float:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "0")
    return float(value) if value.replace(".", "", 1).isdigit() else 0.0
