"""Threads as people wrote them: names instead of ids, forwarded words, files."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.messages import SlackMessages
from tests.bot.slack.wire import BOT, Wire
from tests.people import Person


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A workspace of this test only."""
    sandbox = await Sandbox.start(0, tmp_path / "workspace")
    yield sandbox
    await sandbox.stop()


async def test_people_have_names_and_forwarded_words_and_files_are_seen(client: AsyncWebClient, wire: Wire) -> None:
    names = {"UALICE": "Alice Martin", "UBOB": "Bob Keller"}
    wire.answers["users.info"] = lambda asked: {"user": {"profile": {"real_name": names[asked["user"]]}}}
    ts = wire.person("C1", "<@UBOB> orders &amp; <@UALICE|alice> books the crane")
    wire.messages["C1"][-1] |= {
        "files": [{"id": "F1", "name": "plan.pdf"}, {"id": "F2", "name": "prices.csv"}],
        "attachments": [{"is_share": True, "author_name": "Carol", "text": "by Friday"}],
    }
    wire.messages["C1"].append({"user": BOT, "text": "I am the bot", "ts": "9999999999.1", "thread_ts": ts})
    asked, ours = await SlackMessages(client).thread("C1", ts)
    assert asked.text == "Bob Keller orders & Alice Martin books the crane"
    assert (asked.user, asked.name) == ("UALICE", "Alice Martin")
    assert asked.forwarded == "Carol: by Friday"
    assert (asked.files, asked.file_names, asked.tables) == (("F1", "F2"), ("plan.pdf", "prices.csv"), ("F2",))
    assert (ours.user, ours.name) == ("", "")
    assert wire.count("users.info") == 2


async def test_whom_slack_does_not_name_keeps_the_id(client: AsyncWebClient, wire: Wire) -> None:
    wire.faults["users.info"] = ["user_not_found", "user_not_found"]
    ts = wire.person("C1", "hello", user="UGONE")
    [said] = await SlackMessages(client).thread("C1", ts)
    assert said.name == "UGONE"


async def test_a_channels_talk_has_its_threads_and_not_what_we_said(sandbox: Sandbox) -> None:
    """The newest, since a moment, in order; each message has its address."""
    alice, bob = await Person.named("alice", sandbox.api_url), await Person.named("bob", sandbox.api_url)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient("xoxb-sandbox", base_url=sandbox.api_url, session=session)
        channel = await alice.channel([bob.id, "U0FOLIO001"])
        await alice.says(channel, "too early")
        since = await alice.says(channel, "The crane arrives on Thursday.")
        await bob.says(channel, "At ten?", thread=since)
        await client.chat_postMessage(channel=channel, text="I am the bot", thread_ts=since)
        last = await bob.says(channel, "Carol pays.")
        messages = SlackMessages(client)
        talk = await messages.since(channel, float(since), 100)
        assert [message.text for message in talk.messages] == [
            "The crane arrives on Thursday.",
            "At ten?",
            "Carol pays.",
        ]
        assert (talk.name[:6], talk.is_all) == ("story-", True)
        few = await messages.since(channel, float(since), 2)
        assert ([message.text for message in few.messages], few.is_all) == (["At ten?", "Carol pays."], False)
        assert (await messages.permalink(channel, last)).endswith(f"/archives/{channel}/p{last.replace('.', '')}")
        assert await messages.permalink(channel, "1.0") == ""
        assert await messages.utc_offset_seconds(alice.id) == 3600
