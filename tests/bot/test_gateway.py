"""Slack in: queued before Slack is told so, heard at once, and nothing is left without an answer to Slack."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from slack_bolt.async_app import AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.gateway import Gateway, register
from bot.slack.addressing import Talk
from bot.slack.changes import SlackChange
from handlers.request import ChannelWishes, Request
from tests.bot.slack.wire import BOT, Wire

NOW = f"{time.time():.6f}"


CHANGES = {"member_left_channel", "user_change"}
NOISY = {"id": "UBOB", "profile": {"status_text": "in a meeting"}}


@dataclass
class Inbox:
    """The queue's door: what was put through it, in order."""

    steps: list[tuple[str, Any]] = field(default_factory=list)
    owned: set[tuple[str, str, str]] = field(default_factory=set)
    documents: set[tuple[str, str, str]] = field(default_factory=set)
    partners: set[str] = field(default_factory=set)
    last: str = ""
    wanted: ChannelWishes = field(default_factory=ChannelWishes)
    seen: set[str] = field(default_factory=set)
    languages: dict[str, str] = field(default_factory=dict)
    away: bool = False

    async def put(self, request: Request) -> bool:
        if self.away:
            raise RedisConnectionError("gone")
        new = request.id not in self.seen
        self.seen.add(request.id)
        if new:
            self.steps.append(("put", request))
        return new

    async def redo(self, request: Request) -> None:
        self.steps.append(("redo", request))

    async def cancel(self, request_id: str) -> bool:
        self.steps.append(("cancel", request_id))
        return True

    async def cancel_thread(self, team: str, channel: str, thread: str, *, before: float = 0) -> int:
        self.steps.append(("cancel_thread", (team, channel, thread, before)))
        return 0

    async def of(self, request: Request) -> Talk:
        key = (request.team, request.channel, request.thread)
        return Talk(key in self.owned, key in self.documents, frozenset(self.partners), self.last)

    async def wishes(self, request: Request) -> ChannelWishes:
        return self.wanted

    async def ours(self, request: Request, *, addressed: bool) -> None:
        self.owned.add((request.team, request.channel, request.thread))
        self.last = ""

    async def document(self, request: Request) -> None:
        self.documents.add((request.team, request.channel, request.thread))

    async def others(self, request: Request, last: str) -> None:
        self.last = last

    async def known_language(self, user: str) -> str:
        return self.languages.get(user, "")

    async def language(self, user: str) -> str:
        return self.languages.setdefault(user, "fr")

    async def change(self, event: Mapping[str, Any]) -> bool:
        if str(event.get("type")) in CHANGES:
            self.steps.append(("change", event["type"]))
        return event.get("user") != NOISY

    async def note(self, change: SlackChange) -> None:
        self.steps.append(("note", change.kind))

    async def put_change(self, change: SlackChange) -> None:
        if self.away:
            raise RedisConnectionError("gone")
        self.steps.append(("put_change", change))


@pytest.fixture
def inbox() -> Inbox:
    """An empty one."""
    return Inbox()


