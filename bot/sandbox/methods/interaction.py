"""What people do with the app: commands, buttons, shortcuts, Stop, its Home. Slack has clicks instead of methods."""

import re
import time
import uuid
from collections.abc import Iterator
from html import escape
from typing import Any

from bot.sandbox import messages
from bot.sandbox.dispatch import SPECIAL, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.methods.streams import end_streams
from bot.sandbox.people import APP, BOT_USER, COMMANDS, ENTERPRISE, TEAM, TEAM_DOMAIN
from bot.sandbox.response_urls import Link, new_link, show_answer
from bot.sandbox.state import Row, State

TRIGGER_SECONDS = 3.0
TABS = frozenset({"home", "messages", "about"})


@method("chat.command", per_minute=SPECIAL, roles=("person",))
async def command(call: Call) -> Result:
    """Run a slash command."""
    arguments, workspace = call.arguments, call.workspace
    if (name := arguments.need("command")) not in COMMANDS:
        raise ApiError("invalid_command")
    channel = _channel(call)
    person = workspace.state.users[call.user]
    if not workspace.state.is_of_workspace(call.user):
        raise ApiError("not_allowed_for_external_members")
    link = Link(channel["id"], call.user)
    payload = {
        "token": "sandbox",
        "team_id": TEAM,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel["id"],
        "channel_name": channel.get("name", "directmessage"),
        "user_id": call.user,
        "user_name": person["name"],
        "command": name,
        "text": _escaped(workspace.state, arguments.text("text").strip()),
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": new_link(workspace, link),
        "trigger_id": _trigger(call),
    }
    _show_acknowledgement(call, link, await workspace.delivery.ask("slash_commands", payload))
    return {}


@method("chat.press", per_minute=SPECIAL, roles=("person",))
async def press(call: Call) -> Result:
    """Press a button of a message; of feedback buttons the one with this value."""
    arguments = call.arguments
    channel, ts = _channel(call), arguments.need("ts", "message_not_found")
    message, private = _pressed(call, channel, ts)
    element = _element(message, arguments.need("action_id"), arguments.text("block_id"), arguments.text("value"))
    container: Row = {"type": "message", "message_ts": ts, "channel_id": channel["id"], "is_ephemeral": private}
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    payload = _interaction(call, channel, "block_actions") | {
        "container": container,
        "state": {"values": {}},
        "response_url": new_link(call.workspace, Link(channel["id"], call.user, ts)),
        "actions": [element | {"action_ts": call.workspace.state.next_ts()}],
    }
    if not private:
        payload["message"] = messages.seen(call.workspace, message, BOT_USER)
    await call.workspace.delivery.ask("interactive", payload)
    return {}


@method("views.press", per_minute=SPECIAL, roles=("person",))
async def press_in_home(call: Call) -> Result:
    """Press a button of the app's Home: Slack names no conversation then."""
    workspace = call.workspace
    view = workspace.state.homes.get(call.user)
    if view is None:
        raise ApiError("not_found")
    element = _element(view, call.arguments.need("action_id"), "", "")
    payload = _interaction(call, {"id": ""}, "block_actions") | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [element | {"action_ts": workspace.state.next_ts()}],
    }
    del payload["channel"]
    await workspace.delivery.ask("interactive", payload)
    return {}


@method("chat.shortcut", per_minute=SPECIAL, roles=("person",))
async def shortcut(call: Call) -> Result:
    """Use a message shortcut."""
    arguments = call.arguments
    channel = _channel(call)
    message = call.workspace.state.message(channel["id"], arguments.need("ts", "message_not_found"))
    payload = _interaction(call, channel, "message_action") | {
        "callback_id": arguments.need("callback_id"),
        "action_ts": call.workspace.state.next_ts(),
        "message_ts": message["ts"],
        "message": messages.seen(call.workspace, message, BOT_USER),
        "response_url": new_link(call.workspace, Link(channel["id"], call.user)),
    }
    await call.workspace.delivery.ask("interactive", payload)
    return {}


@method("chat.stop", per_minute=SPECIAL, roles=("person",))
async def stop(call: Call) -> Result:
    """Press the Stop button of a thread."""
    channel, thread = _channel(call), call.arguments.need("thread_ts", "thread_not_found")
    call.workspace.state.message(channel["id"], thread, "thread_not_found")
    event = {"type": "agent_session_stopped", "channel": channel["id"], "thread_ts": thread, "user": call.user}
    ended = end_streams(call.workspace, channel["id"], thread)
    call.workspace.announce(event | {"streaming_message_ts": ended}, channel["id"])
    return {}


