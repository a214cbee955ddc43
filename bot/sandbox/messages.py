"""What is said: posting, changing and deleting, with the events and notes that follow."""

import re
from typing import Any

from bot.sandbox.errors import ApiError
from bot.sandbox.people import APP, BOT, BOT_USER, SLACKBOT, TEAM
from bot.sandbox.serializers import bot_profile, file_stub, message_object
from bot.sandbox.state import Row
from bot.sandbox.workspace import Workspace

LONGEST_TEXT = 40_000  # Slack cuts what is longer
REPLY_USERS_SHOWN = 5


def post(
    workspace: Workspace,
    channel: Row,
    author: str,
    text: str,
    *,
    thread_ts: str = "",
    **fields: Any,
) -> Row:
    """Say something in a conversation and tell everybody; return the message as kept.

    Its other fields are Slack's, and `_files` with the ids of the files that it shares.
    """
    state = workspace.state
    message: Row = {"type": "message", "user": author, "ts": state.next_ts(), "text": text[:LONGEST_TEXT]}
    message |= {"team": state.user(author)["team_id"]} | _signature(author) | _given(fields)
    root = _root(workspace, channel["id"], thread_ts) if thread_ts else None
    if root:
        message |= {"thread_ts": root["ts"], "parent_user_id": root["user"]}
    if files := message.get("_files", []):
        message["subtype"] = "file_share"
    state.save_message(channel["id"], message)
    for file in files:
        _share(workspace, file, channel["id"], message["ts"])
    if root:
        _count_replies(workspace, channel, root)
    _tell(workspace, channel, message)
    return message


def edit(workspace: Workspace, channel: Row, message: Row, **fields: Any) -> None:
    """Change a message and tell everybody."""
    before = seen(workspace, message, BOT_USER, channel)
    for name, value in fields.items():
        if value is None:
            message.pop(name, None)
        else:
            message[name] = value
    workspace.state.save_message(channel["id"], message)
    _tell_changed(workspace, channel, message, before)


def delete(workspace: Workspace, channel: Row, message: Row) -> None:
    """Delete a message; one with replies leaves a stone, and files in it are shared here no more."""
    state, ts = workspace.state, message["ts"]
    before = seen(workspace, message, BOT_USER, channel)
    files = message.get("_files", [])
    root_ts = str(message.get("thread_ts", ts))
    if state.replies.get((channel["id"], ts)):
        _leave_stone(workspace, channel, message, before)
    else:
        state.drop_message(channel["id"], ts)
        event = _event(workspace, channel, "message_deleted") | {"deleted_ts": ts, "previous_message": before}
        workspace.announce(event, channel["id"])
        workspace.live.tell("deleted", channel=channel["id"], ts=ts, thread_ts=root_ts)
    for file in files:
        unshare(workspace, file, channel["id"], ts)
    root = state.messages[channel["id"]].get(root_ts)
    if root and root_ts != ts:
        _count_replies(workspace, channel, root)


def unshare(workspace: Workspace, file_id: str, channel: str, ts: str) -> None:
    """Note that a message no longer shares a file."""
    file = workspace.state.files.get(file_id)
    if file is None or ts not in file["_shares"].get(channel, []):
        return
    file["_shares"][channel].remove(ts)
    if not file["_shares"][channel]:
        del file["_shares"][channel]
    workspace.state.save_file(file)
    event = {"type": "file_unshared", "file_id": file_id, "file": {"id": file_id}, "channel_id": channel}
    workspace.announce(event, channel)


def share(workspace: Workspace, file_id: str, channel: str, ts: str) -> None:
    """Note that a message shares a file."""
    _share(workspace, file_id, channel, ts)


def say_privately(workspace: Workspace, channel: Row, user: str, text: str, **fields: Any) -> Row:
    """Show something to one person only; it is in no history."""
    ts = workspace.state.next_ts()
    message: Row = {"type": "message", "user": BOT_USER, "bot_id": BOT, "ts": ts, "text": text, "is_ephemeral": True}
    message |= _given(fields)
    workspace.ephemerals[channel["id"], user].append(message)
    workspace.live.tell("ephemeral", channel=channel["id"], only=user, message=message)
    return message


def seen(workspace: Workspace, message: Row, viewer: str, channel: Row | None = None) -> Row:
    """Return a message as somebody sees it; a channel shared with another company tells only a file's id in events."""
    shown = message_object(workspace.state, workspace.url, message, viewer)
    if channel and channel.get("is_ext_shared") and "files" in shown:
        shown["files"] = [file_stub(file["id"]) for file in shown["files"]]
    return shown


def channel_type(channel: Row) -> str:
    """Return what events call the kind of a conversation."""
    if channel.get("is_im"):
        return "im"
    if channel.get("is_mpim"):
        return "mpim"
    return "group" if channel["is_private"] else "channel"


