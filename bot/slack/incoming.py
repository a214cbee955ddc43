"""Slack in, purely: what an event, command, action or shortcut asks for, without a word to anyone."""

import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from bot.slack.addressing import Speech, speech_of
from bot.slack.changes import SlackChange, change_of, files_taken_out, message_deleted
from bot.slack.file_kinds import documents_among
from bot.slack.forwarded import forwarded_words
from bot.slack.modals import SETTINGS, submitted
from bot.slack.payload import Body, Event, file_ids, first, id_in, json_object, part, seconds, team_of
from handlers.request import Request
from handlers.text.commands import of_talk, parse

COMMANDS = {
    "/ask": "ask", "/summarize": "summarize", "/docs": "docs", "/help": "help", "/forget-me": "forget_me",
    "/sentiment": "sentiment", "/extract": "extract", "/attention": "attention",
}  # fmt: skip
ONE_FOR_ALL = "/folio"  # the verb stands in its text
NEED_A_THREAD = frozenset({"stop", "forget"})  # and commands have none
SHORTCUTS = frozenset({"sentiment", "extract", "summarize"})
BUTTONS = frozenset({*COMMANDS.values(), "chat", "upload", "forget", "stop", "read_here", "show_page", "settings"})
TO_ONE = frozenset({"show_page"})  # buttons whose answer only the person sees who pressed
SPOKEN = frozenset({"", "file_share", "thread_broadcast"})  # subtypes of messages that people write
NOT_SAID = Speech()
WORDLESS = Speech(is_closing=True)  # a document that is dropped: nobody is spoken to
EDITED_SECONDS = 86_400  # an older question is not asked anew by editing it


@dataclass(frozen=True)
class Put:
    """Work to take on; where the bot was not addressed only if the message is for it all the same, else `otherwise`.

    The action "stop" takes effect at once, not when its turn comes.
    """

    request: Request
    addressed: bool = True
    otherwise: Request | None = None
    speech: Speech = NOT_SAID  # of a message that does not address us


@dataclass(frozen=True)
class Redo:
    """A question was edited: answer it anew, in the same message."""

    request: Request
    addressed: bool = True
    speech: Speech = NOT_SAID


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


Step = Put | Redo | Cancel | Stop | SlackChange


def parse_event(body: Body, bot: str) -> list[Step]:
    """Return what is to be done about a body from Slack, in order; `bot` is our user id."""
    if "command" in body:
        return _command(body)
    if body.get("type") == "block_actions":
        return _button(body)
    if body.get("type") == "message_action":
        return _shortcut(body)
    if body.get("type") == "view_submission":
        return _submission(body)
    return _event(body, part(body.get("event")), bot)


def plain_text(text: str, bot: str = "") -> str:
    """Return what a person typed: our own mention gone, Slack's notation for links and names resolved."""
    if bot:
        text = re.sub(rf"<@{re.escape(bot)}(\|[^>]*)?>", "", text)
    text = unescape(re.sub(r"<([^<>|]*)(?:\|([^<>]*))?>", _resolve, text)).strip()
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half a character has no UTF-8


def is_mentioned(bot: str, text: str) -> bool:
    """Tell whether a message mentions us, and not somebody whose id begins with ours."""
    return bool(bot) and re.search(rf"<@{re.escape(bot)}[|>]", text) is not None


def named_channels(text: str) -> tuple[str, ...]:
    """Return the ids of the channels that a message names."""
    return tuple(dict.fromkeys(re.findall(r"<#([CG][A-Z0-9]+)(?:\|[^<>]*)?>", text)))


