"""Messages that grow: chat.startStream, appendStream, stopStream."""

import time

from bot.sandbox import messages
from bot.sandbox.blocks import LONGEST_MARKDOWN, MOST_BLOCKS, check_blocks
from bot.sandbox.dispatch import TIER_2, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError, invalid
from bot.sandbox.methods.chat import metadata, postable
from bot.sandbox.state import Row
from bot.sandbox.workspace import Workspace

LONGEST_STREAM_BYTES = 12_000  # all of a message, its tasks included; undocumented
TASK_STATES = frozenset({"pending", "in_progress", "complete", "error"})
SESSION_STATES = frozenset({"active", "processing", "suspended", "closed"})
DISPLAY_MODES = frozenset({"", "timeline", "plan", "dense"})


@method("chat.startStream", per_minute=TIER_2, roles=("bot",))
async def start(call: Call) -> Result:
    """Begin a message that will grow."""
    arguments, workspace = call.arguments, call.workspace
    channel = postable(call)
    thread = arguments.need("thread_ts")
    if not channel.get("is_im"):
        arguments.need("recipient_user_id", "missing_recipient_user_id")
        arguments.need("recipient_team_id", "missing_recipient_team_id")
    if (recipient := arguments.text("recipient_user_id")) and recipient not in workspace.state.users:
        raise ApiError("user_not_found")
    if arguments.text("task_display_mode") not in DISPLAY_MODES:
        raise ApiError("invalid_arguments")
    grown = _grow({"_markdown": "", "_tasks": {}, "_began": time.time()}, _chunks(call))
    message = messages.post(
        workspace, channel, call.user, thread_ts=thread, streaming_state="in_progress", **grown, **_composed(grown)
    )
    workspace.streaming.add((channel["id"], message["ts"]))
    workspace.sessions[channel["id"], message["thread_ts"]] = "processing"
    return {"channel": channel["id"], "ts": message["ts"]}


@method("chat.appendStream", per_minute=TIER_4, roles=("bot",))
async def append(call: Call) -> Result:
    """Let it grow."""
    channel, message = _stream(call)
    chunks = _chunks(call)
    if not chunks:
        raise ApiError("no_text")
    grown = _grow(message, chunks)
    message |= grown | _composed(grown)
    call.workspace.state.save_message(channel["id"], message)
    shown = messages.seen(call.workspace, message, "")
    call.workspace.live.tell("message", channel=channel["id"], message=shown)
    return {"channel": channel["id"], "ts": message["ts"]}


@method("chat.stopStream", per_minute=TIER_2, roles=("bot",))
async def stop(call: Call) -> Result:
    """Complete it."""
    if call.arguments.text("session_status", "active") not in SESSION_STATES:
        raise ApiError("invalid_arguments")
    channel, message = _stream(call)
    grown = _grow(message, _chunks(call))
    blocks = call.arguments.parsed("blocks", "invalid_blocks_format")
    below = check_blocks(blocks, most=MOST_BLOCKS) if blocks else []
    composed = _composed(grown, below)
    call.workspace.streaming.discard((channel["id"], message["ts"]))
    marks = {"metadata": metadata(call)} if "metadata" in call.arguments else {}
    session = call.arguments.text("session_status", "active")
    call.workspace.sessions[channel["id"], message["thread_ts"]] = session
    messages.edit(call.workspace, channel, message, streaming_state=None, **grown, **composed, **marks)
    shown = messages.seen(call.workspace, message, call.user)
    return {"channel": channel["id"], "ts": message["ts"], "message": shown}


def end_streams(workspace: Workspace, channel: str, thread: str) -> list[str]:
    """End the streams of a thread because a person wants it; return which."""
    state, ended = workspace.state, []
    for place in [place for place in workspace.streaming if place[0] == channel]:
        message = state.messages[channel][place[1]]
        if message.get("thread_ts") == thread:
            message["_stopped"] = True
            _end(workspace, *place)
            ended.append(place[1])
    return ended