@pytest.fixture
async def app(client: AsyncWebClient, inbox: Inbox) -> AsyncIterator[AsyncApp]:
    """The real Bolt app with our listeners."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-test", bot_id="BBOT", bot_user_id=BOT)

    app = AsyncApp(client=client, authorize=authorize, signing_secret="s", request_verification_enabled=False)
    register(app, inbox, inbox, inbox, audiences=inbox)  # type: ignore[arg-type]
    yield app
    await asyncio.sleep(0)


async def send(app: AsyncApp, body: dict[str, Any]) -> tuple[int, str]:
    """Deliver a body as Socket Mode does; return what Slack is told."""
    response = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    return response.status, response.body


def event(**fields: Any) -> dict[str, Any]:
    """An event about something alice did."""
    about = {"channel": "C1", "channel_type": "channel", "user": "UALICE", "ts": NOW, "event_ts": NOW, **fields}
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": about}


async def test_a_mention_is_queued_once_and_its_thread_is_ours(app: AsyncApp, inbox: Inbox) -> None:
    for kind in ("app_mention", "message", "message"):
        assert (await send(app, event(type=kind, text=f"<@{BOT}> hello")))[0] == 200
    [(step, request)] = inbox.steps
    assert (step, request.id, request.text) == ("put", f"T1:C1:{NOW}", "hello")
    assert inbox.owned == {("T1", "C1", NOW)}


async def test_it_shows_at_once_that_it_heard(app: AsyncApp, wire: Wire) -> None:
    began = time.monotonic()
    await send(app, event(type="message", channel="D1", channel_type="im", text="hello"))
    await wire.called("assistant.threads.setStatus")
    assert time.monotonic() - began < 0.5
    assert wire.calls[-1][1]["thread_ts"] == NOW


async def test_a_retry_an_hour_later_shows_nothing(app: AsyncApp, inbox: Inbox, wire: Wire) -> None:
    inbox.seen.add(f"T1:D1:{NOW}")
    assert (await send(app, event(type="message", channel="D1", channel_type="im", text="hello")))[0] == 200
    await asyncio.sleep(0.1)
    assert inbox.steps == []
    assert wire.calls == []


async def test_a_reply_is_for_us_only_in_our_own_thread(app: AsyncApp, inbox: Inbox) -> None:
    await send(app, event(type="message", text="and now?", thread_ts="1.1"))
    assert inbox.steps == []
    inbox.owned.add(("T1", "C1", "1.1"))
    await send(app, event(type="message", text="and now?", thread_ts="1.1"))
    assert [step for step, _ in inbox.steps] == ["put"]


PDF = {"id": "F1", "name": "handbook.pdf", "filetype": "pdf"}


async def test_a_document_that_is_only_dropped_makes_its_thread_nobodys(
    app: AsyncApp, inbox: Inbox, wire: Wire
) -> None:
    """It is read, with a reaction instead of a status line; what people then say below it is theirs."""
    await send(app, event(type="message", subtype="file_share", text="look, Bob", files=[PDF]))
    [(_, request)] = inbox.steps
    assert (request.action, request.text, request.unasked) == ("upload", "", True)
    await wire.called("reactions.add")
    assert wire.count("assistant.threads.setStatus") == 0
    await send(app, event(type="message", text="nice, move the button left", ts="9.1", thread_ts=NOW, user="UBOB"))
    assert len(inbox.steps) == 1
    await send(app, event(type="message", text="When does the office open?", ts="9.2", thread_ts=NOW, user="UBOB"))
    assert [(r.action, r.unasked) for _, r in inbox.steps[1:]] == [("overhear", True)]


async def test_a_document_given_to_us_makes_the_thread_ours(app: AsyncApp, inbox: Inbox) -> None:
    await send(app, event(type="message", subtype="file_share", text=f"<@{BOT}> read this", files=[PDF]))
    [(_, request)] = inbox.steps
    assert not request.unasked
    assert inbox.owned == {("T1", "C1", NOW)}


async def test_talk_between_people_in_our_thread_is_left_alone(app: AsyncApp, inbox: Inbox) -> None:
    inbox.owned.add(("T1", "C1", "1.1"))
    inbox.partners.add("UALICE")
    talk = [
        ("UALICE", "<@UBOB> can you send me the invoice?"), ("UALICE", "or is it with you, Carol?"),
        ("UBOB", "which one?"), ("UALICE", "is it paid?"),
    ]  # fmt: skip
    for n, (user, text) in enumerate(talk):
        await send(app, event(type="message", text=text, user=user, ts=f"2.{n}", thread_ts="1.1"))
    assert inbox.steps == []


async def test_without_redis_an_event_is_not_acknowledged(app: AsyncApp, inbox: Inbox) -> None:
    inbox.away = True
    assert (await send(app, event(type="app_mention", text=f"<@{BOT}> hello")))[0] == 500


async def test_without_redis_a_command_gets_an_honest_sentence(app: AsyncApp, inbox: Inbox) -> None:
    inbox.away = True
    status, said = await send(app, command("/ask"))
    assert status == 200
    assert "try again" in said


def command(name: str) -> dict[str, Any]:
    """A slash command."""
    return {
        "command": name, "text": "why?", "team_id": "T1", "channel_id": "C1", "user_id": "UALICE", "trigger_id": "1.2",
        "response_url": "https://hooks.example/1",
    }  # fmt: skip


async def test_a_command_is_queued_and_acknowledged_without_words(app: AsyncApp, inbox: Inbox) -> None:
    assert await send(app, command("/ask")) == (200, "")
    [(_, request)] = inbox.steps
    assert (request.action, request.text) == ("ask", "why?")


async def test_the_persons_language_is_known_from_the_second_time_on(app: AsyncApp, inbox: Inbox) -> None:
    for trigger in ("1", "2"):
        await send(app, command("/ask") | {"trigger_id": trigger})
        await asyncio.sleep(0.01)
    assert [request.language for _, request in inbox.steps] == ["en", "fr"]


@pytest.mark.parametrize("place", [{"channel": "D1", "channel_type": "im"}, {"channel": "C1"}], ids=["dm", "channel"])
async def test_a_stop_comes_before_what_waits(app: AsyncApp, inbox: Inbox, place: dict[str, str]) -> None:
    """In a channel too, where nobody mentions the bot in its own thread."""
    inbox.owned.add(("T1", "C1", "1.1"))
    await send(app, event(type="message", text="stop", thread_ts="1.1", **place))
    assert [step for step, _ in inbox.steps] == ["cancel_thread", "put"]
    assert inbox.steps[0][1] == ("T1", place["channel"], "1.1", float(NOW))


async def test_stop_said_to_somebody_else_stops_nothing(app: AsyncApp, inbox: Inbox) -> None:
    await send(app, event(type="message", text="stop", thread_ts="1.1"))
    assert inbox.steps == []


async def test_the_stop_button_stops_what_was_asked_before(app: AsyncApp, inbox: Inbox) -> None:
    old = f"{time.time() - 3600:.6f}"
    assert (await send(app, event(type="agent_session_stopped", thread_ts="1.1", event_ts=old)))[0] == 200
    assert inbox.steps == [("cancel_thread", ("T1", "C1", "1.1", float(old)))]


async def test_a_mention_that_was_edited_in_makes_the_thread_ours(app: AsyncApp, inbox: Inbox) -> None:
    both = {name: {"user": "UALICE", "text": text, "ts": NOW} for name, text in
            (("message", f"<@{BOT}> hello"), ("previous_message", "hello"))}  # fmt: skip
    await send(app, event(type="message", subtype="message_changed", **both))
    assert [step for step, _ in inbox.steps] == ["redo"]
    assert inbox.owned == {("T1", "C1", NOW)}


async def test_editing_and_deleting_a_question_reach_the_queue(app: AsyncApp, inbox: Inbox) -> None:
    def said(text: str) -> dict[str, Any]:
        return {"user": "UALICE", "text": f"<@{BOT}> {text}", "ts": NOW}

    both = {"message": said("two"), "previous_message": said("one")}
    await send(app, event(type="message", subtype="message_changed", **both))
    await send(app, event(type="message", subtype="message_deleted", deleted_ts=NOW, previous_message=said("two")))
    kinds = [step for step, _ in inbox.steps]
    assert kinds == ["redo", "cancel", "note", "put_change"]


async def test_a_membership_is_changed_before_its_event_is_acknowledged(app: AsyncApp, inbox: Inbox) -> None:
    await send(app, event(type="member_left_channel", user="UBOB"))
    assert inbox.steps == [("change", "member_left_channel"), ("note", "member_left")]


async def test_what_tells_nothing_new_about_a_person_is_no_work(app: AsyncApp, inbox: Inbox) -> None:
    """Slack tells of every status, photo and huddle of everybody in the workspace."""
    status, _ = await send(app, event(type="user_change", user=NOISY))
    assert (status, inbox.steps) == (200, [("change", "user_change")])


async def test_what_went_is_hidden_before_it_is_queued_and_acknowledged(app: AsyncApp, inbox: Inbox) -> None:
    assert (await send(app, event(type="file_deleted", file_id="F1")))[0] == 200
    assert inbox.steps[0] == ("note", "file_deleted")
    assert inbox.steps[-1][1].files == ("F1",)
    inbox.away = True
    assert (await send(app, event(type="file_deleted", file_id="F1")))[0] == 500


@pytest.mark.parametrize("kind", ["reaction_added", "something_new", "file_shared", "app_context_changed"])
async def test_every_event_is_acknowledged(app: AsyncApp, inbox: Inbox, kind: str) -> None:
    assert (await send(app, event(type=kind)))[0] == 200
    assert inbox.steps == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "view_submission", "view": {"callback_id": "x", "type": "modal"}},
        {"type": "block_actions", "actions": [{"action_id": "other", "block_id": "b", "type": "button"}]},
        {"type": "message_action", "callback_id": "other"},
        {"type": "shortcut", "callback_id": "other"},
    ],
)
async def test_every_interaction_is_acknowledged(app: AsyncApp, body: dict[str, Any]) -> None:
    assert (await send(app, {"user": {"id": "U"}, "team": {"id": "T1"}, "trigger_id": "1", **body}))[0] == 200


async def test_home_is_published_and_prompts_are_offered(app: AsyncApp, wire: Wire) -> None:
    await send(app, event(type="app_home_opened", tab="home"))
    await send(app, event(type="app_home_opened", tab="messages", channel="D1"))
    await wire.called("views.publish")
    await wire.called("assistant.threads.setSuggestedPrompts")
    calls = dict(wire.calls)
    assert "/ask" in json.dumps(calls["views.publish"]["view"])
    assert len(calls["assistant.threads.setSuggestedPrompts"]["prompts"]) <= 4
    assert "thread_ts" not in calls["assistant.threads.setSuggestedPrompts"]


async def test_feedback_is_thanked_for_and_queues_nothing(app: AsyncApp, inbox: Inbox, wire: Wire) -> None:
    body = {
        "type": "block_actions", "user": {"id": "UBOB"}, "team": {"id": "T1"}, "channel": {"id": "C1"},
        "trigger_id": "1", "message": {"ts": "2.2", "thread_ts": "1.1"},
        "actions": [{"action_id": "feedback", "block_id": "b", "type": "feedback_buttons", "value": "good:T1:C1:1.1"}],
    }  # fmt: skip
    assert (await send(app, body))[0] == 200
    await wire.called("chat.postEphemeral")
    assert inbox.steps == []


async def test_a_queue_that_hangs_does_not_hold_up_slack(
    client: AsyncWebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Inbox):
        async def put(self, request: Request) -> bool:
            await asyncio.sleep(60)
            return True

    monkeypatch.setattr("bot.gateway.TAKE_SECONDS", 0.1)
    gate = Gateway(Hanging(), Inbox(), Hanging(), client, None)  # type: ignore[arg-type]
    response = await gate.take(command("/ask"), AsyncBoltContext(), _nothing)
    assert response is not None
    assert response.status == 200


async def _nothing() -> None:
    return None
