"""What a real workspace does besides: threads of people, Stop, read-only channels, status lines that stay.

The real queue, gateway and dispatcher in the workspace on localhost; only what the handlers say is a test's own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from langchain_core.language_models import FakeListChatModel
from redis.asyncio import Redis

from bot import metrics
from bot.access.gone import Gone
from bot.access.memberships import Memberships
from bot.access.reconcile import Reconciler
from bot.channel_settings import ChannelSettings
from bot.dispatcher import Dispatcher
from bot.figures import RedisFigures
from bot.gateway import Gateway, register
from bot.limits import Limits
from bot.memory import ThreadMemory
from bot.open_questions import RedisOpenQuestions
from bot.queue.queue import Queue
from bot.queue.worker import Worker
from bot.sandbox import Sandbox
from bot.settings import SlackSettings
from bot.slack.catch_up import ALIVE, CatchUp
from bot.slack.connect import SlackConnection, connect_slack
from bot.slack.files import SlackFiles
from bot.slack.messages import SlackMessages
from bot.slack.quotes import Quotes
from bot.slack.talks import Talks
from bot.slack.team import SlackTeam
from handlers import ACTIONS, HANDLERS
from handlers.pieces import Pieces, Source, Sources, Text
from handlers.ports import OpenQuestion
from handlers.request import Request, Services
from indexing.document import Passage
from tests.bot.slack.test_workspace import TOKENS, channel_of, until
from tests.people import Person, visible

PASSAGE = Passage(
    id="p", document_id="d", document="handbook.pdf", text="The office opens at 7:30.", page=2, last_page=2, heading="",
    permalink="https://lantern.example/F1", score=1.0, relevance=1.0,
)  # fmt: skip


class NoDocuments:
    """A library in which nothing was shared yet."""

    async def documents(self, readable_by: object, *, limit: int = 0) -> list[object]:
        return []

    async def shares(self) -> list[object]:
        return []

    async def document(self, document_id: str, **_: object) -> Any:
        return SimpleNamespace(id=document_id, shares=(SimpleNamespace(channel="C0GENERAL0"),))

    def __getattr__(self, name: str) -> Any:
        async def nothing(*_: object, **__: object) -> list[object]:
            return []

        return nothing


@dataclass
class Bot:
    """The assistant in the workspace, with handlers that say what the test wants."""

    connection: SlackConnection
    sandbox: Sandbox
    redis: Redis
    gate: Gateway | None = None
    done: list[Request] = field(default_factory=list)
    slow: bool = False
    silent: bool = False
    sources: tuple[Source, ...] = ()

    async def __call__(self, request: Request, services: Services) -> Pieces:
        self.done.append(request)
        while self.silent:  # noqa: ASYNC110 - a test's switch
            await asyncio.sleep(0.02)
        yield Text(f"{request.action}: {request.text}. ")
        for word in range(200 if self.slow else 0):
            yield Text(f"word{word} ")
            await asyncio.sleep(0.05)
        if self.sources:
            yield Sources(self.sources)

    @property
    def mention(self) -> str:
        """Return how people call it."""
        return f"<@{self.connection.bot_user_id}>"

    async def settled(self) -> None:
        """Wait until everything that was said has reached the gateway and what is to be done is done."""
        await asyncio.sleep(0.6)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A workspace of this test only."""
    sandbox = await Sandbox.start(0, tmp_path / "workspace")
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def bot(sandbox: Sandbox, redis: Redis, url: str, tmp_path: Path) -> AsyncIterator[Bot]:
    """The assistant."""
    slack = await connect_slack(SlackSettings(api_url=sandbox.api_url, **TOKENS), loopback=True)  # type: ignore[arg-type]
    bot = Bot(slack, sandbox, redis)
    async with Queue(redis, url, settle_seconds=0) as queue:
        audiences = Memberships(slack.client, redis, slack.team_id)
        turns = Dispatcher(
            services=Services(
                **dict.fromkeys(Services.__dataclass_fields__, None)  # type: ignore[arg-type]
                | {
                    "files": SlackFiles(slack.client, "files.slack.com", 10_000),
                    "model": FakeListChatModel(responses=["yes"]),
                    "library": cast(Any, NoDocuments()),
                    "messages": SlackMessages(slack.client),
                    "team": SlackTeam(slack.client),
                    "figures": RedisFigures(redis, slack.team_id),
                    "questions": RedisOpenQuestions(redis, slack.team_id),
                    "channels": ChannelSettings(redis),
                    "shown_settings": {"BOT_MEMORY_DAYS": "90"},
                }
            ),
            client=slack.client, redis=redis, queue=queue, audiences=audiences, limits=Limits(redis, 1000, 1000),
            upkeep=Reconciler(
                client=slack.client, redis=redis, library=cast(Any, NoDocuments()), memory=ThreadMemory(redis),
                quotes=Quotes(slack.client, redis),
            ),
            handlers=dict.fromkeys(ACTIONS, bot) | {name: HANDLERS[name] for name in ("home", "settings")},
        )  # fmt: skip
        bot.gate = register(
            slack.app, queue, Gone(redis), Talks(redis), audiences=audiences,
            figures=RedisFigures(redis, slack.team_id),
        )  # fmt: skip
        worker = asyncio.create_task(Worker(queue, turn=turns).run())
        await slack.start()
        yield bot
        await bot.settled()
        await slack.stop()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


