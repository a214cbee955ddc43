"""In and out together: the real queue, the real Bolt app over Socket Mode, and the workspace on localhost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.access.gone import Gone
from bot.access.memberships import Memberships
from bot.gateway import register
from bot.queue.queue import Queue
from bot.queue.worker import Worker
from bot.redis_server import RedisServer, open_redis
from bot.sandbox import Sandbox
from bot.settings import SlackSettings
from bot.slack.answer import Answer
from bot.slack.changes import SlackChange
from bot.slack.connect import SlackConnection, connect_slack
from bot.slack.files import SlackFiles
from bot.slack.talks import Talks
from bot.slack.thread import open_thread
from handlers import PRIVATE
from handlers.pieces import Choice, Choices, Piece, Text
from handlers.request import Request
from tests.people import Person, visible

TOKENS = {"bot_token": SecretStr("xoxb-sandbox"), "app_token": SecretStr("xapp-sandbox")}


@dataclass
class Echo:
    """A worker's turn that says what it was asked, and by whom."""

    connection: SlackConnection
    redis: Redis
    queue: Queue
    audiences: Memberships
    slow: bool = False
    done: list[Request] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    readable: dict[str, set[str]] = field(default_factory=dict)

    async def __call__(self, request: Request) -> None:
        if not (request.ts or request.thread or request.action in PRIVATE):
            request = await open_thread(self.connection.client, self.redis, request)
        self.readable[request.id] = set((await self.audiences.resolve(request)).channels)
        await Answer(self.connection.client, self.redis, request).show(self.pieces(request))
        self.done.append(request)

    async def change(self, change: SlackChange) -> None:
        self.changes.append(change.kind)

    async def pieces(self, request: Request) -> AsyncIterator[Piece]:
        yield Text(f"{request.action}: {request.text} ")
        for word in range(100 if self.slow else 0):
            yield Text(f"word{word} ")
            await asyncio.sleep(0.05)
        if request.action == "help":
            yield Choices("Documents", (Choice("List", "docs", document="all"),))

    async def delayed(self, request: Request) -> None:
        """Nothing to tell."""

    async def stopped(self, request: Request) -> None:
        await Answer(self.connection.client, self.redis, request).fail("Stopped.")

    async def given_up(self, request: Request, reason: str) -> None:
        await Answer(self.connection.client, self.redis, request).fail("Given up.")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A workspace of this test only."""
    sandbox = await Sandbox.start(0, tmp_path / "workspace")
    yield sandbox
    await sandbox.stop()


class NotedGone(Gone):
    """Tells which changes the gateway saw, those too that leave nothing to tidy."""

    kinds: list[str]

    async def note(self, change: SlackChange) -> None:
        await super().note(change)
        self.kinds.append(change.kind)


@pytest.fixture
async def echo(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Echo]:
    """The bot with an echo for a mind."""
    server = RedisServer(tmp_path)
    url = await server.start()
    redis = open_redis(url)
    connection = await connect_slack(SlackSettings(api_url=sandbox.api_url, **TOKENS), loopback=True)  # type: ignore[arg-type]
    async with Queue(redis, url) as queue:
        audiences = Memberships(connection.client, redis, connection.team_id)
        echo = Echo(connection, redis, queue, audiences)
        gone = NotedGone(redis)
        gone.kinds = echo.noted
        register(connection.app, queue, gone, Talks(redis), audiences=audiences)
        working = asyncio.create_task(Worker(queue, turn=echo).run())
        await connection.start()
        yield echo
        await connection.stop()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    await redis.aclose()
    await server.stop()


@pytest.fixture
async def alice(sandbox: Sandbox) -> Person:
    """Alice, of the team."""
    return await Person.named("alice", sandbox.api_url)


async def channel_of(person: Person, name: str) -> str:
    """Return a channel's id."""
    listed = await person.client.conversations_list(types="public_channel,private_channel")
    return next(str(channel["id"]) for channel in listed["channels"] if channel["name"] == name)


async def until(holds: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} seconds"
        await asyncio.sleep(0.02)


async def test_a_mention_is_answered_once_in_its_thread_which_goes_on(alice: Person, echo: Echo) -> None:
    general = await channel_of(alice, "general")
    ts = await alice.says(general, f"<@{echo.connection.bot_user_id}> hello")
    assert "chat: hello" in await alice.reads(general, ts)
    await alice.says(general, "and again", thread=ts)
    assert "chat: and again" in await alice.reads(general, ts, count=2)
    assert len(await alice.thread(general, ts)) == 4


async def test_a_question_by_command_stands_in_the_channel_with_its_answer_below(alice: Person, echo: Echo) -> None:
    general = await channel_of(alice, "general")
    await alice.commands(general, "/ask", "How many days?")
    root = await alice.root(general, "How many days?")
    assert "ask: How many days?" in await alice.reads(general, root)
    assert (await alice.history(general))[0]["text"].startswith(f"<@{alice.id}> *asks:*")


