"""Slack in, purely: what an event, command, action or shortcut asks for, without a word to anyone."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from handlers.request import Request
from handlers.text.commands import parse

Body = Mapping[str, Any]
Event = Mapping[str, Any]

COMMANDS = {
    "/ask": "ask", "/summarize": "summarize", "/docs": "docs", "/help": "help", "/forget-me": "forget_me",
    "/sentiment": "sentiment", "/extract": "extract", "/attention": "attention",
}  # fmt: skip
SHORTCUTS = frozenset({"sentiment", "extract", "summarize"})
BUTTONS = frozenset({*COMMANDS.values(), "chat", "upload", "forget", "stop"})
SPOKEN = frozenset({"", "file_share", "thread_broadcast"})  # subtypes of messages that people write
UPKEEP = frozenset({
    "file_deleted", "file_unshared", "file_change", "member_joined_channel", "member_left_channel", "channel_left",
    "group_left", "channel_archive", "group_archive", "channel_unarchive", "group_unarchive", "channel_deleted",
    "group_deleted", "channel_shared", "channel_unshared", "channel_id_changed", "user_change", "app_uninstalled",
    "tokens_revoked",
})  # fmt: skip
EDITED_SECONDS = 86_400  # an older question is not asked anew by editing it


@dataclass(frozen=True)
class Put:
    """Work to take on; where the bot was not addressed only if the thread is its own, else `otherwise`.

    The action "stop" takes effect at once, not when its turn comes.
    """

    request: Request
    addressed: bool = True
    otherwise: Request | None = None


@dataclass(frozen=True)
class Redo:
    """A question was edited: answer it anew, in the same message."""

    request: Request
    addressed: bool = True


@dataclass(frozen=True)
class Cancel:
    """A question was deleted, or edited so that it is none any more."""

    request_id: str


@dataclass(frozen=True)
class Stop:
    """Stop all work of a thread that was asked for before `at`, since Slack may tell it late; 0: all."""

    team: str
    channel: str
    thread: str
    at: float


Step = Put | Redo | Cancel | Stop


def parse_event(body: Body, bot: str) -> list[Step]:
    """Return what is to be done about a body from Slack, in order; `bot` is our user id."""
    if "command" in body:
        return _command(body)
    if body.get("type") == "block_actions":
        return _button(body)
    if body.get("type") == "message_action":
        return _shortcut(body)
    return _event(body, _part(body.get("event")), bot)


def plain_text(text: str, bot: str = "") -> str:
    """Return what a person typed: our own mention gone, Slack's notation for links and names resolved."""
    if bot:
        text = re.sub(rf"<@{re.escape(bot)}(\|[^>]*)?>", "", text)
    return unescape(re.sub(r"<([^<>|]*)(?:\|([^<>]*))?>", _resolve, text)).strip()