@pytest.fixture
async def alice(sandbox: Sandbox) -> Person:
    """Alice, an admin."""
    return await Person.named("alice", sandbox.api_url)


@pytest.fixture
async def bob(sandbox: Sandbox) -> Person:
    """Bob."""
    return await Person.named("bob", sandbox.api_url)


@pytest.fixture
async def general(alice: Person) -> str:
    """The channel that all of the team is in."""
    return await channel_of(alice, "general")


async def replies(person: Person, channel: str, ts: str) -> list[str]:
    """Return what the assistant said in a thread."""
    return [visible(message) for message in (await person.thread(channel, ts))[1:] if message.get("bot_id")]


# Manners.


async def test_a_colleagues_screenshot_and_the_talk_below_it_are_left_alone(
    bot: Bot, alice: Person, bob: Person, general: str, tmp_path: Path
) -> None:
    (tmp_path / "Screenshot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    ts = await alice.shares(general, tmp_path / "Screenshot.png", "what do you think?")
    await bob.says(general, "nice, @alice move the button left", thread=ts)
    await alice.says(general, "really? why?", thread=ts)
    await bot.settled()
    assert bot.done == []
    assert await replies(alice, general, ts) == []
    assert not bot.sandbox.workspace.calls["files.info"]


async def test_a_document_that_was_only_dropped_is_read_quietly(
    bot: Bot, alice: Person, bob: Person, general: str, tmp_path: Path
) -> None:
    """A reaction and one line; the talk below goes on without us, a question is looked up."""
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    ts = await alice.shares(general, tmp_path / "handbook.pdf", "our new handbook")
    await until(lambda: bot.done)
    await bot.settled()
    root = (await alice.thread(general, ts))[0]
    assert [reaction["name"] for reaction in root["reactions"]] == ["eyes"]
    assert len(await replies(alice, general, ts)) == 1
    await bob.says(general, "nice, I like page 3", thread=ts)
    await bob.says(general, "When does the office open?", thread=ts)
    await until(lambda: len(bot.done) == 2)
    assert [(request.action, request.unasked) for request in bot.done] == [("upload", True), ("overhear", True)]
    assert not bot.sandbox.workspace.calls["assistant.threads.setStatus"]


async def test_in_our_thread_people_talk_to_each_other_undisturbed(
    bot: Bot, alice: Person, bob: Person, general: str
) -> None:
    ts = await alice.says(general, f"{bot.mention} who may drive the pool cars?")
    await alice.reads(general, ts)
    for person, text in (
        (alice, f"<@{bob.id}> can you send me the invoice of Redwood please?"), (bob, "here it is"),
        (alice, "is it paid?"), (bob, "thanks"),
    ):  # fmt: skip
        await person.says(general, text, thread=ts)
    await bot.settled()
    assert len(bot.done) == 1
    await bob.says(general, f"{bot.mention} and the vans?", thread=ts)
    await alice.reads(general, ts, count=2)


# What a channel wants.


async def test_a_channel_that_wants_quiet_gets_it(bot: Bot, alice: Person, general: str, tmp_path: Path) -> None:
    """Only mentions, no documents unasked: nothing happens until somebody mentions it."""
    await wanted(bot, alice, general, "listens mention", "documents off")
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    await alice.shares(general, tmp_path / "handbook.pdf")
    ts = await alice.says(general, f"{bot.mention} hello")
    await alice.reads(general, ts)
    await alice.says(general, "and in winter?", thread=ts)
    await bot.settled()
    assert [request.text for request in bot.done] == ["hello"]


async def test_a_channel_may_want_every_question_looked_up(bot: Bot, alice: Person, general: str) -> None:
    await alice.says(general, "When does the office open?")
    await bot.settled()
    assert bot.done == []
    await wanted(bot, alice, general, "listens questions")
    await alice.says(general, "And when does it close?")
    await alice.says(general, "I will be late.")
    await until(lambda: bot.done)
    await bot.settled()
    assert [(request.action, request.text, request.unasked) for request in bot.done] == [
        ("overhear", "And when does it close?", True)
    ]


async def test_a_channel_may_want_no_receipts(bot: Bot, alice: Person, general: str, tmp_path: Path) -> None:
    await wanted(bot, alice, general, "receipts off")
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    await alice.shares(general, tmp_path / "handbook.pdf")
    await until(lambda: bot.done)
    assert bot.done[0].silent


async def wanted(bot: Bot, person: Person, channel: str, *wishes: str) -> None:
    """Say what a channel wants."""
    for wish in wishes:
        name, _, value = wish.partition(" ")
        await ChannelSettings(bot.redis).change(bot.connection.team_id, channel, name, value)


# Stop.


async def test_the_stop_button_keeps_what_stands_and_ends_the_session(bot: Bot, alice: Person) -> None:
    """Slack ends the stream by itself, so what stands can only be added to."""
    bot.slow = True
    dm = await alice.dm(bot.connection.bot_user_id)
    ts = await alice.says(dm, "hello")

    async def streaming() -> Any:
        return next((m for m in (await alice.thread(dm, ts))[1:] if "word3" in m["text"]), None)

    await alice._wait(streaming)
    await alice.client.api_call("chat.stop", json={"channel": dm, "thread_ts": ts})
    stopped = await alice.reads(dm, ts, lambda text: "Stopped." in text)
    assert "chat: hello. word0 word1" in stopped
    assert "word199" not in stopped
    await eventually_active(alice, dm, ts)


async def test_the_stop_button_before_the_first_words_ends_the_session(bot: Bot, alice: Person) -> None:
    bot.silent = True
    dm = await alice.dm(bot.connection.bot_user_id)
    ts = await alice.says(dm, "hello")
    await until(lambda: bot.done)
    await alice.client.api_call("chat.stop", json={"channel": dm, "thread_ts": ts})
    await eventually_active(alice, dm, ts)
    await bot.settled()
    bot.silent = False
    await bot.settled()
    assert await replies(alice, dm, ts) == []


async def eventually_active(person: Person, channel: str, ts: str) -> None:
    """Wait until nothing is said to be done in a thread, neither by its session nor by a status line."""

    async def is_active() -> bool:
        told = await person.client.api_call("assistant.statuses", json={"channel": channel})
        return told["sessions"].get(ts) == "active" and not told["statuses"]

    async with asyncio.timeout(5):
        while not await is_active():  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("outcome", ["answered", "refused"])
async def test_the_status_line_goes_with_every_turn(bot: Bot, alice: Person, general: str, outcome: str) -> None:
    if outcome == "refused":
        bot.sandbox.workspace.faults.errors = {"chat.startStream": {"error": "internal_error", "times": 1}}
    ts = await alice.says(general, f"{bot.mention} hello")
    await alice.reads(general, ts)
    await eventually_active(alice, general, ts)


# Channels where an app may not post.


@pytest.mark.parametrize("restricted", ["read_only_channel", "thread_only_channel"])
async def test_a_command_in_a_restricted_channel_is_answered_privately(
    bot: Bot, alice: Person, general: str, restricted: str
) -> None:
    await restrict(alice, general, restricted)
    await alice.commands(general, "/ask", "When does the office open?")
    assert "ask: When does the office open?" in await alice.sees_alone(general)


@pytest.mark.parametrize("restricted", ["read_only_channel", "non_threadable_channel", "thread_locked"])
async def test_a_mention_in_a_restricted_channel_is_answered_privately(
    bot: Bot, alice: Person, general: str, restricted: str
) -> None:
    await restrict(alice, general, restricted)
    ts = await alice.says(general, f"{bot.mention} hello")
    assert "chat: hello" in await alice.sees_alone(general)
    assert await replies(alice, general, ts) == []


async def restrict(admin: Person, channel: str, restricted: str) -> None:
    """Say who may post in a channel."""
    await admin.client.api_call(
        "admin.conversations.setConversationPrefs", json={"channel_id": channel, "restricted": restricted}
    )


async def test_a_response_url_that_takes_no_markdown_gets_sections(bot: Bot, alice: Person, general: str) -> None:
    """Else the answer would move to another place, or to the direct message."""
    bot.sandbox.workspace.faults.plain_response_urls = True
    await alice.commands(general, "/docs", "find handbook")
    assert "docs: find handbook" in await alice.sees_alone(general)
    assert not bot.sandbox.workspace.calls["chat.postEphemeral"]
    assert not bot.sandbox.workspace.calls["conversations.open"]


async def test_where_the_status_line_is_gone_the_session_says_that_something_is_done(
    bot: Bot, alice: Person, general: str
) -> None:
    bot.sandbox.workspace.faults.errors = {"assistant.threads.setStatus": {"error": "unknown_method", "times": 99}}
    bot.silent = True
    ts = await alice.says(general, f"{bot.mention} hello")
    await until(lambda: bot.sandbox.workspace.sessions.get((general, ts)) == "processing")
    bot.silent = False
    await alice.reads(general, ts)
    await until(lambda: bot.sandbox.workspace.sessions.get((general, ts)) == "active")


# Sources.


async def test_a_streamed_answer_shows_its_sources_once(bot: Bot, alice: Person, general: str) -> None:
    bot.slow, bot.sources = True, (Source(1, PASSAGE, "The office opens at 7:30."),)
    ts = await alice.says(general, f"{bot.mention} hello")
    answer = await alice.reads(general, ts, lambda text: "word199" in text)
    assert answer.count("handbook.pdf, p. 2") == 1


async def test_a_sources_page_is_asked_for_privately(bot: Bot, alice: Person, bob: Person, general: str) -> None:
    """Whoever presses the button below an answer: in a channel beside the thread for that person alone."""
    bot.sources = (Source(1, PASSAGE, "The office opens at 7:30."),)
    ts = await alice.says(general, f"{bot.mention} hello")
    await alice.reads(general, ts)
    answer = (await alice.thread(general, ts))[1]
    [button] = [e for block in answer["blocks"] if block["type"] == "actions" for e in block["elements"]]
    assert button["text"]["text"] == "Show [1] p. 2"
    pressed = {"action_id": button["action_id"], "value": button["value"]}
    await bob.client.api_call("chat.press", json={"channel": general, "ts": answer["ts"], **pressed})
    assert "show_page: 2 2 The office opens at 7:30." in await bob.sees_alone(general)
    seen = (await bob.client.api_call("chat.ephemerals", json={"channel": general}))["messages"][-1]
    assert seen["thread_ts"] == ts
    assert not [block for block in seen["blocks"] if block["type"] == "actions"]
    assert (bot.done[-1].user, bot.done[-1].document) == (bob.id, "d")
    assert len(await replies(alice, general, ts)) == 1


# Absence.


async def while_away(bot: Bot, *, hours: float = 4) -> CatchUp:
    """Lose the socket as if for an hour, after which Slack tells nothing of it; return what catches up."""
    bot.sandbox.workspace.delivery.retry_seconds = (0.0, 0.05)
    await bot.sandbox.workspace.sockets.drop()
    await bot.connection._sockets.close_async()  # type: ignore[union-attr,no-untyped-call]
    await bot.redis.set(ALIVE, f"{time.time() - 3600:.6f}", ex=3600)

    async def take(body: dict[str, Any]) -> None:
        assert bot.gate
        await bot.gate.take_late(body, bot.connection.bot_user_id, time.time() - hours * 3600)

    catch_up = CatchUp(bot.connection.client, bot.redis, bot.connection.team_id, take)
    catch_up.pause_seconds = 0
    return catch_up


async def test_what_was_asked_while_it_was_away_is_answered_once(
    bot: Bot, alice: Person, bob: Person, general: str, tmp_path: Path
) -> None:
    """A mention, a direct message, a reply in its thread and a document; the talk of others is left alone."""
    thread = await alice.says(general, f"{bot.mention} hello")
    await alice.reads(general, thread)
    catch_up = await while_away(bot)
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    await alice.says(general, f"{bot.mention} are you there?")
    dm = await bob.dm(bot.connection.bot_user_id)
    await bob.says(dm, "and now?")
    await alice.says(general, "and in this thread?", thread=thread)
    await alice.shares(general, tmp_path / "handbook.pdf")
    await bob.says(general, "Alice, lunch?")
    await asyncio.sleep(0.3)
    assert len(bot.done) == 1
    await catch_up.beat()
    await catch_up.beat()
    await until(lambda: len(bot.done) == 5)
    await bot.settled()
    texts = sorted(request.text for request in bot.done)
    assert texts == ["", "and in this thread?", "and now?", "are you there?", "hello"]


async def test_what_is_too_old_is_not_answered_but_its_document_is_read(
    bot: Bot, alice: Person, general: str, tmp_path: Path
) -> None:
    catch_up = await while_away(bot, hours=0)
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    await alice.says(general, f"{bot.mention} are you there?")
    await alice.shares(general, tmp_path / "handbook.pdf", f"{bot.mention} summarize")
    await asyncio.sleep(0.3)
    await catch_up.beat()
    await until(lambda: bot.done)
    await bot.settled()
    assert [(request.action, request.text, request.unasked) for request in bot.done] == [("upload", "", True)]


async def test_a_short_absence_is_left_to_slack(bot: Bot, alice: Person, general: str) -> None:
    catch_up = await while_away(bot)
    await bot.redis.set(ALIVE, f"{time.time() - 30:.6f}", ex=3600)
    await catch_up.beat()
    assert not bot.sandbox.workspace.calls["conversations.history"]


# What was there before.


@pytest.mark.parametrize("way", ["invited", "unarchived"])
async def test_the_documents_of_a_channel_are_offered_once(bot: Bot, alice: Person, tmp_path: Path, way: str) -> None:
    """Twelve documents and a screenshot are there before the bot comes; nobody is told about the screenshot."""
    made = await alice.client.conversations_create(name="contracts")
    channel = str(made["channel"]["id"])
    for name in ("Screenshot.png", *(f"contract-{n}.pdf" for n in range(12))):
        await alice.client.files_upload_v2(channel=channel, content=b"%PDF-1.7", filename=name)
    if way == "unarchived":
        await alice.client.conversations_invite(channel=channel, users=bot.connection.bot_user_id)
        await alice.root(channel, "12 documents")
        await bot.redis.delete(f"offered:{channel}")  # that was long ago
        await alice.client.conversations_archive(channel=channel)
        await alice.client.conversations_unarchive(channel=channel)
    else:
        await alice.client.conversations_invite(channel=channel, users=bot.connection.bot_user_id)
    offers = 2 if way == "unarchived" else 1
    await until(lambda: bot.sandbox.workspace.calls["chat.postMessage"] == offers)
    await bot.settled()
    offered = [message for message in await alice.history(channel) if "12 documents" in visible(message)]
    assert len(offered) == offers
    assert bot.done == []
    button = offered[0]["blocks"][0]["accessory"]
    pressed = {"channel": channel, "ts": offered[0]["ts"], "action_id": button["action_id"], "value": button["value"]}
    await alice.client.api_call("chat.press", json=pressed)
    await until(lambda: bot.done)
    assert (bot.done[0].action, bot.done[0].thread) == ("read_here", offered[0]["ts"])


async def test_nothing_is_offered_where_nothing_is(bot: Bot, alice: Person) -> None:
    await alice.channel([bot.connection.bot_user_id])
    await bot.settled()
    assert not bot.sandbox.workspace.calls["chat.postMessage"]


async def test_all_pages_of_a_channels_files_are_listed(bot: Bot, alice: Person, general: str) -> None:
    files = SlackFiles(bot.connection.client, "files.slack.com", 10_000)
    for n in range(5):
        await alice.client.files_upload_v2(channel=general, content=b"%PDF-1.7", filename=f"{n}.pdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.slack.files.LISTED", 2)
        listed = await files.shared_in(general)
    assert [file.name for file in listed] == [f"{n}.pdf" for n in range(5)]
    shared = {
        message["files"][0]["id"]: message["ts"] for message in await alice.history(general) if "files" in message
    }
    assert {file.id: file.ts for file in listed} == shared
    await until(lambda: len(bot.done) == 5)  # each was dropped, too


# Home.


async def test_home_is_a_persons_own_and_forgets_them(bot: Bot, alice: Person, bob: Person) -> None:
    """Figures for the admin alone; a button pressed in Home is answered in the direct message, and Home is anew."""
    question = OpenQuestion(
        id="T:C1:1.0", channel="C1", thread="1.0", user=bob.id, text="What does the canteen cost?", language="en",
        at=time.time(),
    )  # fmt: skip
    await RedisOpenQuestions(bot.redis, bot.connection.team_id).keep(question)
    for person in (alice, bob):
        await person.client.api_call("chat.home", json={"tab": "home"})
    homes = bot.sandbox.workspace.state.homes
    await until(lambda: {alice.id, bob.id} <= homes.keys() and all("divider" in str(home) for home in homes.values()))
    assert "BOT_MEMORY_DAYS = 90" in visible(homes[alice.id])
    assert "BOT_MEMORY_DAYS" not in visible(homes[bob.id])
    assert "What does the canteen cost?" in visible(homes[bob.id])
    assert "canteen" not in visible(homes[alice.id])
    [button] = [block["accessory"] for block in homes[bob.id]["blocks"] if "accessory" in block]
    await bob.client.api_call("views.press", json={"action_id": button["action_id"]})
    dm = await bob.dm(bot.connection.bot_user_id)
    assert "forget_me:" in await bob.sees_alone(dm)
    assert (bot.done[-1].channel, bot.done[-1].confirmed, bot.done[-1].user) == (dm, True, bob.id)


# Feedback.


async def thumb_down(bot: Bot, alice: Person, general: str) -> None:
    """Ask something, and press the thumb below the answer."""
    await alice.commands(general, "/ask", "When does the office open?")
    root = await alice.root(general, "office open")
    await alice.reads(general, root)
    answer = (await alice.thread(general, root))[1]
    thumbs = next(block for block in answer["blocks"] if block["type"] == "context_actions")["elements"][0]
    down = {"action_id": thumbs["action_id"], "value": thumbs["negative_button"]["value"]}
    await alice.client.api_call("chat.press", json={"channel": general, "ts": answer["ts"], **down})


async def test_a_thumb_down_asks_for_the_reason_in_a_modal(bot: Bot, alice: Person, general: str) -> None:
    """On a refusal, too: it has no sources, and may be what was wrong."""
    before = metrics.FEEDBACK.labels("not_found")._value.get()
    await thumb_down(bot, alice, general)
    views = bot.sandbox.workspace.views
    await until(lambda: views)
    [view] = views.values()
    assert "What was wrong?" in visible(view)
    chosen = {"view_id": view["id"], "values": {"reason": "not_found"}}
    await alice.client.api_call("views.submit", json=chosen)
    await until(lambda: metrics.FEEDBACK.labels("not_found")._value.get() == before + 1)
    assert not views
    assert not bot.sandbox.workspace.calls["chat.postEphemeral"]
    assert (await RedisFigures(bot.redis, bot.connection.team_id).week()).bad == 1


async def test_where_no_modal_opens_the_reason_is_one_more_click(bot: Bot, alice: Person, general: str) -> None:
    """Slack gives three seconds for it."""
    bot.sandbox.workspace.faults.errors = {"views.open": {"error": "expired_trigger_id", "times": 9}}
    before = metrics.FEEDBACK.labels("not_found")._value.get()
    await thumb_down(bot, alice, general)
    assert "What was wrong?" in await alice.sees_alone(general)
    asked = (await alice.client.api_call("chat.ephemerals", json={"channel": general}))["messages"][-1]
    reason = asked["blocks"][1]["elements"][1]
    pressed = {"action_id": reason["action_id"], "value": reason["value"], "ts": asked["ts"]}
    await alice.client.api_call("chat.press", json={"channel": general, **pressed})
    await alice.sees_alone(general, lambda text: "noted" in text)
    assert metrics.FEEDBACK.labels("not_found")._value.get() == before + 1


# Settings of a channel.


async def test_a_channels_settings_are_changed_in_a_modal(bot: Bot, alice: Person, bob: Person, general: str) -> None:
    """It shows what holds now; in French from then on, to somebody who asks in English, too."""
    await wanted(bot, alice, general, "documents off")
    await alice.commands(general, "/folio", "settings")
    await alice.sees_alone(general, lambda text: "I listen" in text)
    shown = (await alice.client.api_call("chat.ephemerals", json={"channel": general}))["messages"][-1]
    button = next(e for b in shown["blocks"] for e in b.get("elements", ()) if "settings_modal" in e["action_id"])
    pressed = {"channel": general, "ts": shown["ts"], "action_id": button["action_id"], "value": button["value"]}
    await alice.client.api_call("chat.press", json=pressed)
    await until(lambda: bot.sandbox.workspace.views)
    [view] = bot.sandbox.workspace.views.values()
    now = {block["block_id"]: block["element"]["initial_option"]["value"] for block in view["blocks"]}
    assert now == {"listens": "threads", "documents": "off", "receipts": "on", "language": "own"}
    chosen = {"view_id": view["id"], "values": {"language": "fr", "receipts": "off"}}
    await alice.client.api_call("views.submit", json=chosen)
    await alice.sees_alone(general, lambda text: "Noted for this channel" in text or "noté pour ce canal" in text)
    wishes = await ChannelSettings(bot.redis).of(bot.connection.team_id, general)
    assert (wishes.documents, wishes.receipts, wishes.language) == (False, False, "fr")
    await bob.says(general, f"{bot.mention} hello")
    await until(lambda: bot.done)
    assert (bot.done[-1].language, bot.done[-1].channel_language) == ("fr", "fr")


async def test_who_only_looks_into_a_channel_changes_nothing_in_it(bot: Bot, alice: Person, bob: Person) -> None:
    """A public channel is open to everybody; how we behave in it is its members' matter, or an admin's."""
    channel = await alice.channel([bot.connection.bot_user_id])
    await bob.commands(channel, "/folio", "settings documents off")
    assert "Only members of this channel" in await bob.sees_alone(channel)
    assert (await ChannelSettings(bot.redis).of(bot.connection.team_id, channel)).documents
