"""What Slack sends becomes what is to be done; nothing here talks to anyone."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.slack.changes import SlackChange
from bot.slack.feedback import REASONS, Feedback, feedback
from bot.slack.incoming import (
    COMMANDS,
    ONE_FOR_ALL,
    Cancel,
    Put,
    Redo,
    Stop,
    is_mentioned,
    parse_event,
    plain_text,
)
from handlers.request import Request

BOT, TEAM, ALICE = "UBOT", "T1", "UALICE"
NOW = "1790000000.000100"


def told(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One event as Slack sends it."""
    return {"team_id": TEAM, "event_id": "Ev1", "event": event, "authorizations": [{"team_id": TEAM}], **more}


def message(text: str = "hello", **more: Any) -> dict[str, Any]:
    """A message of alice in a channel."""
    return {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": ALICE,
        "text": text,
        "ts": NOW,
        **more,
    }


def only(body: dict[str, Any]) -> Put:
    """The one thing to put."""
    [step] = parse_event(body, BOT)
    assert isinstance(step, Put)
    return step


def test_a_direct_message_is_a_request_in_its_own_thread() -> None:
    request = only(told(message(channel="D1", channel_type="im"))).request
    assert request == Request(
        id=f"T1:D1:{NOW}", action="chat", team=TEAM, channel="D1", user=ALICE, text="hello", thread=NOW, ts=NOW
    )


def test_a_mention_comes_twice_and_is_one_request() -> None:
    text = f"<@{BOT}> hello"
    as_message = only(told(message(text))).request
    as_mention = only(told(message(text, type="app_mention", channel_type=None))).request
    assert as_message == as_mention
    assert as_message.text == "hello"


def test_talk_to_others_is_nothing() -> None:
    assert parse_event(told(message("<@UBOB> hello")), BOT) == []


def test_a_reply_without_a_mention_counts_only_in_our_own_thread() -> None:
    step = only(told(message(thread_ts="1780000000.000100")))
    assert not step.addressed
    assert step.otherwise is None
    assert step.request.thread == "1780000000.000100"


PDF = {"id": "F1", "name": "handbook.pdf", "filetype": "pdf", "mode": "hosted"}
NO_DOCUMENTS = (
    {"id": "F2", "name": "Screenshot.png", "filetype": "png", "mode": "hosted"},
    {"id": "F3", "name": "party.gif", "filetype": "gif", "mode": "hosted"},
    {"id": "F4", "name": "Clip", "filetype": "mp4", "mode": "hosted"},
    {"id": "F5", "name": "Minutes", "filetype": "quip", "mode": "quip"},
    {"id": "F6", "name": "Budget", "filetype": "gsheet", "mode": "external", "is_external": True},
    {"id": "F7", "name": "error.txt", "filetype": "text", "mode": "snippet"},
    {"id": "F8", "name": "data.zip", "filetype": "zip", "mode": "hosted"},
)


def test_a_document_in_a_channel_is_read_and_its_words_are_for_others() -> None:
    step = only(told(message("look, Bob", subtype="file_share", files=[PDF, {"id": "F9"}])))
    assert not step.addressed
    assert step.otherwise is not None
    assert (step.otherwise.action, step.otherwise.text, step.otherwise.files) == ("upload", "", ("F1", "F9"))


def test_a_document_in_a_thread_of_others_is_read_too() -> None:
    step = only(told(message("summarize", subtype="file_share", files=[PDF], thread_ts="1.1")))
    assert not step.addressed
    assert step.otherwise is not None
    assert (step.otherwise.action, step.otherwise.text) == ("upload", "")


@pytest.mark.parametrize("file", NO_DOCUMENTS, ids=lambda file: file["filetype"])
@pytest.mark.parametrize("place", [{}, {"thread_ts": "1.1"}], ids=["channel", "thread"])
def test_what_is_no_document_and_not_for_us_draws_nothing(file: dict[str, Any], place: dict[str, str]) -> None:
    assert parse_event(told(message("", subtype="file_share", files=[file], **place)), BOT) == []


@pytest.mark.parametrize("file", NO_DOCUMENTS, ids=lambda file: file["filetype"])
def test_what_is_given_to_us_gets_its_sentence(file: dict[str, Any]) -> None:
    request = only(told(message(f"<@{BOT}> read this", subtype="file_share", files=[file]))).request
    assert (request.action, request.files) == ("upload", (file["id"],))


