"""What changes in Slack is told from what is wanted of us, and survives the queue between versions."""

import json
from typing import Any

import pytest

from bot.slack.changes import KINDS, SlackChange
from bot.slack.incoming import parse_event

BOT, ALICE, NOW = "UBOT", "UALICE", "1790000000.000100"


def change(event: dict[str, Any]) -> SlackChange:
    """The one change that an event tells."""
    [step] = parse_event({"team_id": "T1", "event_id": "Ev1", "event": {"event_ts": NOW, **event}}, BOT)
    assert isinstance(step, SlackChange)
    return step


@pytest.mark.parametrize(
    ("event", "kind", "fields"),
    [
        ({"type": "file_deleted", "file_id": "F1"}, "file_deleted", {"files": ("F1",)}),
        ({"type": "file_unshared", "file_id": "F1", "channel_id": "C1", "user_id": ALICE}, "file_unshared",
         {"files": ("F1",), "channel": "C1", "user": ALICE}),
        ({"type": "member_left_channel", "channel": "C1", "user": ALICE}, "member_left",
         {"channel": "C1", "user": ALICE}),
        ({"type": "member_left_channel", "channel": "C1", "user": BOT}, "channel_left", {"channel": "C1", "user": BOT}),
        ({"type": "member_joined_channel", "channel": "C1", "user": BOT}, "channel_joined",
         {"channel": "C1", "user": BOT}),
        ({"type": "group_left", "channel": "C1"}, "channel_left", {"channel": "C1"}),
        ({"type": "channel_archive", "channel": "C1", "user": ALICE}, "channel_archived",
         {"channel": "C1", "user": ALICE}),
        ({"type": "group_deleted", "channel": "C1"}, "channel_deleted", {"channel": "C1"}),
        ({"type": "channel_unarchive", "channel": "C1"}, "channel_unarchived", {"channel": "C1"}),
        ({"type": "user_change", "user": {"id": ALICE}}, "user_changed", {"user": ALICE}),
        ({"type": "user_change", "user": {"id": ALICE, "deleted": True}}, "user_left", {"user": ALICE}),
        ({"type": "team_join", "user": {"id": ALICE}}, "team_join", {"user": ALICE}),
        ({"type": "channel_id_changed", "old_channel_id": "C1", "new_channel_id": "C2"}, "channel_id_changed",
         {"channel": "C1", "new_channel": "C2"}),
    ],
)  # fmt: skip
def test_an_event_is_a_change(event: dict[str, Any], kind: str, fields: dict[str, Any]) -> None:
    assert change(event) == SlackChange(id="Ev1", kind=kind, team="T1", at=float(NOW), **fields)


def test_most_that_changes_has_nothing_to_tidy() -> None:
    """A status emoji of anybody comes as user_change: thousands a day, and nothing that we keep goes with them."""
    events = [{"type": kind, "channel": "C1", "user": {"id": ALICE}} for kind in KINDS]
    to_tidy = {event["type"] for event in events if change(event).is_to_tidy}
    assert to_tidy == {
        "file_deleted", "file_unshared", "channel_left", "group_left", "channel_archive", "group_archive",
        "channel_deleted", "group_deleted", "channel_id_changed",
    }  # fmt: skip


def test_what_a_newer_version_knows_besides_is_kept() -> None:
    newer = json.dumps(
        {"id": "Ev1", "kind": "canvas_deleted", "team": "T1", "at": 1.0, "canvas": "F9", "files": ["F1"]}
    )
    read = SlackChange.from_json(newer)
    assert (read.kind, read.files, read.channel) == ("canvas_deleted", ("F1",), "")
    assert json.loads(read.to_json())["canvas"] == "F9"


def test_what_an_older_version_wrote_is_read() -> None:
    older = json.dumps({"id": "Ev1", "kind": "file_deleted", "team": "T1", "at": 1.0})
    assert SlackChange.from_json(older) == SlackChange(id="Ev1", kind="file_deleted", team="T1", at=1.0)
