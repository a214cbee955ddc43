"""Modals and Home are what Slack takes, in both languages; what is odd in what comes back is nothing."""

from typing import Any

import pytest

from bot.sandbox.blocks import check_view
from bot.slack.home import home, opened_home
from bot.slack.incoming import Put, parse_event
from bot.slack.modals import SETTINGS, reason_modal, settings_modal, submitted
from handlers.request import ChannelWishes

WISHES = (ChannelWishes(), ChannelWishes(listens="questions", documents=False, receipts=False, language="fr"))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("wishes", WISHES)
def test_slack_takes_the_views(language: str, wishes: ChannelWishes) -> None:
    for view in (settings_modal("C1", wishes, language), reason_modal("T:C:1.0", language)):
        check_view(view, kind=("modal",))
    check_view(home(language, [{"type": "divider"}] * 200, channel="D1"), kind=("home",))


def submission(values: Any, channel: object = "C1") -> dict[str, Any]:
    """Make what Slack tells of a modal's button."""
    view = {"id": "V1", "callback_id": SETTINGS, "private_metadata": channel, "state": {"values": values}}
    return {"type": "view_submission", "trigger_id": "9", "team": {"id": "T1"}, "user": {"id": "UBOB"}, "view": view}


def test_what_is_chosen_in_a_modal_is_a_wish_for_its_channel() -> None:
    chosen = {name: {name: {"selected_option": {"value": value}}} for name, value in (("documents", "off"),)}
    [step] = parse_event(submission(chosen), "UBOT")
    assert isinstance(step, Put)
    asked = step.request
    assert (asked.action, asked.text, asked.channel, asked.user) == ("settings", "documents off", "C1", "UBOB")


@pytest.mark.parametrize(
    "body",
    [
        submission({}, ""), {"type": "view_submission"}, {"type": "view_submission", "view": {"callback_id": SETTINGS}},
        {"type": "view_submission", "view": {"callback_id": "other", "private_metadata": "C1"}},
    ],
)  # fmt: skip
def test_a_modal_that_is_not_ours_or_has_no_channel_is_nothing(body: dict[str, Any]) -> None:
    assert parse_event(body, "UBOT") == []


@pytest.mark.parametrize(
    "values", [None, [], {"documents": None}, {"documents": {"documents": {"selected_option": None}}}]
)
def test_odd_choices_are_no_choice(values: Any) -> None:
    assert submitted(submission(values), SETTINGS) == ("C1", {})


@pytest.mark.parametrize("event", [{}, {"tab": "messages"}, {"tab": "home"}])
def test_home_is_made_where_it_was_opened(event: dict[str, Any]) -> None:
    assert opened_home({"event": {"type": "app_home_opened", "user": "U1", **event}}) is None
