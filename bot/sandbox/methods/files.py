"""Files: the way up in three steps, and what is known of them afterwards."""

import mimetypes
import time
import uuid
from pathlib import PurePath

from bot.sandbox import messages
from bot.sandbox.blocks import check_blocks
from bot.sandbox.dispatch import TIER_3, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.serializers import file_object, may_see_file
from bot.sandbox.state import Row

LARGEST_BYTES = 2**30
FILES_A_PAGE = 100  # files.list has numbered pages, not cursors
TYPES = {"pdf": "PDF", "txt": "Plain Text", "md": "Markdown", "docx": "Word Document", "csv": "CSV", "png": "PNG"}


@method("files.getUploadURLExternal", per_minute=TIER_4)
async def upload_url(call: Call) -> Result:
    """Give the address that takes a file's bytes."""
    arguments, state = call.arguments, call.workspace.state
    name = arguments.need("filename")
    arguments.need("length")
    size = arguments.number("length", 0, least=0, most=LARGEST_BYTES, error="file_upload_size_restricted")
    file = new_file(call, name, size) | {"alt_txt": arguments.text("alt_txt")}
    ticket = uuid.uuid4().hex
    call.workspace.tickets[ticket] = file["id"]
    state.save_file(file)
    return {"upload_url": f"{call.workspace.url}/upload/v1/{ticket}", "file_id": file["id"]}


@method("files.completeUploadExternal", per_minute=TIER_4)
async def complete(call: Call) -> Result:
    """Make uploaded files known, and share them in conversations."""
    arguments, workspace = call.arguments, call.workspace
    files = [_uploaded(call, entry) for entry in _entries(call)]
    wanted = arguments.names("channels") or arguments.names("channel_id")
    channels = [workspace.state.channel(channel, call.user) for channel in wanted]
    for channel in channels:
        messages.require_member(channel, call.user)
    blocks = arguments.parsed("blocks", "invalid_blocks_format")
    for file in files:
        file |= {"_complete": True, "_pending": workspace.faults.pending_files}
        workspace.state.save_file(file)
    told = [file_object(workspace.state, workspace.url, file["id"], call.user) for file in files]
    for channel in channels:
        messages.post(
            workspace,
            channel,
            call.user,
            arguments.text("initial_comment"),
            thread_ts=arguments.text("thread_ts"),
            _files=[file["id"] for file in files],
            blocks=check_blocks(blocks) if blocks else None,
        )
    return {"files": told}


@method("files.info", per_minute=TIER_4)
async def info(call: Call) -> Result:
    """Tell what a file is and where it is shared."""
    file = _visible(call)
    shown = file_object(call.workspace.state, call.workspace.url, file["id"], call.user)
    if call.role == "bot" and file.get("_pending"):
        file["_pending"] -= 1
    return {"file": shown, "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.list", per_minute=TIER_3)
async def list_files(call: Call) -> Result:
    """List the files that the caller may see."""
    state, wanted = call.workspace.state, call.arguments
    channel, user = wanted.text("channel"), wanted.text("user")
    found = [
        file
        for file in reversed(state.files.values())
        if file["_complete"]
        and may_see_file(state, file, call.user)
        and (not channel or channel in file["_shares"])
        and user in {"", file["user"]}
    ]
    count = wanted.number("count", FILES_A_PAGE, least=1, most=1000)
    number = wanted.number("page", 1, least=1, most=10_000)
    page = found[(number - 1) * count : number * count]
    paging = {"count": count, "total": len(found), "page": number, "pages": -(-len(found) // count)}
    return {"files": [file_object(state, call.workspace.url, file["id"], call.user) for file in page], "paging": paging}


@method("files.delete", per_minute=TIER_3)
async def delete(call: Call) -> Result:
    """Delete a file everywhere."""
    state, file = call.workspace.state, _visible(call)
    if file["user"] != call.user and not state.users[call.user]["is_admin"]:
        raise ApiError("cant_delete_file")
    shares = file["_shares"]
    state.forget_file(file["id"])
    for channel, times in shares.items():
        for ts in times:
            if (message := state.messages.get(channel, {}).get(ts)) and channel in state.channels:
                shown = messages.seen(call.workspace, message, "")
                call.workspace.live.tell("message", channel=channel, message=shown)
    call.workspace.announce({"type": "file_deleted", "file_id": file["id"]})
    return {}


@method("files.share", per_minute=TIER_3, roles=("person",))
async def share(call: Call) -> Result:
    """Share a file once more, elsewhere, as people do with a few clicks."""
    file, state = _visible(call), call.workspace.state
    channel = state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    messages.require_member(channel, call.user)
    text, thread = call.arguments.text("text"), call.arguments.text("thread_ts")
    message = messages.post(call.workspace, channel, call.user, text, thread_ts=thread, _files=[file["id"]])
    return {"file": file_object(state, call.workspace.url, file["id"], call.user), "ts": message["ts"]}


@method("files.unshare", per_minute=TIER_3, roles=("person",))
async def unshare(call: Call) -> Result:
    """Take a file out of a conversation's messages, as people do with a few clicks."""
    file, state = _visible(call), call.workspace.state
    channel = state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    messages.require_member(channel, call.user)
    for ts in list(file["_shares"].get(channel["id"], [])):
        message = state.messages[channel["id"]][ts]
        messages.edit(
            call.workspace, channel, message, _files=[kept for kept in message["_files"] if kept != file["id"]]
        )
        messages.unshare(call.workspace, file["id"], channel["id"], ts)
    return {}


def new_file(call: Call, name: str, size: int) -> Row:
    """Return what Slack knows of a file before it is there."""
    state, now = call.workspace.state, int(time.time())
    kind = PurePath(name).suffix.lstrip(".").lower() or "binary"
    return {
        "id": state.new_id("F"),
        "created": now,
        "timestamp": now,
        "name": name,
        "title": name,
        "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "filetype": kind,
        "pretty_type": TYPES.get(kind, kind.upper()),
        "user": call.user,
        "user_team": state.users[call.user]["team_id"],
        "editable": False,
        "size": size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "has_rich_preview": False,
        "file_access": "visible",
        "_shares": {},
        "_complete": False,
        "_stored": False,
        "_pending": 0,
    }


def _entries(call: Call) -> list[Row]:
    entries = call.arguments.parsed("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) and e.get("id") for e in entries):
        raise ApiError("invalid_arguments")
    return entries


def _uploaded(call: Call, entry: Row) -> Row:
    file = call.workspace.state.files.get(str(entry["id"]))
    if file is None or file["user"] != call.user:
        raise ApiError("file_not_found")
    if file["_complete"]:
        raise ApiError("file_update_failed")
    if not file["_stored"]:
        raise ApiError("file_not_uploaded")
    file["title"] = str(entry.get("title") or file["name"])
    return file


def _visible(call: Call) -> Row:
    file = call.workspace.state.files.get(call.arguments.need("file", "file_not_found"))
    if file is None or not file["_complete"] or not may_see_file(call.workspace.state, file, call.user):
        raise ApiError("file_not_found")
    return file