@pytest.mark.parametrize(
    "event",
    [
        message(bot_id="B1"),
        message(user=BOT),
        message(subtype="channel_join"),
        message(subtype="bot_message"),
        message(user=None),
        {"type": "reaction_added", "user": ALICE},
        {"type": "message"},
        message(ts="soon"),
        message(ts="nan"),
        {"type": "agent_session_stopped", "channel": "C1"},
    ],
)
def test_what_no_person_said_is_nothing(event: dict[str, Any]) -> None:
    assert parse_event(told({**event, "channel_type": "im"}), BOT) == []


def test_members_of_other_companies_are_known_as_such() -> None:
    body = told(message(f"<@{BOT}> hi", user_team="T9"), team_id="T9")
    request = only(body).request
    assert (request.team, request.user_team) == ("T1", "T9")


def test_the_stop_button_stops_the_thread() -> None:
    event = {"type": "agent_session_stopped", "channel": "D1", "thread_ts": "1.1", "event_ts": NOW, "user": ALICE}
    assert parse_event(told(event), BOT) == [Stop(TEAM, "D1", "1.1", float(NOW))]


def edited(before: dict[str, Any], after: dict[str, Any], at: str = NOW) -> dict[str, Any]:
    """An edit as Slack tells it."""
    return told({
        "type": "message", "subtype": "message_changed", "channel": "D1", "channel_type": "im", "event_ts": at,
        "message": after, "previous_message": before,
    })  # fmt: skip


def test_an_edited_question_is_asked_anew_under_its_id() -> None:
    [step] = parse_event(edited(message("one"), message("two")), BOT)
    assert isinstance(step, Redo)
    assert (step.request.id, step.request.text) == (f"T1:D1:{NOW}", "two")


def test_an_edit_that_changes_no_words_is_nothing() -> None:
    assert parse_event(edited(message("one"), message("one", attachments=[{}])), BOT) == []


def test_an_old_question_is_not_asked_anew() -> None:
    assert parse_event(edited(message("one"), message("two"), at="1790090000.000000"), BOT) == []


def test_our_own_streams_change_all_the_time_and_are_nothing() -> None:
    assert parse_event(edited(message("a", bot_id="B1"), message("ab", bot_id="B1")), BOT) == []


def test_a_file_taken_out_of_a_message_is_looked_after() -> None:
    [change, *_] = parse_event(edited(message("x", files=[{"id": "F1"}]), message("x")), BOT)
    assert isinstance(change, SlackChange)
    assert (change.kind, change.channel, change.ts, change.files) == ("file_unshared", "D1", NOW, ("F1",))


@pytest.mark.parametrize("before", [message("", files=[{"id": "F1"}]), message("why?"), message("docs")])
@pytest.mark.parametrize("text", ["", " ", f"<@{BOT}>"])
def test_a_question_that_was_emptied_is_cancelled(before: dict[str, Any], text: str) -> None:
    """The file was taken out of it, or the words: "say something" would be no answer to that."""
    steps = parse_event(edited(before, message(text)), BOT)
    assert steps[-1] == Cancel(f"T1:D1:{NOW}")
    assert not any(isinstance(step, Redo) for step in steps)


def test_a_file_that_stays_without_words_is_still_wanted() -> None:
    file = [{"id": "F1"}]
    [step] = parse_event(edited(message("summarize", files=file), message("", files=file)), BOT)
    assert isinstance(step, Redo)
    assert step.request.action == "upload"


SHARED = {"is_share": True, "author_name": "Bob Keller", "text": "The audit was moved to 9 June &amp; 10 June."}


def test_forwarded_words_come_along_and_pasted_links_do_not() -> None:
    event = message("When is the audit?", channel="D1", channel_type="im", attachments=[SHARED, {"text": "a preview"}])
    request = only(told(event)).request
    assert request.text == "When is the audit?"
    assert request.forwarded == "Bob Keller: The audit was moved to 9 June & 10 June."


