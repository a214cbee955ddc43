"""The assistant's manners: its status line, suggested prompts, a thread's title, sessions."""

import time

from bot.sandbox.dispatch import SPECIAL, TIER_3, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.messages import require_member
from bot.sandbox.people import BOT_USER
from bot.sandbox.state import Row

MOST_PROMPTS, MOST_LOADING, LONGEST_TITLE = 4, 10, 200
STATUS_SECONDS = 120.0  # then Slack takes the line away
SESSION_STATES = frozenset({"processing", "active", "suspended", "closed"})


@method("assistant.threads.setStatus", per_minute=SPECIAL, roles=("bot",))
async def set_status(call: Call) -> Result:
    """Show what the assistant is doing in a thread."""
    channel, thread = _thread(call)
    if "status" not in call.arguments:
        raise ApiError("invalid_arguments")
    loading = call.arguments.parsed("loading_messages", "invalid_arguments") or []
    if len(loading) > MOST_LOADING:
        raise ApiError("too_many_loading_messages")
    _show(call, channel, thread, call.arguments.text("status"), loading)
    return {}


@method("assistant.threads.setSuggestedPrompts", per_minute=TIER_4, roles=("bot",))
async def set_prompts(call: Call) -> Result:
    """Suggest what one could say; with a thread_ts nothing happens, without a word."""
    channel = _channel(call)
    prompts = call.arguments.parsed("prompts", "invalid_arguments")
    if not isinstance(prompts, list) or not all(isinstance(p, dict) and p.get("title") for p in prompts):
        raise ApiError("invalid_arguments")
    if len(prompts) > MOST_PROMPTS:
        raise ApiError("too_many_prompts")
    if "thread_ts" in call.arguments:
        return {}
    suggested: Row = {"prompts": prompts, "title": call.arguments.text("title")}
    call.workspace.prompts[channel["id"]] = suggested
    call.workspace.live.tell("prompts", channel=channel["id"], **suggested)
    return {}


@method("assistant.threads.setTitle", per_minute=TIER_4, roles=("bot",))
@method("agents.sessions.rename", per_minute=TIER_4, roles=("bot",))
async def set_title(call: Call) -> Result:
    """Give a thread a title."""
    channel, thread = _thread(call)
    title = call.arguments.need("title")
    if len(title) > LONGEST_TITLE:
        raise ApiError("title_too_long")
    root = call.workspace.state.message(channel["id"], thread, "thread_not_found")
    root["_title"] = title
    call.workspace.state.save_message(channel["id"], root)
    return {}


@method("agents.sessions.setStatus", per_minute=TIER_3, roles=("bot",))
async def set_session(call: Call) -> Result:
    """Say how far a session is."""
    channel, thread = _thread(call)
    status = call.arguments.need("status")
    if status not in SESSION_STATES:
        raise ApiError("invalid_status")
    if status != "processing":
        _show(call, channel, thread, "", [])
    call.workspace.sessions[channel["id"], thread] = status
    return {}


@method("assistant.statuses", per_minute=SPECIAL, roles=("person",))
async def statuses(call: Call) -> Result:
    """Return the status lines, sessions and prompts that a person sees in a conversation; for pages that open later."""
    channel = call.workspace.state.channel(call.arguments.need("channel"), call.user)
    now = time.time()
    shown = [
        {"thread_ts": thread, **status}
        for (place, thread), status in call.workspace.statuses.items()
        if place == channel["id"] and status["at"] > now - STATUS_SECONDS
    ]
    sessions = {thread: state for (place, thread), state in call.workspace.sessions.items() if place == channel["id"]}
    return {"statuses": shown, "sessions": sessions, **call.workspace.prompts.get(channel["id"], {})}


def _show(call: Call, channel: Row, thread: str, status: str, loading: list[str]) -> None:
    key = (channel["id"], thread)
    call.workspace.sessions[key] = "processing" if status else "active"
    if status:
        call.workspace.statuses[key] = {"status": status, "loading_messages": loading, "at": time.time()}
    else:
        call.workspace.statuses.pop(key, None)
    call.workspace.live.tell("status", channel=channel["id"], thread_ts=thread, status=status, loading_messages=loading)


def _channel(call: Call) -> Row:
    channel = call.workspace.state.channel(call.arguments.need("channel_id", "channel_not_found"), BOT_USER)
    require_member(channel, BOT_USER)
    return channel


def _thread(call: Call) -> tuple[Row, str]:
    channel = _channel(call)
    thread = call.arguments.need("thread_ts")
    call.workspace.state.message(channel["id"], thread, "thread_not_found")
    return channel, thread