async def test_in_a_channel_without_the_bot_only_the_asker_sees_the_answer(alice: Person, echo: Echo) -> None:
    made = await alice.client.conversations_create(name="without-bot")
    channel = made["channel"]["id"]
    await alice.commands(channel, "/ask", "How many days?")
    await until(lambda: echo.done)
    assert not [message for message in await alice.history(channel) if message.get("bot_id")]
    seen = (await alice.client.api_call("chat.ephemerals", json={"channel": channel}))["messages"]
    assert "ask: How many days?" in visible(seen[-1])
    [readable] = echo.readable.values()
    assert await channel_of(alice, "finance") in readable


async def test_invited_a_moment_ago_it_answers_what_all_of_the_channel_may_read(
    sandbox: Sandbox, alice: Person, echo: Echo
) -> None:
    """Slack's events are 40 seconds late: the bot still remembers that it is not in the channel, where it now posts."""
    await change(sandbox, {"late_envelopes_seconds": 40})
    channel = str((await alice.client.conversations_create(name="without-bot"))["channel"]["id"])
    await alice.commands(channel, "/ask", "What is my password?")
    await until(lambda: len(echo.readable) == 1)
    await alice.client.conversations_invite(channel=channel, users=echo.connection.bot_user_id)
    await alice.commands(channel, "/ask", "What is my password?")
    await until(lambda: len(echo.done) == 2)
    alone, in_public = echo.readable.values()
    finance, dm = await channel_of(alice, "finance"), await alice.dm(echo.connection.bot_user_id)
    assert {finance, dm} <= alone
    assert not {finance, dm} & in_public


async def test_a_guest_is_answered_from_that_channel_alone(sandbox: Sandbox, alice: Person, echo: Echo) -> None:
    guest = await Person.named("guest", sandbox.api_url)
    house = await channel_of(alice, "open-house")
    await guest.says(house, f"<@{echo.connection.bot_user_id}> hello")
    await until(lambda: echo.done)
    assert list(echo.readable.values()) == [{house}]


async def test_another_company_is_answered_from_the_shared_channel_alone(
    sandbox: Sandbox, alice: Person, echo: Echo
) -> None:
    dana = await Person.named("dana", sandbox.api_url)
    shared = await channel_of(dana, "partner-project")
    for person in (dana, alice):
        await person.says(shared, f"<@{echo.connection.bot_user_id}> hello")
    await until(lambda: len(echo.done) == 2)
    assert list(echo.readable.values()) == [{shared}, {shared}]


@pytest.mark.parametrize("told", ["teams", "organisation", "no_team_id"])
async def test_on_grid_a_colleague_at_home_in_another_workspace_is_one_of_us(
    sandbox: Sandbox, alice: Person, echo: Echo, told: str
) -> None:
    """By a mention, a command and a button: the public channels count, whatever Slack's user object leaves out."""
    await change(sandbox, {"grid": told})
    made = await alice.client.api_call("admin.users.invite", json={"name": "erin", "home": "T0SISTER01"})
    erin = await Person.named_by_token(str(made["token"]), sandbox.api_url)
    general, team = await channel_of(alice, "general"), await channel_of(alice, "team")
    await alice.client.conversations_invite(channel=general, users=erin.id)
    await erin.says(general, f"<@{echo.connection.bot_user_id}> help")
    await until(lambda: len(echo.done) == 1)
    await erin.commands(general, "/ask", "When does the office open?")
    await until(lambda: len(echo.done) == 2)
    shown = (await alice.thread(general, str(echo.done[0].ts)))[1]
    button = next(block["accessory"] for block in shown["blocks"] if "accessory" in block)
    pressed = {"channel": general, "ts": shown["ts"], "action_id": button["action_id"], "value": button["value"]}
    await erin.client.api_call("chat.press", json=pressed)
    await until(lambda: len(echo.done) == 3)
    assert [request.user for request in echo.done] == [erin.id] * 3
    assert all({general, team} <= readable for readable in echo.readable.values())


async def test_a_status_or_a_huddle_of_somebody_is_no_work(sandbox: Sandbox, alice: Person, echo: Echo) -> None:
    """Slack tells it of everybody in the workspace; nothing is asked of Slack because of it."""
    general = await channel_of(alice, "general")
    await alice.says(general, f"<@{echo.connection.bot_user_id}> hello")
    await until(lambda: echo.done)
    calls = sandbox.workspace.calls
    before = calls["users.info"] + calls["users.list"]
    for text in ("In a huddle", "Out for lunch"):
        await alice.client.users_profile_set(profile={"status_text": text})
    await asyncio.sleep(0.5)
    assert calls["users.profile.set"] == 2
    assert calls["users.info"] + calls["users.list"] == before
    assert (echo.noted, echo.changes) == ([], [])