@pytest.mark.parametrize("odd", [None, "x", {}, [None], [{"is_share": True}], [{"is_share": "yes", "text": "x"}]])
def test_odd_attachments_forward_nothing(odd: Any) -> None:
    assert only(told(message("hi", channel="D1", channel_type="im", attachments=odd))).request.forwarded == ""


@pytest.mark.parametrize("tombstone", [False, True])
def test_a_deleted_question_is_cancelled_and_forgotten(tombstone: bool) -> None:
    event: dict[str, Any] = {"type": "message", "channel": "C1", "event_ts": NOW, "previous_message": message()}
    if tombstone:
        event |= {"subtype": "message_changed", "message": {"subtype": "tombstone", "ts": NOW, "user": "USLACKBOT"}}
    else:
        event |= {"subtype": "message_deleted", "deleted_ts": NOW}
    cancel, change = parse_event(told(event), BOT)
    assert cancel == Cancel(f"T1:C1:{NOW}")
    assert isinstance(change, SlackChange)
    assert (change.kind, change.channel, change.ts, change.thread) == ("message_deleted", "C1", NOW, NOW)
    assert change.request_id == f"T1:C1:{NOW}"


def command(name: str, text: str = "") -> dict[str, Any]:
    """A slash command as Slack sends it."""
    return {
        "command": name, "text": text, "team_id": TEAM, "channel_id": "C1", "user_id": ALICE, "trigger_id": "1.2.3",
        "response_url": "https://hooks.example/1",
    }  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_an_action(name: str) -> None:
    request = only(command(name, " words ")).request
    assert request.action == COMMANDS[name]
    assert (request.id, request.text, request.thread, request.ts) == ("1.2.3", "words", "", "")
    assert request.response_url


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_may_have_a_prefix_of_their_own(name: str) -> None:
    """They are of the whole workspace: the last app with a name takes it."""
    assert only(command(f"/acme-{name[1:]}", "words")).request.action == COMMANDS[name]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ask How many days?", ("ask", "How many days?")),
        ("How many days?", ("ask", "How many days?")),
        ("summarize handbook.pdf", ("summarize", "handbook.pdf")),
        ("résume manuel.pdf", ("summarize", "manuel.pdf")),
        ("docs", ("docs", "")),
        ("forget me", ("forget_me", "forget me")),
        ("", ("help", "")),
        ("help", ("help", "help")),
        ("stop", ("help", "")),
    ],
)
@pytest.mark.parametrize("name", [ONE_FOR_ALL, "/lantern-bot"])
def test_one_command_takes_every_verb(name: str, text: str, wanted: tuple[str, str]) -> None:
    request = only(command(name, text)).request
    assert (request.action, request.text) == wanted


@pytest.mark.parametrize("text", ["/summarize", "/folio summarize", "mention"])
def test_a_channel_that_is_named_is_known_by_its_id(text: str) -> None:
    """Its name may change, and a person may have no right to see it."""
    named = "<#C0GENERAL0|general> since Monday"
    if text == "mention":
        body = told(message(f"<@UBOT> summarize {named}", type="app_mention"))
    else:
        name, _, verb = text.partition(" ")
        body = {"command": name, "text": f"{verb} {named}".strip(), "trigger_id": "1", "team_id": "T1",
                "channel_id": "C1", "user_id": "U1"}  # fmt: skip
    [put] = parse_event(body, "UBOT")
    assert isinstance(put, Put)
    assert (put.request.action, put.request.channels) == ("recap", ("C0GENERAL0",))
    assert put.request.text == "#general since Monday"


def test_a_question_to_everybody_is_for_channels_that_want_that() -> None:
    step = only(told(message("When does the office open?")))
    assert not step.addressed
    assert (step.otherwise, step.request.action, step.speech.asks) == (None, "overhear", True)


def test_a_button_may_say_something_for_its_person() -> None:
    request = only(button('{"action": "settings", "text": "listens mention"}')).request
    assert (request.action, request.text) == ("settings", "listens mention")


def button(value: str, **more: Any) -> dict[str, Any]:
    """A pressed button."""
    return {
        "type": "block_actions", "trigger_id": "9.9", "team": {"id": TEAM}, "user": {"id": "UBOB", "team_id": TEAM},
        "channel": {"id": "C1"}, "message": {"ts": "2.2", "thread_ts": "1.1"}, "response_url": "https://hooks.example/2",
        "actions": [{"action_id": "do:docs:0", "value": value}], **more,
    }  # fmt: skip