def _given(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if value is not None}


def _signature(author: str) -> Row:
    return {"bot_id": BOT, "app_id": APP, "bot_profile": bot_profile()} if author == BOT_USER else {}


def _root(workspace: Workspace, channel: str, thread_ts: str) -> Row:
    """Return the message that a thread hangs on; a reply's own ts means the thread it is in."""
    message = workspace.state.message(channel, thread_ts, "thread_not_found")
    return workspace.state.message(channel, message.get("thread_ts", thread_ts), "thread_not_found")


def _share(workspace: Workspace, file_id: str, channel: str, ts: str) -> None:
    file = workspace.state.files[file_id]
    file["_shares"].setdefault(channel, []).append(ts)
    workspace.state.save_file(file)
    event = {"type": "file_shared", "file_id": file_id, "file": {"id": file_id}, "user_id": file["user"]}
    workspace.announce(event | {"channel_id": channel}, channel)


def _count_replies(workspace: Workspace, channel: Row, root: Row) -> None:
    state = workspace.state
    times = state.replies.get((channel["id"], root["ts"]), [])
    users = list(dict.fromkeys(state.messages[channel["id"]][ts]["user"] for ts in times))
    if times:
        root |= {
            "thread_ts": root["ts"],
            "reply_count": len(times),
            "reply_users_count": len(users),
            "reply_users": users[:REPLY_USERS_SHOWN],
            "latest_reply": times[-1],
        }
    else:
        for name in ("thread_ts", "reply_count", "reply_users_count", "reply_users", "latest_reply"):
            root.pop(name, None)
    state.save_message(channel["id"], root)
    workspace.live.tell("message", channel=channel["id"], message=seen(workspace, root, ""))


def _event(workspace: Workspace, channel: Row, subtype: str) -> Row:
    ts = workspace.state.next_ts()
    event = {"type": "message", "subtype": subtype, "channel": channel["id"], "channel_type": channel_type(channel)}
    return event | {"hidden": True, "ts": ts, "event_ts": ts}


def _tell(workspace: Workspace, channel: Row, message: Row) -> None:
    workspace.live.tell("message", channel=channel["id"], message=seen(workspace, message, ""))
    event = seen(workspace, message, BOT_USER, channel) | {
        "channel": channel["id"],
        "channel_type": channel_type(channel),
        "event_ts": message["ts"],
    }
    if message.get("team") not in {None, TEAM}:
        event |= {"user_team": message["team"], "source_team": message["team"]}
    workspace.announce(event, channel["id"])
    if _mentions_bot(channel, message):
        mention = {name: value for name, value in event.items() if name not in {"channel_type", "subtype", "metadata"}}
        workspace.announce(mention | {"type": "app_mention"}, channel["id"])


def _mentions_bot(channel: Row, message: Row) -> bool:
    spoken = message.get("subtype") in {None, "file_share", "thread_broadcast"} and message["user"] != BOT_USER
    return spoken and not channel.get("is_im") and bool(re.search(rf"<@{BOT_USER}(\|[^>]*)?>", message["text"]))


def _tell_changed(workspace: Workspace, channel: Row, message: Row, before: Row) -> None:
    now = seen(workspace, message, BOT_USER, channel)
    event = _event(workspace, channel, "message_changed") | {"message": now, "previous_message": before}
    workspace.announce(event, channel["id"])
    workspace.live.tell("message", channel=channel["id"], message=seen(workspace, message, ""))


def _leave_stone(workspace: Workspace, channel: Row, message: Row, before: Row) -> None:
    for name in ("blocks", "_files", "metadata", "reactions", "bot_id", "app_id", "bot_profile"):
        message.pop(name, None)
    message |= {"subtype": "tombstone", "text": "This message was deleted.", "user": SLACKBOT, "hidden": True}
    workspace.state.save_message(channel["id"], message)
    _tell_changed(workspace, channel, message, before)


def require_member(channel: Row, user: str) -> None:
    """Refuse what only members of a living conversation may do."""
    if user not in channel["_members"]:
        raise ApiError("not_in_channel" if not channel.get("is_private") else "channel_not_found")
    if channel.get("is_archived"):
        raise ApiError("is_archived")


def require_postable(channel: Row, user: str, thread_ts: str) -> None:
    """Refuse what a channel's posting permissions do not let an app or a member do; its creator may."""
    restricted = str(channel.get("_restricted", ""))
    refused = {
        "read_only_channel": True,
        "thread_only_channel": not thread_ts,
        "non_threadable_channel": bool(thread_ts),
        "thread_locked": bool(thread_ts),
    }
    if user != channel.get("creator") and refused.get(restricted):
        raise ApiError(f"restricted_action_{restricted}")