async def test_whoever_leaves_a_channel_takes_its_documents_out_of_others(
    sandbox: Sandbox, alice: Person, echo: Echo
) -> None:
    """finance may be used in team only while all of team is in finance."""
    bob = await Person.named("bob", sandbox.api_url)
    pair = await alice.channel([bob.id, echo.connection.bot_user_id], private=True)
    finance, mention = await channel_of(alice, "finance"), f"<@{echo.connection.bot_user_id}> hello"
    await alice.says(pair, mention)
    await until(lambda: len(echo.readable) == 1)
    await bob.client.conversations_leave(channel=finance)
    await until(lambda: "member_left" in echo.noted)
    await alice.says(pair, mention)
    await until(lambda: len(echo.readable) == 2)
    before, after = echo.readable.values()
    assert finance in before
    assert finance not in after


async def test_a_dropped_file_is_fetched_with_the_bots_token(
    sandbox: Sandbox, alice: Person, echo: Echo, tmp_path: Path
) -> None:
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7\nhello")
    general = await channel_of(alice, "general")
    await alice.shares(general, tmp_path / "handbook.pdf", "look, Bob")
    await until(lambda: echo.done)
    [request] = echo.done
    assert (request.action, request.text, len(request.files)) == ("upload", "", 1)
    files = SlackFiles(echo.connection.client, "files.slack.com", 1000)
    file = await files.fetch(request.files[0], tmp_path)
    assert file.path.read_bytes() == b"%PDF-1.7\nhello"
    assert file.name == "handbook.pdf"


async def test_a_slow_answer_streams_and_can_be_stopped(alice: Person, echo: Echo) -> None:
    echo.slow = True
    dm = await alice.dm(echo.connection.bot_user_id)
    ts = await alice.says(dm, "hello")

    async def streaming() -> dict[str, Any] | None:
        return next((m for m in (await alice.thread(dm, ts))[1:] if m.get("streaming_state") == "in_progress"), None)

    await alice._wait(streaming)
    await alice.says(dm, "stop", thread=ts)
    stopped = await alice.reads(dm, ts)
    assert "chat: hello word0" in stopped
    assert "Stopped." in stopped
    assert "word99" not in stopped


async def test_an_edited_question_changes_its_answer_in_place(alice: Person, echo: Echo) -> None:
    dm = await alice.dm(echo.connection.bot_user_id)
    ts = await alice.says(dm, "one")
    assert "chat: one" in await alice.reads(dm, ts)
    await alice.client.chat_update(channel=dm, ts=ts, text="two")
    assert "chat: two" in await alice.reads(dm, ts, lambda text: "two" in text)
    assert len(await alice.thread(dm, ts)) == 2


async def test_a_deleted_question_is_not_answered_to_its_end(alice: Person, echo: Echo) -> None:
    echo.slow = True
    dm = await alice.dm(echo.connection.bot_user_id)
    ts = await alice.says(dm, "hello")
    await until(lambda: echo.readable)
    await alice.client.chat_delete(channel=dm, ts=ts)
    await until(lambda: "message_deleted" in echo.changes)
    assert not any(request.action == "chat" for request in echo.done)


async def test_a_button_is_pressed_by_somebody_else_and_is_his_request(
    sandbox: Sandbox, alice: Person, echo: Echo
) -> None:
    bob = await Person.named("bob", sandbox.api_url)
    general = await channel_of(alice, "general")
    ts = await alice.says(general, f"<@{echo.connection.bot_user_id}> help")
    await alice.reads(general, ts)
    message = (await alice.thread(general, ts))[1]
    button = next(block["accessory"] for block in message["blocks"] if "accessory" in block)
    await bob.client.api_call(
        "chat.press",
        json={"channel": general, "ts": message["ts"], "action_id": button["action_id"], "value": button["value"]},
    )
    await until(lambda: len(echo.done) == 2)
    assert (echo.done[1].user, echo.done[1].action, echo.done[1].document) == (bob.id, "docs", "all")


async def test_faults_of_slack_leave_one_answer_each(sandbox: Sandbox, alice: Person, echo: Echo) -> None:
    """Envelopes come three times, sockets drop, and what is said breaks off in every way; each is answered once."""
    echo.slow = True
    errors = {
        "chat.startStream": {"status": 503, "times": 3},
        "chat.appendStream": {"status": 500, "times": 5},
        "chat.stopStream": {"status": 502, "times": 3},
        "chat.update": {"status": 503, "times": 3},
    }
    await change(sandbox, {"duplicate_envelopes": 2, "errors": errors})
    dm = await alice.dm(echo.connection.bot_user_id)
    asked = [await alice.says(dm, f"hello number {n}") for n in range(6)]
    await asyncio.sleep(2)
    await change(sandbox, {"duplicate_envelopes": 2, "errors": errors, "drop_sockets": True})
    for n, ts in enumerate(asked):
        assert f"hello number {n} word0 " in await alice.reads(dm, ts, lambda text: "word99" in text)
    for ts in asked:
        assert len(await alice.thread(dm, ts)) == 2


async def change(sandbox: Sandbox, faults: dict[str, Any]) -> None:
    """Switch faults on."""
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox.url}/faults", json=faults) as response:
        assert response.status == 200