def expire_streams(workspace: Workspace) -> None:
    """End the streams that are older than Slack lets them become."""
    oldest = time.time() - workspace.faults.expire_streams_seconds
    for channel, ts in list(workspace.streaming):
        message = workspace.state.messages.get(channel, {}).get(ts)
        if message is None or message["_began"] < oldest:
            _end(workspace, channel, ts)


def _end(workspace: Workspace, channel: str, ts: str) -> None:
    workspace.streaming.discard((channel, ts))
    if message := workspace.state.messages.get(channel, {}).get(ts):
        message.pop("streaming_state", None)
        workspace.state.save_message(channel, message)
        workspace.live.tell("message", channel=channel, message=messages.seen(workspace, message, ""))


def _stream(call: Call) -> tuple[Row, Row]:
    """Return a message of the caller's that grows; raise Refused if it does not, or no more."""
    expire_streams(call.workspace)
    state = call.workspace.state
    channel = state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    message = state.message(channel["id"], call.arguments.need("ts", "message_not_found"))
    if message["user"] != call.user:
        raise ApiError("message_not_owned_by_app")
    if message.get("_stopped"):
        raise ApiError("stopped_by_user")
    if message.get("streaming_state") != "in_progress":
        raise ApiError("message_not_in_streaming_state")
    return channel, message


def _chunks(call: Call) -> list[Row]:
    """Return what a call adds, as chunks; raise Refused for what is none."""
    markdown = call.arguments.text("markdown_text")
    chunks = call.arguments.parsed("chunks", "invalid_chunks")
    if markdown and chunks:
        raise invalid("invalid_arguments", "`markdown_text` and `chunks` exclude each other")
    if markdown:
        chunks = [{"type": "markdown_text", "text": markdown}]
    if chunks is not None and not isinstance(chunks, list):
        raise ApiError("invalid_chunks")
    for chunk in chunks or []:
        _check(chunk)
    return chunks or []


def _check(chunk: object) -> None:
    if not isinstance(chunk, dict):
        raise ApiError("invalid_chunks")
    match chunk.get("type"):
        case "markdown_text":
            if not isinstance(chunk.get("text"), str) or not chunk["text"]:
                raise ApiError("no_text")
            if len(chunk["text"]) > LONGEST_MARKDOWN:
                raise ApiError("msg_too_long")
        case "task_update":
            if not chunk.get("id") or not chunk.get("title") or chunk.get("status") not in TASK_STATES:
                raise invalid("invalid_chunks", "a task needs `id`, `title` and a known `status`")
        case "plan_update":
            if not chunk.get("title"):
                raise ApiError("invalid_chunks")
        case "blocks":
            check_blocks(chunk.get("blocks"))
        case _:
            raise ApiError("invalid_chunks")


def _grow(message: Row, chunks: list[Row]) -> Row:
    """Return the inner parts of a stream with the chunks added; raise Refused if it becomes too long."""
    markdown, tasks = message["_markdown"], dict(message["_tasks"])
    for chunk in chunks:
        if chunk["type"] == "markdown_text":
            markdown += chunk["text"]
        elif chunk["type"] == "task_update":
            tasks[str(chunk["id"])] = tasks.get(str(chunk["id"]), {}) | chunk
    if len(markdown.encode()) + sum(map(_task_bytes, tasks.values())) > LONGEST_STREAM_BYTES:
        raise ApiError("msg_too_long")
    return {"_markdown": markdown, "_tasks": tasks, "_began": message["_began"]}


def _task_bytes(task: Row) -> int:
    once, twice = str(task["title"]), f"{task.get('details', '')}{task.get('output', '')}"
    return len(once.encode()) + 2 * len(twice.encode())


def _composed(grown: Row, below: list[Row] | None = None) -> Row:
    """Return a stream as a message: its tasks, its text, and the blocks below."""
    tasks = [
        {
            "type": "task_card",
            "block_id": f"task-{key}",
            "task_id": key,
            "title": task["title"],
            "status": task["status"],
        }
        for key, task in grown["_tasks"].items()
    ]
    text = [{"type": "markdown", "block_id": "text", "text": grown["_markdown"]}] if grown["_markdown"] else []
    return {"text": grown["_markdown"], "blocks": [*tasks, *text, *(below or [])]}
