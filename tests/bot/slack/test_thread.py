"""A command's question stands in the channel once, and its thread is found again."""

from dataclasses import replace

import aiohttp
import pytest
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.messages import SlackMessages
from bot.slack.quotes import Quotes
from bot.slack.thread import open_thread, root_text
from handlers.request import Request, ThreadMessage
from tests.bot.slack.wire import Wire

ASK = Request(id="1.2.3", action="ask", team="T1", channel="C1", user="UALICE", text="How many days?")


async def test_the_question_is_posted_once(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    first = await open_thread(client, redis, ASK)
    again = await open_thread(client, redis, ASK)
    [root] = wire.said("C1")
    assert first.thread == again.thread == root["ts"]
    assert root["text"] == "<@UALICE> *asks:*\n> How many days?"


@pytest.mark.parametrize("fault", ["lost", "broken"])
async def test_a_question_whose_posting_broke_off_is_found(
    client: AsyncWebClient, redis: Redis, wire: Wire, fault: str
) -> None:
    wire.faults["chat.postMessage"] = [fault]
    try:
        opened = await open_thread(client, redis, ASK)
    except aiohttp.ClientError:
        opened = await open_thread(client, redis, ASK)
    [root] = wire.said("C1")
    assert opened.thread == root["ts"]


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found"])
async def test_where_the_bot_is_not_it_answers_privately(
    client: AsyncWebClient, redis: Redis, wire: Wire, error: str
) -> None:
    wire.faults["chat.postMessage"] = [error]
    assert await open_thread(client, redis, ASK) == ASK


@pytest.mark.parametrize(("action", "text", "roots"), [("ask", "", 0), ("summarize", "", 1), ("ask", "why?", 1)])
async def test_an_empty_question_does_not_stand_in_the_channel(
    client: AsyncWebClient, redis: Redis, wire: Wire, action: str, text: str, roots: int
) -> None:
    await open_thread(client, redis, replace(ASK, action=action, text=text))
    assert len(wire.said("C1")) == roots


async def test_other_errors_are_not_hidden(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    wire.faults["chat.postMessage"] = ["invalid_auth"]
    with pytest.raises(SlackApiError):
        await open_thread(client, redis, ASK)


def test_a_question_mentions_nobody_but_who_asks() -> None:
    hostile = Request(id="1", action="ask", team="T1", channel="C1", user="UALICE", text="<!channel> <@UBOB>\n*x*")
    text = root_text(hostile)
    assert text.count("<") == 1
    assert text.startswith("<@UALICE> ")


async def test_a_thread_is_read_whole_and_as_it_was_typed(client: AsyncWebClient, wire: Wire) -> None:
    ts = wire.person("C1", "I &lt;3 it")
    await client.chat_postMessage(channel="C1", thread_ts=ts, text="noted")
    said = await SlackMessages(client).thread("C1", ts)
    assert said == [
        ThreadMessage("UALICE", "I <3 it", ts, name="UALICE"),  # Slack tells no name here
        ThreadMessage("", "noted", wire.said("C1")[0]["ts"]),
    ]


async def test_quotes_of_a_document_are_taken_back(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    quotes = Quotes(client, redis)
    for channel, document in (("C1", "d1"), ("C2", "d1"), ("C1", "d2")):
        posted = await client.chat_postMessage(channel=channel, text=f"secret of {document}")
        await quotes.record({document: {channel}}, channel, posted["ts"])
    assert sorted(await quotes.documents()) == ["d1", "d2"]
    assert await quotes.withdraw("d1", {"C1"}) == 1
    assert await quotes.withdraw("d1") == 1
    assert await quotes.withdraw("d1") == 0
    texts = [message["text"] for channel in ("C1", "C2") for message in wire.said(channel)]
    assert [("secret" in text) for text in texts] == [False, True, False]
    assert await quotes.documents() == ["d2"]


async def test_a_quote_that_somebody_deleted_is_no_trouble(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    quotes = Quotes(client, redis)
    await quotes.record({"d1": {"C1"}}, "C1", "1.1")
    await quotes.record_file({"d1": {"C1"}}, "F1")
    wire.faults["files.delete"] = ["file_deleted"]
    assert await quotes.withdraw("d1") == 0
    assert await quotes.documents() == []