def test_a_button_works_for_the_one_who_presses_it() -> None:
    request = only(button('{"action": "docs", "document": "doc1"}')).request
    assert (request.user, request.action, request.document, request.thread) == ("UBOB", "docs", "doc1", "1.1")
    assert request.response_url == ""


def test_a_button_in_a_private_answer_answers_privately() -> None:
    body = button('{"action": "docs", "document": "doc1"}', container={"is_ephemeral": True, "message_ts": "2.2"})
    request = only(body).request
    assert (request.thread, request.response_url) == ("", "https://hooks.example/2")


@pytest.mark.parametrize("value", ["", "{", "[]", '{"action": "upkeep"}', '{"action": ["docs"]}', "null", "7"])
def test_a_button_that_is_not_ours_is_nothing(value: str) -> None:
    assert parse_event(button(value), BOT) == []


def test_feedback_is_not_work() -> None:
    body = {"type": "block_actions", "actions": [{"action_id": "feedback", "value": "good:T1:C1:1.1"}]}
    assert parse_event(body, BOT) == []
    assert feedback(body) == Feedback("good", "T1:C1:1.1")


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_feedback_too(reason: str) -> None:
    body = {"type": "block_actions", "actions": [{"action_id": f"reason:{reason}", "value": f"{reason}:T1:C1:1.1"}]}
    assert parse_event(body, BOT) == []
    assert feedback(body) == Feedback(reason, "T1:C1:1.1")


@pytest.mark.parametrize("pressed", [{}, {"action_id": "feedback", "value": "odd:1"}, {"action_id": "do:docs:1"}])
def test_other_buttons_are_no_feedback(pressed: dict[str, str]) -> None:
    assert feedback({"actions": [pressed]}) is None


def test_a_shortcut_is_answered_to_the_one_who_chose_it() -> None:
    body = {
        "type": "message_action", "callback_id": "sentiment", "trigger_id": "8.8", "team": {"id": TEAM},
        "user": {"id": "UBOB", "team_id": TEAM}, "channel": {"id": "C1"}, "response_url": "https://hooks.example/3",
        "message": {"ts": "2.2", "text": "I &lt;3 it", "files": [{"id": "F1"}]},
    }  # fmt: skip
    request = only(body).request
    assert (request.action, request.text, request.files, request.message_ts) == ("sentiment", "I <3 it", ("F1",), "2.2")
    assert (request.thread, request.response_url) == ("", "https://hooks.example/3")


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        (f"<@{BOT}> hi", "hi"),
        (f"hi <@{BOT}|folio>", "hi"),
        ("<@UBOB|bob> and <#C1|general>", "@bob and #general"),
        ("<!here> a &lt;b&gt; &amp;amp;", "@here a <b> &amp;"),
        ("<https://a.example/x|a.example/x>", "a.example/x"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("2 &lt; 3", "2 < 3"),
        ("caf\ud83d", "caf\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
    ],
)
def test_text_is_as_it_was_typed(said: str, typed: str) -> None:
    assert plain_text(said, BOT) == typed


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from([NOW, "C1", "im", "message", "file_deleted", "user_change", "channel_id_changed"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "subtype", "event", "message", "previous_message", "channel", "user", "ts", "text", "files", "id",
             "thread_ts", "actions", "value", "action_id", "deleted_ts", "file_id", "bot_id", "channel_type"]
        ),
        inner, max_size=8,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # on busy cores drawing is slow, not parsing
@given(st.dictionaries(st.sampled_from(["event", "team_id", "authorizations", "actions", "type"]), odd, max_size=5))
def test_an_odd_payload_breaks_nothing(body: dict[str, Any]) -> None:
    parse_event(body, BOT)


def test_somebody_whose_id_begins_with_ours_is_not_us() -> None:
    assert not is_mentioned("U0FOLIO001", "<@U0FOLIO0012> hello")
    assert is_mentioned("U0FOLIO001", "hello <@U0FOLIO001>")
    assert is_mentioned("U0FOLIO001", "hello <@U0FOLIO001|folio>")
    assert not is_mentioned("", "<@U0FOLIO001> hello")