def _resolve(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target[:1] in {"@", "#", "!"}:
        return f"{'#' if target[0] == '#' else '@'}{label or target[1:].split('^')[-1]}"
    return label or target


# Events.


def _event(body: Body, event: Event, bot: str) -> list[Step]:
    kind, subtype = str(event.get("type")), event.get("subtype")
    if kind == "message" and subtype == "message_deleted":
        return _deleted(body, event, part(event.get("previous_message")), str(event.get("deleted_ts") or ""))
    if kind == "message" and subtype == "message_changed":
        return _changed(body, event, bot)
    if kind in {"message", "app_mention"}:
        step = _message(team_of(body), event, bot)
        return [step] if step else []
    if kind == "agent_session_stopped":
        thread, at = str(event.get("thread_ts") or ""), seconds(event.get("event_ts"))
        return [Stop(team_of(body), str(event.get("channel")), thread, at)] if thread else []
    change = change_of(body, event, bot)
    return [change] if change else []


def _message(team: str, event: Event, bot: str) -> Put | None:
    """Return what a message wants of us; None if nothing."""
    if not _is_spoken(event, bot):
        return None
    text, files = str(event.get("text") or ""), file_ids(event.get("files"))
    mentioned = event.get("type") == "app_mention" or is_mentioned(bot, text)
    if mentioned or event.get("channel_type") == "im":
        action, rest = parse(plain_text(text, bot), bool(files))
        return Put(_said(team, event, action=action, text=rest, files=files))
    return _unaddressed(team, event, bot)


def _unaddressed(team: str, event: Event, bot: str) -> Put | None:
    """Return what a message without a mention may want: files that are no documents are none of our business."""
    text, files = str(event.get("text") or ""), file_ids(documents_among(event.get("files")))
    dropped = _said(team, event, action="upload", text="", files=files) if files else None
    if dropped and not event.get("thread_ts"):
        return Put(dropped, addressed=False, otherwise=dropped, speech=WORDLESS)
    if not event.get("thread_ts"):
        return _question(team, event, bot)
    typed = plain_text(text, bot)
    if not (typed or files):
        return None
    verb, rest = parse(typed, bool(files))
    request = _said(team, event, action=verb, text=rest, files=files)
    return Put(request, addressed=False, otherwise=dropped, speech=speech_of(text, bot, parse(typed, False)[0]))


def _question(team: str, event: Event, bot: str) -> Put | None:
    """Return a question that is put to everybody, for channels that want to have them all answered."""
    text = str(event.get("text") or "")
    speech = speech_of(text, bot, "chat")
    if event.get("files") or speech.to_others or not speech.asks:
        return None
    asked = _said(team, event, action="overhear", text=plain_text(text, bot), files=())
    return Put(asked, addressed=False, speech=speech)


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
        channels=named_channels(str(event.get("text") or "")),
        forwarded=forwarded_words(event),
    )


def _deleted(body: Body, event: Event, previous: Event, ts: str) -> list[Step]:
    team, channel = team_of(body), str(event.get("channel") or "")
    if previous.get("bot_id") or not ts:
        return []
    return [Cancel(f"{team}:{channel}:{ts}"), message_deleted(body, event, previous, ts)]


def _changed(body: Body, event: Event, bot: str) -> list[Step]:
    after, before = part(event.get("message")), part(event.get("previous_message"))
    if after.get("subtype") == "tombstone":  # a deleted message with replies
        return _deleted(body, event, before, str(after.get("ts") or ""))
    if after.get("bot_id") or not after.get("ts"):
        return []
    team = team_of(body)
    now, was = (_message(team, _as_said(event, edition), bot) for edition in (after, before))
    steps: list[Step] = []
    if lost := set(file_ids(before.get("files"))) - set(file_ids(after.get("files"))):
        steps.append(files_taken_out(body, event, before, str(after["ts"]), lost))
    if now == was or seconds(event.get("event_ts")) - seconds(after["ts"]) > EDITED_SECONDS:
        return steps
    if now and (now.request.forwarded or file_ids(after.get("files")) or plain_text(str(after.get("text") or ""), bot)):
        return [*steps, Redo(now.request, now.addressed, now.speech)]
    return [*steps, Cancel(was.request.id)] if was else steps


def _as_said(event: Event, edition: Event) -> Event:
    """Return one edition of an edited message as if it had just been written."""
    return {**edition, "type": "message", "channel": event.get("channel"), "channel_type": event.get("channel_type")}


# Commands, buttons, shortcuts.