@method("chat.home", per_minute=SPECIAL, roles=("person",))
async def open_home(call: Call) -> Result:
    """Open the app's Home or its messages."""
    tab = call.arguments.text("tab", "home")
    if tab not in TABS:
        raise ApiError("invalid_arguments")
    dm = call.workspace.state.dm(call.user, BOT_USER)
    event: Row = {"type": "app_home_opened", "user": call.user, "channel": dm["id"], "tab": tab}
    if view := call.workspace.state.homes.get(call.user):
        event["view"] = view
    call.workspace.announce(event)
    return {"channel": dm["id"]}


def _channel(call: Call) -> Row:
    channel = call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    if channel["is_archived"]:
        raise ApiError("is_archived")
    return channel


def _trigger(call: Call) -> str:
    trigger = f"{time.time_ns() // 1_000_000}.{time.monotonic_ns() % 10**9}.{uuid.uuid4().hex}"
    triggers = call.workspace.triggers
    triggers[trigger] = (call.user, time.monotonic() + TRIGGER_SECONDS)
    for known in [known for known, (_, until) in triggers.items() if until < time.monotonic() - TRIGGER_SECONDS]:
        del triggers[known]
    return trigger


def _escaped(state: State, text: str) -> str:
    """Return what was typed as Slack sends it: escaped, with ids for @people and #channels."""
    parts = re.split(r"(<[@#!][^<>]*>|<https?://[^<>]*>)", text)
    safe = "".join(part if n % 2 else escape(part, quote=False) for n, part in enumerate(parts))
    people = {user["name"]: f"<@{user['id']}|{user['name']}>" for user in state.users.values()}
    channels = {c["name"]: f"<#{c['id']}|{c['name']}>" for c in state.channels.values() if c.get("name")}
    safe = re.sub(r"(?<![\w<])@([\w.-]+)", lambda found: people.get(found[1], found[0]), safe)
    return re.sub(r"(?<![\w<&])#([\w-]+)", lambda found: channels.get(found[1], found[0]), safe)


def _show_acknowledgement(call: Call, link: Link, said: Any) -> None:
    """Show what the app said with its acknowledgement."""
    if isinstance(said, str) and said:
        said = {"text": said}
    if isinstance(said, dict) and (said.get("text") or said.get("blocks")):
        show_answer(call.workspace, link, said)


def _interaction(call: Call, channel: Row, kind: str) -> Row:
    person = call.workspace.state.users[call.user]
    name, team = person["name"], person["team_id"]
    return {
        "type": kind,
        "user": {"id": call.user, "username": name, "name": name, "team_id": team},
        "api_app_id": APP,
        "token": "sandbox",
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": {"id": ENTERPRISE, "name": "Lantern group"} if call.workspace.faults.grid else None,
        "is_enterprise_install": False,
        "channel": {"id": channel["id"], "name": channel.get("name", "directmessage")},
        "trigger_id": _trigger(call),
    }


def _pressed(call: Call, channel: Row, ts: str) -> tuple[Row, bool]:
    """Return the message whose button is pressed, and whether only this person sees it."""
    for private in call.workspace.ephemerals[channel["id"], call.user]:
        if private["ts"] == ts:
            return private, True
    return call.workspace.state.message(channel["id"], ts), False


def _element(message: Row, action_id: str, block_id: str, value: str) -> Row:
    """Return what Slack tells of a pressed element; raise Refused if the message has none like it."""
    for block in message.get("blocks", []):
        if block_id and block.get("block_id") != block_id:
            continue
        for element in _elements(block):
            if element.get("action_id") == action_id and (told := _told(element, value)):
                return told | {"block_id": block.get("block_id", "")}
    raise ApiError("action_not_found")


def _elements(block: Row) -> Iterator[Row]:
    yield from (element for element in block.get("elements", []) if isinstance(element, dict))
    if isinstance(block.get("accessory"), dict):
        yield block["accessory"]


def _told(element: Row, value: str) -> Row | None:
    told: Row = {"action_id": element["action_id"], "type": element["type"]}
    if element["type"] == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            if element[name]["value"] == value:
                return told | {"value": value, "text": element[name]["text"]}
        return None
    named = {name: element[name] for name in ("text", "value", "style") if name in element}
    return told | named
