"""response_url: the app answers a command or a button there, five times within half an hour."""

import json
import time
import uuid
from dataclasses import dataclass, field

from aiohttp import web

from bot.sandbox import messages
from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import ApiError
from bot.sandbox.message_body import content
from bot.sandbox.people import BOT_USER
from bot.sandbox.state import Row
from bot.sandbox.workspace import Workspace

USES, LIFE_SECONDS = 5, 1800.0


@dataclass
class Link:
    """Where an answer goes: to one person in one conversation, about one message."""

    channel: str
    user: str
    ts: str = ""  # of the message that was acted on, or of the last answer
    uses: int = USES
    until: float = field(default_factory=lambda: time.monotonic() + LIFE_SECONDS)


def new_link(workspace: Workspace, link: Link) -> str:
    """Return the address of a new link, and forget those that are over."""
    now = time.monotonic()
    for secret in [secret for secret, known in workspace.links.items() if known.until < now]:
        del workspace.links[secret]
    secret = uuid.uuid4().hex
    workspace.links[secret] = link
    return f"{workspace.url}/commands/{secret}"


async def respond(workspace: Workspace, request: web.Request) -> web.Response:
    """Take an answer."""
    link: Link | None = workspace.links.get(request.match_info["secret"])
    try:
        if link is None or link.until < time.monotonic():
            raise ApiError("expired_url")
        if link.uses <= 0:
            raise ApiError("used_url")
        body = _body(await request.text())
        if workspace.faults.plain_response_urls and any(b.get("type") == "markdown" for b in body.get("blocks") or ()):
            raise ApiError("invalid_blocks")
        show_answer(workspace, link, body)
        link.uses -= 1
    except ApiError as refused:
        status = 404 if refused.error in {"expired_url", "used_url"} else 400
        return web.json_response({"ok": False, "error": refused.error, **refused.details}, status=status)
    return web.json_response({"ok": True})


def show_answer(workspace: Workspace, link: Link, body: Row) -> None:
    """Show what the app answers: to the person alone unless it says otherwise."""
    arguments = Arguments(body)
    channel = workspace.state.channels.get(link.channel)
    if channel is None:
        raise ApiError("channel_not_found")
    if arguments.flag("delete_original"):
        _take_away(workspace, channel, link)
        return
    said = content(arguments)
    if arguments.flag("replace_original") and link.ts:
        _replace(workspace, channel, link, said)
        return
    thread = arguments.text("thread_ts")
    if arguments.text("response_type") == "in_channel":
        link.ts = messages.post(workspace, channel, BOT_USER, thread_ts=thread, **said)["ts"]
    else:
        message = messages.say_privately(workspace, channel, link.user, thread_ts=thread or None, **said)
        link.ts = message["ts"]


def _body(text: str) -> Row:
    try:
        body = json.loads(text)
    except ValueError:
        raise ApiError("invalid_payload") from None
    if not isinstance(body, dict):
        raise ApiError("invalid_payload")
    return body


def _private(workspace: Workspace, channel: Row, link: Link) -> Row | None:
    kept = workspace.ephemerals[channel["id"], link.user]
    return next((message for message in kept if message["ts"] == link.ts), None)


def _replace(workspace: Workspace, channel: Row, link: Link, said: Row) -> None:
    if (private := _private(workspace, channel, link)) is not None:
        private.pop("blocks", None)
        private |= said
        workspace.live.tell("ephemeral", channel=channel["id"], only=link.user, message=private)
        return
    message = workspace.state.message(channel["id"], link.ts)
    if message["user"] != BOT_USER:
        raise ApiError("cant_update_message")
    messages.edit(workspace, channel, message, **({"blocks": None} | said))


def _take_away(workspace: Workspace, channel: Row, link: Link) -> None:
    if (private := _private(workspace, channel, link)) is not None:
        workspace.ephemerals[channel["id"], link.user].remove(private)
        workspace.live.tell("ephemeral_gone", channel=channel["id"], only=link.user, ts=link.ts)
    elif (message := workspace.state.messages[channel["id"]].get(link.ts)) and message["user"] == BOT_USER:
        messages.delete(workspace, channel, message)
