"""Slack's own changes, purely: what went, moved or changed there, whatever anybody wants of us."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from bot.slack.payload import Body, Event, id_in, part, seconds, team_of

KINDS = {
    "file_deleted": "file_deleted", "file_unshared": "file_unshared",
    "channel_left": "channel_left", "group_left": "channel_left",
    "channel_archive": "channel_archived", "group_archive": "channel_archived",
    "channel_deleted": "channel_deleted", "group_deleted": "channel_deleted",
    "channel_unarchive": "channel_unarchived", "group_unarchive": "channel_unarchived",
    "channel_shared": "channel_shared", "channel_unshared": "channel_shared",
    "channel_id_changed": "channel_id_changed",
    "member_joined_channel": "member_joined", "member_left_channel": "member_left",
    "user_change": "user_changed", "team_join": "team_join",
}  # fmt: skip
OF_THE_BOT = {"member_joined": "channel_joined", "member_left": "channel_left"}
CHANNEL_GONE = frozenset({"channel_left", "channel_archived", "channel_deleted"})
CHANNEL_BACK = frozenset({"channel_joined", "channel_unarchived"})
TO_TIDY = CHANNEL_GONE | {"file_deleted", "file_unshared", "message_deleted", "channel_id_changed", "user_left"}


@dataclass(frozen=True, kw_only=True)
class SlackChange:
    """Something that changed in Slack; it survives the queue as JSON."""

    id: str
    kind: str  # a value of KINDS or OF_THE_BOT, message_deleted or user_left
    team: str
    at: float  # when, by Slack's clock
    channel: str = ""
    new_channel: str = ""  # the id that a channel has from now on
    user: str = ""
    files: tuple[str, ...] = ()
    ts: str = ""  # of the message that went, or out of which a file was taken
    thread: str = ""  # of that message
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)  # what a newer version knows besides

    @property
    def request_id(self) -> str:
        """The id of the request that the message made."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> str:
        """The key of the memory of the message's thread."""
        return f"{self.team}:{self.channel}:{self.thread or self.ts}"

    @property
    def is_to_tidy(self) -> bool:
        """Tell whether something that is kept goes or moves with it."""
        return self.kind in TO_TIDY

    def to_json(self) -> str:
        """Write it for the queue."""
        plain = asdict(self)
        return json.dumps({**plain.pop("unknown"), **plain})

    @classmethod
    def from_json(cls, raw: str) -> Self:
        """Read what this or another version of the program wrote."""
        stored: dict[str, Any] = json.loads(raw)
        known = {one.name: stored.pop(one.name) for one in fields(cls) if one.name in stored}
        return cls(**known | {"files": tuple(known.get("files", ())), "unknown": stored})


def change_of(body: Body, event: Event, bot: str) -> SlackChange | None:
    """Return what an event changes; None if nothing that we know of. `bot` is our user id."""
    kind = KINDS.get(str(event.get("type")))
    if kind is None:
        return None
    change = _change(body, event, kind)
    if kind in OF_THE_BOT and change.user == bot:
        return replace(change, kind=OF_THE_BOT[kind])
    return (
        replace(change, kind="user_left") if kind == "user_changed" and part(event["user"]).get("deleted") else change
    )


def message_deleted(body: Body, event: Event, previous: Event, ts: str) -> SlackChange:
    """Return the change that a message went."""
    return _of_message(_change(body, event, "message_deleted"), previous, ts)


def files_taken_out(body: Body, event: Event, previous: Event, ts: str, files: Iterable[str]) -> SlackChange:
    """Return the change that files were taken out of a message."""
    change = _of_message(_change(body, event, "file_unshared"), previous, ts)
    return replace(change, files=tuple(sorted(files)))


def _change(body: Body, event: Event, kind: str) -> SlackChange:
    file = str(event.get("file_id") or "")
    return SlackChange(
        id=str(body.get("event_id") or f"{team_of(body)}:{event.get('type')}:{event.get('event_ts')}"),
        kind=kind,
        team=team_of(body),
        at=seconds(event.get("event_ts")) or seconds(body.get("event_time")),
        channel=id_in(event.get("channel") or event.get("channel_id") or event.get("old_channel_id")),
        new_channel=str(event.get("new_channel_id") or ""),
        user=id_in(event.get("user") or event.get("user_id")),
        files=(file,) if file else (),
    )


def _of_message(change: SlackChange, previous: Event, ts: str) -> SlackChange:
    return replace(change, user=id_in(previous.get("user")), ts=ts, thread=str(previous.get("thread_ts") or ts))
