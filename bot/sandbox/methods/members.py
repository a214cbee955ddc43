"""Conversations come and go, and people in them."""

import re
from typing import Any

from bot.sandbox import messages
from bot.sandbox.dispatch import TIER_2, TIER_3, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.people import BOT_USER, SLACKBOT, TEAM, make_channel
from bot.sandbox.serializers import channel_object
from bot.sandbox.state import Row
from bot.sandbox.workspace import Workspace

LONGEST_NAME = 80
RESTRICTIONS = frozenset(
    {"", "read_only_channel", "thread_only_channel", "non_threadable_channel", "thread_locked"}
)  # as in Slack's errors: restricted_action_…


@method("conversations.create", per_minute=TIER_2)
async def create(call: Call) -> Result:
    """Make a channel."""
    state, arguments = call.workspace.state, call.arguments
    name = arguments.need("name", "invalid_name_required")
    _check_name(call, name)
    if not state.is_full_member(call.user):
        raise ApiError("user_is_restricted")
    channel = make_channel(state.new_id("C"), name, call.user, private=arguments.flag("is_private"))
    channel["created"] = int(float(state.next_ts()))
    state.save_channel(channel | {"_members": [call.user]})
    return {"channel": _shown(call, state.channels[channel["id"]])}


@method("conversations.invite")
async def invite(call: Call) -> Result:
    """Bring people into a channel."""
    channel = _of_member(call)
    users = call.arguments.names("users")
    if not users:
        raise ApiError("no_user")
    for user in users:
        _check_invited(call, channel, user)
    for user in users:
        join_channel(call.workspace, channel, user, inviter=call.user)
    return {"channel": _shown(call, channel)}


@method("conversations.join")
async def join(call: Call) -> Result:
    """Come into a public channel."""
    channel = _channel(call)
    if not channel.get("is_channel"):
        raise ApiError("method_not_supported_for_channel_type")
    if channel["is_archived"]:
        raise ApiError("is_archived")
    if call.user in channel["_members"]:
        return {"channel": _shown(call, channel), "warning": "already_in_channel"}
    join_channel(call.workspace, channel, call.user)
    return {"channel": _shown(call, channel)}


@method("conversations.leave")
async def leave(call: Call) -> Result:
    """Leave a channel."""
    channel = _channel(call)
    if call.user not in channel["_members"]:
        return {"not_in_channel": True}
    if channel.get("is_general"):
        raise ApiError("cant_leave_general")
    leave_channel(call.workspace, channel, call.user, actor=call.user)
    return {}


@method("conversations.kick")
async def kick(call: Call) -> Result:
    """Send somebody out of a channel."""
    channel, user = _of_member(call), call.arguments.need("user", "user_not_found")
    if user == call.user:
        raise ApiError("cant_kick_self")
    if channel.get("is_general"):
        raise ApiError("cant_kick_from_general")
    if user not in channel["_members"]:
        raise ApiError("not_in_channel")
    leave_channel(call.workspace, channel, user, actor=call.user)
    return {"errors": {}}


@method("conversations.archive", per_minute=TIER_2)
async def archive(call: Call) -> Result:
    """Put a channel away."""
    channel = _channel(call)
    if channel.get("is_im"):
        raise ApiError("method_not_supported_for_channel_type")
    if channel["is_archived"]:
        raise ApiError("already_archived")
    if channel.get("is_general"):
        raise ApiError("cant_archive_general")
    _set(call, channel, "archive", is_archived=True)
    return {}


@method("conversations.unarchive", per_minute=TIER_2)
async def unarchive(call: Call) -> Result:
    """Take it out again."""
    channel = _channel(call)
    if not channel["is_archived"]:
        raise ApiError("not_archived")
    _set(call, channel, "unarchive", is_archived=False)
    return {}


@method("conversations.rename", per_minute=TIER_2)
async def rename(call: Call) -> Result:
    """Call a channel something else."""
    channel, name = _of_member(call), call.arguments.need("name", "invalid_name_required")
    _check_name(call, name)
    channel |= {"name": name, "name_normalized": name}
    _set(call, channel, "rename", name=name)
    return {"channel": _shown(call, channel)}


@method("conversations.setTopic", per_minute=TIER_2)
async def set_topic(call: Call) -> Result:
    """Say what a channel is about just now."""
    channel = _of_member(call)
    channel["topic"] = {"value": call.arguments.text("topic"), "creator": call.user, "last_set": 0}
    call.workspace.state.save_channel(channel)
    return {"channel": _shown(call, channel)}


@method("conversations.setPurpose", per_minute=TIER_2)
async def set_purpose(call: Call) -> Result:
    """Say what a channel is for."""
    channel = _of_member(call)
    channel["purpose"] = {"value": call.arguments.text("purpose"), "creator": call.user, "last_set": 0}
    call.workspace.state.save_channel(channel)
    return {"channel": _shown(call, channel)}


