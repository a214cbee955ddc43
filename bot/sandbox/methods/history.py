"""What was said: conversations.history and conversations.replies."""

from typing import Any

from bot.sandbox import messages
from bot.sandbox.dispatch import Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.pagination import MOST, read_cursor, write_cursor
from bot.sandbox.people import BOT_USER
from bot.sandbox.state import Row

HISTORY_LIMIT, REPLIES_LIMIT = 100, 1000


@method("conversations.history")
async def history(call: Call) -> Result:
    """Return what was said in a conversation itself, newest first."""
    channel = _readable(call)
    there = call.workspace.state.messages[channel["id"]]
    said = [message for message in there.values() if _is_top(message) and _within(call, message["ts"])]
    limit = call.arguments.number("limit", HISTORY_LIMIT, least=1, most=MOST)
    latest = read_cursor(call.arguments.text("cursor"), "next_ts")
    older = [message for message in reversed(said) if not latest or _digits(message["ts"]) < int(latest)]
    page, rest = older[:limit], older[limit:]
    cursor = write_cursor("next_ts", str(_digits(page[-1]["ts"]))) if rest else ""
    return {"messages": _shown(call, page), "pin_count": 0, **_more(cursor)}


@method("conversations.replies")
async def replies(call: Call) -> Result:
    """Return a thread, oldest first, with the message it hangs on."""
    channel, state = _readable(call), call.workspace.state
    message = state.message(channel["id"], call.arguments.need("ts"), "thread_not_found")
    there = state.messages[channel["id"]]
    root = there.get(str(message.get("thread_ts", message["ts"])), message)
    times = [ts for ts in state.replies.get((channel["id"], root["ts"]), []) if _within(call, ts)]
    limit = call.arguments.number("limit", REPLIES_LIMIT, least=1, most=MOST)
    after = int(read_cursor(call.arguments.text("cursor"), "next_ts") or 0)
    newer = [ts for ts in times if _digits(ts) > after]
    page = newer[: max(1, limit - 1)]
    cursor = write_cursor("next_ts", str(_digits(page[-1]))) if len(newer) > len(page) else ""
    return {"messages": _shown(call, [root, *(there[ts] for ts in page)]), **_more(cursor)}


def _readable(call: Call) -> Row:
    """Return a conversation that the caller may read: the app only where it is."""
    channel = call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    if call.user == BOT_USER and call.user not in channel["_members"]:
        raise ApiError("not_in_channel")
    return channel


def _is_top(message: Row) -> bool:
    return message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"


def _within(call: Call, ts: str) -> bool:
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    when = _digits(ts)
    if call.arguments.flag("inclusive"):
        return (oldest is None or when >= oldest) and (latest is None or when <= latest)
    return (oldest is None or when > oldest) and (latest is None or when < latest)


def _bound(call: Call, name: str) -> int | None:
    given = call.arguments.text(name)
    if not given or given == "now":
        return None
    try:
        return round(float(given) * 1_000_000) if "." not in given else _digits(given)
    except ValueError:
        raise ApiError(f"invalid_ts_{name}") from None


def _digits(ts: str) -> int:
    """Return a ts in microseconds."""
    seconds, _, rest = ts.partition(".")
    return int(seconds) * 1_000_000 + int(rest[:6].ljust(6, "0") or 0)


def _shown(call: Call, said: list[Row]) -> list[Row]:
    return [messages.seen(call.workspace, message, call.user) for message in said]


def _more(cursor: str) -> dict[str, Any]:
    more = {"has_more": bool(cursor)}
    return more | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})
