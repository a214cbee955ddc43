"""Every string of every call to Slack: no link, mention or picture is live that is not of our own making."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answer import Answer
from bot.slack.home import home, prompts
from bot.slack.team import SlackTeam
from bot.slack.thread import open_thread
from handlers.pieces import (
    Attachment,
    Choice,
    Choices,
    MessageSource,
    MessageSources,
    Picture,
    Piece,
    Pieces,
    Progress,
    Source,
    Sources,
    Text,
)
from handlers.request import Request
from indexing.document import Passage
from tests.bot.slack.test_markdown import LIVE, without_code
from tests.bot.slack.wire import Wire

LINK = "https://team.slack.example/files/U1/F1/x.pdf"
HOSTILE = (
    "[Sign in](https://evil.example/login) .txt", "![x](https://evil.example/p.png).txt", "<!channel>.txt",
    "<@U0123ABC>.txt", "<https://evil.example|handbook.pdf>", "[a][b].txt\n[b]: https://evil.example", "www.evil.pw",
    "@everyone.txt", "a.b@evil.com", "x\n\n# [b](https://evil.example)", "&lt;!here&gt;.txt", "`https://evil.com`",
)  # fmt: skip
OURS = re.compile(rf"<{re.escape(LINK)}\|[^<>|]*>|<@UALICE>")
NO_WORDS = {"metadata", "value", "action_id", "channel", "channel_id", "user", "thread_ts", "ts", "token", "upload_url"}


def strings(node: Any, name: str = "") -> Iterator[str]:
    """Return the words of a call; ids, and what comes back to us alone, are none."""
    if isinstance(node, str) and node[:1] in {"[", "{"} and name in {"blocks", "chunks", "files", "metadata", "view"}:
        yield from strings(json.loads(node), name)
    elif isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in NO_WORDS:
                yield from strings(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, name)


def is_live(text: str) -> bool:
    return LIVE.search(OURS.sub("", without_code(text))) is not None


def hostile_pieces(name: str) -> list[Piece]:
    """Return every kind of piece, each with the name wherever a name can be."""
    passage = Passage(
        id="c1", document_id="d1", document=name, text=name, page=1, last_page=1, heading=name, permalink=LINK,
        score=1.0, relevance=1.0,
    )  # fmt: skip
    choice = Choice(name, "docs", document="d1", confirm=f"Remove {name}?", danger=True)
    return [
        Text(f"Read {name} today. "), Attachment(f"{name}.csv", b"x"), Picture(name, b"x", name), Text(f"And {name}."),
        Choices(f"**{name}**: 2 pages", (choice,)), Choices("", (choice, choice)), Sources((Source(1, passage, name),)),
        MessageSources((MessageSource(1, name, LINK), MessageSource(2, name, name))),
    ]  # fmt: skip


async def yielded(pieces: list[Piece]) -> Pieces:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0.03)  # what came is sent, where it is streamed


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("way", ["streamed", "at once", "rewritten", "alone", "in the direct message"])
async def test_whatever_a_file_is_called_nothing_of_it_is_live(
    client: AsyncWebClient, redis: Redis, wire: Wire, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    ts = wire.person("C1", "How many days?")
    thread = "" if way in {"alone", "in the direct message"} else ts
    request = Request(id="1", action="ask", team="T1", channel="C1", user="UALICE", thread=thread, ts=thread, text=name)
    if way == "streamed":
        monkeypatch.setattr("bot.slack.post.FIRST_FLUSH_SECONDS", 0)
    if way == "rewritten":
        wire.faults["chat.startStream"] = ["internal_error"] * 9
    if way == "in the direct message":
        wire.faults["chat.postEphemeral"] = ["channel_not_found"]
    if way == "alone":
        request = replace(request, response_url=f"{wire.url}/response")
    answer = Answer(client, redis, request)
    answer.report(Progress(f"reading {name}", 1, 2))
    await answer.show(yielded(hostile_pieces(name)))
    await answer.note(name)
    await Answer(client, redis, replace(request, id="2")).fail(f"{name} can't be read.")
    await open_thread(client, redis, replace(request, id="3", thread="", ts=""))
    await SlackTeam(client).tell("C1", ts, "UALICE", f"removed {name}")
    if way == "streamed":
        assert any(a.get("blocks") for method, a in wire.calls if method == "chat.stopStream")
    said = [text for _, arguments in wire.calls for text in strings(arguments)]
    said += [text for response in wire.responses for text in strings(response)]
    assert len(said) > 10
    assert [text for text in said if is_live(text)] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_people_see_before_they_ask_has_no_link(language: str) -> None:
    assert [text for text in strings([home(language), prompts(language)]) if is_live(text)] == []


def test_the_property_sees_what_is_live() -> None:
    """Each hostile name is live as it is, unless it stands in code, and our own links and mentions are not."""
    assert all(is_live(name) for name in HOSTILE if "`" not in name)
    assert not is_live(f"<{LINK}|[1] handbook.pdf> <@UALICE> asks")