@method("admin.conversations.delete", per_minute=TIER_3, roles=("person",))
async def delete(call: Call) -> Result:
    """Delete a channel with all that was said in it."""
    state = call.workspace.state
    channel = state.channel(call.arguments.need("channel_id", "channel_not_found"), call.user)
    if not channel.get("is_channel"):
        raise ApiError("channel_type_not_supported")
    call.workspace.announce(
        {"type": _kind(channel, "deleted"), "channel": channel["id"], "actor_id": call.user}, channel["id"]
    )
    call.workspace.live.tell("channels", channel=channel["id"])
    state.drop_channel(channel["id"])
    for file in state.files.values():
        if file["_shares"].pop(channel["id"], None):
            state.save_file(file)
    return {}


@method("admin.conversations.convertToPrivate", per_minute=TIER_2, roles=("person",))
async def convert_to_private(call: Call) -> Result:
    """Make a public channel private; Slack then tells everybody's membership anew."""
    channel = call.workspace.state.channel(call.arguments.need("channel_id", "channel_not_found"), call.user)
    _set(call, channel, "", is_private=True)
    for user in channel["_members"]:
        call.workspace.announce(_joined(call.workspace, channel, user), channel["id"])
    return {}


@method("admin.conversations.setConversationPrefs", per_minute=TIER_3, roles=("person",))
async def set_prefs(call: Call) -> Result:
    """Say who may post in a channel: everybody, or all but the app and the members in one of Slack's ways."""
    channel = call.workspace.state.channel(call.arguments.need("channel_id", "channel_not_found"), call.user)
    restricted = call.arguments.text("restricted")
    if restricted not in RESTRICTIONS:
        raise ApiError("invalid_arguments", known=sorted(RESTRICTIONS))
    _set(call, channel, "", _restricted=restricted)
    return {}


def join_channel(workspace: Workspace, channel: Row, user: str, inviter: str = "") -> None:
    """Bring somebody into a channel; somebody of another company makes it shared."""
    channel["_members"].append(user)
    if not workspace.state.is_of_workspace(user) and not channel["is_ext_shared"]:
        channel["is_ext_shared"] = channel["is_shared"] = True
        event = {"type": "channel_shared", "channel": channel["id"]}
        workspace.announce(event | {"connected_team_id": workspace.state.users[user]["team_id"]}, channel["id"])
    workspace.state.save_channel(channel)
    subtype = "group_join" if channel["is_private"] else "channel_join"
    given = {"inviter": inviter} if inviter else {}
    messages.post(workspace, channel, user, f"<@{user}> has joined the channel", subtype=subtype, **given)
    workspace.announce(_joined(workspace, channel, user) | given, channel["id"])
    workspace.live.tell("channels", channel=channel["id"])


def leave_channel(workspace: Workspace, channel: Row, user: str, *, actor: str) -> None:
    """Let somebody go from a channel; the app is told of its own going differently."""
    workspace.live.tell("channels", channel=channel["id"])
    channel["_members"].remove(user)
    workspace.state.save_channel(channel)
    if user == BOT_USER:
        kind = "group_left" if channel["is_private"] else "channel_left"
        workspace.announce({"type": kind, "channel": channel["id"], "actor_id": actor})
        return
    event = {"type": "member_left_channel", "user": user, "channel": channel["id"], "team": TEAM}
    workspace.announce(event | {"channel_type": _letter(channel)}, channel["id"])


def _joined(workspace: Workspace, channel: Row, user: str) -> Row:
    team = workspace.state.users[user]["team_id"]
    event = {"type": "member_joined_channel", "user": user, "channel": channel["id"], "team": team}
    return event | {"channel_type": _letter(channel)}


def _letter(channel: Row) -> str:
    return "G" if channel["is_private"] else "C"


def _kind(channel: Row, what: str) -> str:
    return f"{'group' if channel['is_private'] else 'channel'}_{what}"


def _set(call: Call, channel: Row, what: str, **fields: Any) -> None:
    channel |= fields
    call.workspace.state.save_channel(channel)
    if what:
        named = {"channel": {"id": channel["id"], "name": channel["name"]}} if what == "rename" else {}
        event = {"type": _kind(channel, what), "channel": channel["id"], "user": call.user} | named
        call.workspace.announce(event, channel["id"])
    call.workspace.live.tell("channels", channel=channel["id"])


def _check_name(call: Call, name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise ApiError("invalid_name_maxlength")
    if not re.fullmatch(r"[\w-]+", name) or name != name.lower():
        raise ApiError("invalid_name_specials")
    if any(channel.get("name") == name for channel in call.workspace.state.channels.values()):
        raise ApiError("name_taken")


def _check_invited(call: Call, channel: Row, user: str) -> None:
    if user not in call.workspace.state.users or user == SLACKBOT:
        raise ApiError("user_not_found")
    if user == call.user:
        raise ApiError("cant_invite_self")
    if user in channel["_members"]:
        raise ApiError("already_in_channel")


def _channel(call: Call) -> Row:
    return call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)


def _of_member(call: Call) -> Row:
    channel = _channel(call)
    if channel.get("is_im"):
        raise ApiError("method_not_supported_for_channel_type")
    messages.require_member(channel, call.user)
    return channel


def _shown(call: Call, channel: Row) -> Row:
    return channel_object(call.workspace.state, channel, call.user)