def _command(body: Body) -> list[Step]:
    given = str(body.get("text") or "")
    action, text = _wish(str(body["command"]), plain_text(given))
    request = Request(
        id=str(body["trigger_id"]),
        action=action,
        team=str(body["team_id"]),
        channel=str(body["channel_id"]),
        user=str(body["user_id"]),
        text=text,
        channels=named_channels(given),
        response_url=str(body.get("response_url") or ""),
    )
    return [Put(request)]


def _wish(command: str, text: str) -> tuple[str, str]:
    """Return the action of a command and its text.

    Slack tells an app of its own commands only, however its manifest calls them: `/ask`, or with a prefix `/acme-ask`;
    any other name, as `/folio`, has the verb in its text, a question without one.
    """
    for name, action in COMMANDS.items():
        if command == name or command.endswith(f"-{name[1:]}"):
            return of_talk(action, text), text
    verb, rest = parse(text, has_files=False)
    if not text or verb in NEED_A_THREAD:
        return "help", ""
    return ("ask", text) if verb == "chat" else (verb, rest)


def _button(body: Body) -> list[Step]:
    """Return what a pressed button wants, for the person who pressed it, whoever the answer was for."""
    pressed = first(body.get("actions"))
    if not str(pressed.get("action_id")).startswith("do:"):
        return []
    wanted = json_object(pressed.get("value"))
    if str(wanted.get("action")) not in BUTTONS:
        return []
    message, container = part(body.get("message")), part(body.get("container"))
    private = bool(container.get("is_ephemeral"))
    thread = str(message.get("thread_ts") or message.get("ts") or container.get("message_ts") or "")
    is_alone = private or (wanted["action"] in TO_ONE and not id_in(body.get("channel")).startswith("D"))
    request = _pressed(
        body,
        action=str(wanted["action"]),
        document=str(wanted.get("document") or ""),
        confirmed=wanted.get("confirmed") is True,
        text=str(wanted.get("text") or ""),
        thread="" if is_alone else thread,
        beside=thread if is_alone and not private else "",
        response_url=str(body.get("response_url") or "") if private else "",
    )
    return [Put(request)] if request.channel else []


def _shortcut(body: Body) -> list[Step]:
    """Return what is wanted of a message; answered to the person alone, for the message may be another's."""
    action, message = str(body.get("callback_id")), part(body.get("message"))
    if action not in SHORTCUTS:
        return []
    request = _pressed(
        body,
        action=action,
        message_ts=str(message.get("ts") or body.get("message_ts") or ""),
        text=plain_text(str(message.get("text") or "")),
        files=file_ids(message.get("files")),
        response_url=str(body.get("response_url") or ""),
    )
    return [Put(request)]


def _submission(body: Body) -> list[Step]:
    """Return what somebody chose for a channel in a modal; shown to that person alone."""
    given = submitted(body, SETTINGS)
    if given is None or not given[0]:
        return []
    channel, chosen = given
    text = ";".join(f"{name} {value}" for name, value in chosen.items())
    view = part(body.get("view"))
    mark = str(body.get("trigger_id") or f"{view.get('id')}:{view.get('hash')}")
    request = replace(_pressed({**body, "trigger_id": mark}, action="settings", text=text), channel=channel)
    return [Put(request)]


def _pressed(body: Body, **fields: Any) -> Request:
    user, container = part(body.get("user")), part(body.get("container"))
    team = str(part(body.get("team")).get("id") or user.get("team_id") or "")
    return Request(
        id=str(body["trigger_id"]),
        team=team,
        channel=id_in(body.get("channel") or container.get("channel_id")) or _home_channel(body),
        user=id_in(user),
        user_team=str(user.get("team_id") or ""),
        **fields,
    )


def _home_channel(body: Body) -> str:
    """Return the direct message of whoever pressed a button in the app's Home, which we wrote into it."""
    view = part(body.get("view"))
    channel = str(view.get("private_metadata") or "") if view.get("type") == "home" else ""
    return channel if channel.startswith("D") else ""