def _resolve(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target[:1] in {"@", "#", "!"}:
        return f"{'#' if target[0] == '#' else '@'}{label or target[1:].split('^')[-1]}"
    return label or target


# Events.


def _event(body: Body, event: Event, bot: str) -> list[Step]:
    kind, subtype = str(event.get("type")), event.get("subtype")
    if kind == "message" and subtype == "message_deleted":
        return _deleted(body, event, _part(event.get("previous_message")), str(event.get("deleted_ts") or ""))
    if kind == "message" and subtype == "message_changed":
        return _changed(body, event, bot)
    if kind in {"message", "app_mention"}:
        step = _message(_team(body), event, bot)
        return [step] if step else []
    if kind == "agent_session_stopped":
        thread, at = str(event.get("thread_ts") or ""), seconds(event.get("event_ts"))
        return [Stop(_team(body), str(event.get("channel")), thread, at)] if thread else []
    return [Put(_upkeep(body, event))] if kind in UPKEEP else []


def _message(team: str, event: Event, bot: str) -> Put | None:
    """Return what a message wants of us; None if nothing."""
    if not _is_spoken(event, bot):
        return None
    text, files = str(event.get("text") or ""), _file_ids(event.get("files"))
    mentioned = event.get("type") == "app_mention" or f"<@{bot}" in text
    action, rest = parse(plain_text(text, bot), bool(files))
    request = _said(team, event, action=action, text=rest, files=files)
    if mentioned or event.get("channel_type") == "im":
        return Put(request)
    dropped = _said(team, event, action="upload", text="", files=files) if files else None
    if event.get("thread_ts"):
        return Put(request, addressed=False, otherwise=dropped)
    return Put(dropped) if dropped else None


def _is_spoken(event: Event, bot: str) -> bool:
    by_person = event.get("user") and event.get("user") != bot and not event.get("bot_id")
    is_placed = event.get("channel") and seconds(event.get("ts")) > 0
    return bool(by_person and str(event.get("subtype") or "") in SPOKEN and is_placed)


def _said(team: str, event: Event, *, action: str, text: str, files: tuple[str, ...]) -> Request:
    channel, ts = str(event["channel"]), str(event["ts"])
    return Request(
        id=f"{team}:{channel}:{ts}",
        action=action,
        team=team,
        channel=channel,
        user=str(event["user"]),
        text=text,
        thread=str(event.get("thread_ts") or ts),
        ts=ts,
        files=files,
        user_team=str(event.get("user_team") or event.get("source_team") or ""),
    )


def _deleted(body: Body, event: Event, previous: Event, ts: str) -> list[Step]:
    team, channel = _team(body), str(event.get("channel") or "")
    if previous.get("bot_id") or not ts:
        return []
    gone = replace(
        _about_message(body, event, previous, ts, _file_ids(previous.get("files"))), target="message_deleted"
    )
    return [Cancel(f"{team}:{channel}:{ts}"), Put(gone)]


def _changed(body: Body, event: Event, bot: str) -> list[Step]:
    after, before = _part(event.get("message")), _part(event.get("previous_message"))
    if after.get("subtype") == "tombstone":  # a deleted message with replies
        return _deleted(body, event, before, str(after.get("ts") or ""))
    if after.get("bot_id") or not after.get("ts"):
        return []
    team = _team(body)
    now, was = (_message(team, _as_said(event, edition), bot) for edition in (after, before))
    steps: list[Step] = []
    if lost := set(_file_ids(before.get("files"))) - set(_file_ids(after.get("files"))):
        steps.append(Put(replace(_about_message(body, event, before, str(after["ts"]), lost), target="file_unshared")))
    if now == was or seconds(event.get("event_ts")) - seconds(after["ts"]) > EDITED_SECONDS:
        return steps
    if now:
        return [*steps, Redo(now.request, now.addressed)]
    return [*steps, Cancel(was.request.id)] if was else steps


def _as_said(event: Event, edition: Event) -> Event:
    """Return one edition of an edited message as if it had just been written."""
    return {**edition, "type": "message", "channel": event.get("channel"), "channel_type": event.get("channel_type")}


def _upkeep(body: Body, event: Event) -> Request:
    """Return the note of something that changed what may be known: a file, a channel, a person."""
    channel = event.get("channel") or event.get("channel_id") or event.get("old_channel_id")
    file = str(event.get("file_id") or "")
    return Request(
        id=str(body.get("event_id") or f"{_team(body)}:{event.get('type')}:{event.get('event_ts')}"),
        action="upkeep",
        target=str(event["type"]),
        team=_team(body),
        channel=_id(channel),
        user=_id(event.get("user") or event.get("user_id")),
        text=str(event.get("new_channel_id") or ""),
        ts=str(event.get("event_ts") or ""),
        files=(file,) if file else (),
    )


def _about_message(body: Body, event: Event, before: Event, ts: str, files: Iterable[str]) -> Request:
    """Return the note that a message went or changed, and with it files; in its thread, so that it keeps its turn."""
    return replace(
        _upkeep(body, event),
        user=_id(before.get("user")),
        thread=str(before.get("thread_ts") or ts),
        ts=ts,
        files=tuple(sorted(files)),
    )


# Commands, buttons, shortcuts.


def _command(body: Body) -> list[Step]:
    action = COMMANDS.get(str(body["command"]))
    if action is None:
        return []
    request = Request(
        id=str(body["trigger_id"]),
        action=action,
        team=str(body["team_id"]),
        channel=str(body["channel_id"]),
        user=str(body["user_id"]),
        text=plain_text(str(body.get("text") or "")),
        response_url=str(body.get("response_url") or ""),
    )
    return [Put(request)]


def _button(body: Body) -> list[Step]:
    """Return what a pressed button wants, for the person who pressed it, whoever the answer was for."""
    pressed = _first(body.get("actions"))
    if not str(pressed.get("action_id")).startswith("do:"):
        return []
    wanted = _value(pressed.get("value"))
    if str(wanted.get("action")) not in BUTTONS:
        return []
    message, container = _part(body.get("message")), _part(body.get("container"))
    private = bool(container.get("is_ephemeral"))
    thread = "" if private else str(message.get("thread_ts") or message.get("ts") or container.get("message_ts") or "")
    request = _pressed(
        body,
        action=str(wanted["action"]),
        target=str(wanted.get("target") or ""),
        thread=thread,
        response_url=str(body.get("response_url") or "") if private else "",
    )
    return [Put(request)]


def _shortcut(body: Body) -> list[Step]:
    """Return what is wanted of a message; answered to the person alone, for the message may be another's."""
    action, message = str(body.get("callback_id")), _part(body.get("message"))
    if action not in SHORTCUTS:
        return []
    request = _pressed(
        body,
        action=action,
        target=str(message.get("ts") or body.get("message_ts") or ""),
        text=plain_text(str(message.get("text") or "")),
        files=_file_ids(message.get("files")),
        response_url=str(body.get("response_url") or ""),
    )
    return [Put(request)]


def _pressed(body: Body, **fields: Any) -> Request:
    user, container = _part(body.get("user")), _part(body.get("container"))
    team = str(_part(body.get("team")).get("id") or user.get("team_id") or "")
    return Request(
        id=str(body["trigger_id"]),
        team=team,
        channel=_id(body.get("channel") or container.get("channel_id")),
        user=_id(user),
        user_team=str(user.get("team_id") or ""),
        **fields,
    )


def feedback(body: Body) -> tuple[bool, str] | None:
    """Return whether an answer was found good, and which; None for any other button."""
    pressed = _first(body.get("actions"))
    if pressed.get("action_id") != "feedback":
        return None
    verdict, _, request_id = str(pressed.get("value") or "").partition(":")
    return verdict == "good", request_id


# Small parts of bodies.


def _team(body: Body) -> str:
    """Return the workspace that the app is installed in, which for Slack Connect is not the message's own."""
    return str(_first(body.get("authorizations")).get("team_id") or body.get("team_id") or "")


def _part(value: object) -> Event:
    return value if isinstance(value, Mapping) else {}


def _first(value: object) -> Event:
    return _part(value[0]) if isinstance(value, list) and value else {}


def _id(value: object) -> str:
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")


def _file_ids(files: object) -> tuple[str, ...]:
    listed = files if isinstance(files, list) else []
    return tuple(str(file["id"]) for file in listed if isinstance(file, Mapping) and file.get("id"))


def _value(value: object) -> Mapping[str, Any]:
    try:
        read = json.loads(str(value))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def seconds(ts: object) -> float:
    """Return a ts as seconds; 0 if it is none."""
    try:
        value = float(str(ts))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
