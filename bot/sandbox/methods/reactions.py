"""Reactions to messages."""

import re

from bot.sandbox import messages
from bot.sandbox.dispatch import TIER_2, TIER_3, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.state import Row


@method("reactions.add", per_minute=TIER_3)
async def add(call: Call) -> Result:
    """React to a message."""
    channel, message, name = _place(call)
    found = next((reaction for reaction in message.get("reactions", []) if reaction["name"] == name), None)
    if found is None:
        found = {"name": name, "users": [], "count": 0}
        message.setdefault("reactions", []).append(found)
    if call.user in found["users"]:
        raise ApiError("already_reacted")
    found["users"].append(call.user)
    _keep(call, channel, message, name, "reaction_added")
    return {}


@method("reactions.remove", per_minute=TIER_2)
async def remove(call: Call) -> Result:
    """Take a reaction back."""
    channel, message, name = _place(call)
    found = next((reaction for reaction in message.get("reactions", []) if reaction["name"] == name), None)
    if found is None or call.user not in found["users"]:
        raise ApiError("no_reaction")
    found["users"].remove(call.user)
    _keep(call, channel, message, name, "reaction_removed")
    return {}


@method("reactions.get", per_minute=TIER_3)
async def get(call: Call) -> Result:
    """Return a message with its reactions."""
    channel, message, _ = _place(call, named=False)
    return {"type": "message", "channel": channel["id"], "message": messages.seen(call.workspace, message, call.user)}


def _place(call: Call, *, named: bool = True) -> tuple[Row, Row, str]:
    state = call.workspace.state
    name = call.arguments.text("name").strip(":")
    if named and not re.fullmatch(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?", name):
        raise ApiError("invalid_name")
    channel = state.channel(call.arguments.need("channel", "no_item_specified"), call.user)
    messages.require_member(channel, call.user)
    return channel, state.message(channel["id"], call.arguments.need("timestamp", "no_item_specified")), name


def _keep(call: Call, channel: Row, message: Row, name: str, kind: str) -> None:
    kept = [reaction | {"count": len(reaction["users"])} for reaction in message["reactions"] if reaction["users"]]
    message["reactions"] = kept
    if not kept:
        del message["reactions"]
    workspace = call.workspace
    workspace.state.save_message(channel["id"], message)
    workspace.live.tell("message", channel=channel["id"], message=messages.seen(workspace, message, ""))
    item = {"type": "message", "channel": channel["id"], "ts": message["ts"]}
    event = {"type": kind, "user": call.user, "reaction": name, "item_user": message["user"], "item": item}
    workspace.announce(event, channel["id"])
