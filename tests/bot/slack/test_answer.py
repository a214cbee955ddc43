"""An answer in Slack: streamed, whole, with its sources, and never twice."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import post
from bot.slack.answer import Answer
from bot.slack.quotes import Quotes
from handlers.pieces import (
    Attachment,
    Choice,
    Choices,
    Picture,
    Piece,
    Pieces,
    Progress,
    Report,
    Source,
    Sources,
    Text,
    UserError,
)
from handlers.request import Request, unheard
from indexing.document import Passage
from tests.bot.slack.wire import Wire

PASSAGE = Passage(
    id="c1", document_id="d1", document="handbook.pdf", text="Full-time employees get 27 days.", page=2, last_page=2,
    heading="", permalink="https://team.slack.example/files/U1/F1/handbook.pdf", score=1.0, relevance=1.0,
)  # fmt: skip
SOURCES = Sources((Source(1, PASSAGE, "Full-time employees get 27 days."),))


@pytest.fixture
def request_(wire: Wire) -> Request:
    """Alice's question in a channel."""
    ts = wire.person("C1", "How many days?")
    return Request(id=f"T1:C1:{ts}", action="ask", team="T1", channel="C1", user="UALICE", thread=ts, ts=ts)


async def pieces(*given: Piece | Progress | float, report: Report = unheard) -> Pieces:
    """Yield pieces; a number is a pause in seconds, a sign of progress is reported."""
    for piece in given:
        if isinstance(piece, float):
            await asyncio.sleep(piece)
        elif isinstance(piece, Progress):
            report(piece)
        else:
            yield piece


async def test_a_quick_answer_is_one_message(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    await Answer(client, redis, request_).show(pieces(Text("27 "), Text("days [1]."), SOURCES))
    [said] = wire.said("C1", request_.thread)
    assert said["text"] == "27 days [1].\n\nSources:\n[1] handbook.pdf, p. 2"
    assert wire.count("chat.startStream") == 0


def answer_words(message: dict[str, Any]) -> str:
    """Return what a message says, without the fall-back words of its blocks."""
    return " ".join(message["text"].partition("Sources:")[0].split())


def has_sources(message: dict[str, Any]) -> bool:
    """Tell whether the sources stand below a message."""
    return "[1] handbook.pdf, p. 2" in json.dumps(message.get("blocks"))


async def test_a_slow_answer_streams_with_few_calls(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    words = [piece for word in range(60) for piece in (Text(f"w{word} "), 0.03)]
    await Answer(client, redis, request_).show(pieces(*words, SOURCES))
    [said] = wire.said("C1", request_.thread)
    assert said["text"].startswith("w0 w1 ")
    assert said["text"].endswith("w59 ")
    assert has_sources(said)
    assert wire.count("chat.startStream") == wire.count("chat.stopStream") == 1
    assert 1 <= wire.count("chat.appendStream") <= 8


async def test_sources_are_linked_blocks_with_their_quote_and_feedback(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    await Answer(client, redis, request_).show(pieces(Text("27 days [1]."), SOURCES))
    [said] = wire.said("C1", request_.thread)
    markdown, source, pages, feedback = said["blocks"]
    assert [button["action_id"] for button in pages["elements"]] == ["do:show_page:900"]
    assert markdown == {"type": "markdown", "text": "27 days [1]."}
    assert source["elements"][0]["text"] == (
        f"<{PASSAGE.permalink}|[1] handbook.pdf, p. 2>  “Full-time employees get 27 days.”"
    )
    assert feedback["elements"][0]["action_id"] == "feedback"
    assert feedback["elements"][0]["positive_button"]["value"] == f"good:{request_.id}"


async def test_a_long_answer_goes_on_in_a_new_message(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    lines = [Text(f"{n}: {'é' * 40}\n") for n in range(300)]
    await Answer(client, redis, request_).show(pieces(*lines[:20], 0.4, *lines[20:], SOURCES))
    said = wire.said("C1", request_.thread)
    assert len(said) > 2
    whole = "".join(message["text"] for message in said)
    assert [f"{n}: " in whole for n in range(300)] == [True] * 300
    assert all(len(message["text"].encode()) < 10_000 for message in said)
    assert [has_sources(message) for message in said] == [False] * (len(said) - 1) + [True]


async def test_a_fence_that_is_cut_is_closed_and_opened_again(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    code = Text("```python\n" + "x = 1\n" * 2500 + "```\n")
    await Answer(client, redis, request_).show(pieces(code))
    said = [message["text"] for message in wire.said("C1", request_.thread)]
    assert len(said) == 2
    assert said[0].endswith("\n```")
    assert said[1].startswith("```python\n")


@pytest.mark.parametrize(
    "error", ["message_not_in_streaming_state", "msg_too_long", "internal_error", "503", "lost", "broken"]
)
@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
async def test_a_stream_that_dies_is_finished_in_place(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, method: str, error: str
) -> None:
    wire.faults[method] = [error]
    await Answer(client, redis, request_).show(
        pieces(Text("one "), 0.5, Text("two "), 0.9, Text("three "), 0.9, SOURCES)
    )
    [said] = wire.said("C1", request_.thread)
    assert answer_words(said) == "one two three"
    assert has_sources(said)
    assert "streaming_state" not in said


@pytest.mark.parametrize(
    "error", ["channel_type_not_supported", "method_not_supported", "internal_error", "lost", "broken"]
)
async def test_where_nothing_streams_the_message_is_rewritten(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "UPDATE_SECONDS", 0.2)
    wire.faults["chat.startStream"] = [error]
    await Answer(client, redis, request_).show(pieces(Text("one "), 0.5, Text("two "), 0.5, Text("three"), SOURCES))
    [said] = wire.said("C1", request_.thread)
    assert " ".join(said["text"].split()) == "one two three Sources: [1] handbook.pdf, p. 2"
    assert wire.count("chat.startStream") == 1


async def test_a_stream_too_old_goes_on_in_a_new_message(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "STREAM_SECONDS", 0.5)
    await Answer(client, redis, request_).show(pieces(Text("one "), 1.0, Text("two "), 0.3, SOURCES))
    said = wire.said("C1", request_.thread)
    assert [(answer_words(message), has_sources(message)) for message in said] == [("one", False), ("two", True)]


async def test_nothing_the_model_writes_is_live(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    hostile = "Ask <!channel> or <@U1>: [here](https://evil.example/?d=secret) ![x](https://evil.example/x.png)"
    await Answer(client, redis, request_).show(pieces(*(Text(letter) for letter in hostile), 0.5, Text(" end")))
    [said] = wire.said("C1", request_.thread)
    for live in ("<!channel>", "<@U1>", "](", "://"):
        assert live not in said["text"]


async def test_pictures_and_files_go_into_the_thread_once(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    given = (Text("Done."), Picture("a.png", b"png", "A chart"), Attachment("a.csv", b"x,y"))
    wire.faults |= {"chat.stopStream": ["internal_error"] * 2, "chat.update": ["internal_error"]}
    with pytest.raises(Exception, match="internal_error"):
        await Answer(client, redis, request_).show(pieces(*given))
    await Answer(client, redis, request_).show(pieces(*given))
    said = wire.said("C1", request_.thread)
    assert [file["name"] for message in said for file in message.get("files", [])] == ["a.png", "a.csv"]
    assert sorted(wire.files.values()) == [b"png", b"x,y"]
    assert [message["text"] for message in said if message["text"]] == ["Done."]


async def test_a_lesson_with_pictures_keeps_its_order(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    given = (Text("First."), Picture("1.png", b"1", ""), Text("Second."), Picture("2.png", b"2", ""), SOURCES)
    await Answer(client, redis, request_).show(pieces(*given))
    said = [m["text"].split("\n")[0] or m["files"][0]["name"] for m in wire.said("C1", request_.thread)]
    assert said == ["First.", "1.png", "Second.", "2.png"]


async def test_choices_are_buttons_with_a_question_first(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    remove = Choice("Remove", "docs", document="d1", confirm="Remove handbook.pdf?", danger=True)
    await Answer(client, redis, request_).show(pieces(Text("Documents:"), Choices("handbook.pdf, 3 pages", (remove,))))
    [said] = wire.said("C1", request_.thread)
    assert said["text"] == "Documents:\n\nhandbook.pdf, 3 pages"
    button = said["blocks"][1]["accessory"]
    assert (button["action_id"], button["style"]) == ("do:docs:0", "danger")
    assert button["value"] == '{"action": "docs", "document": "d1", "confirmed": false}'
    assert button["confirm"]["text"]["text"] == "Remove handbook.pdf?"


async def test_a_hundred_rows_take_several_messages(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    rows = [Choices(f"document {n}", (Choice("Remove", "docs", str(n)),)) for n in range(100)]
    await Answer(client, redis, request_).show(pieces(*rows))
    said = wire.said("C1", request_.thread)
    assert sum(block["type"] == "section" for message in said for block in message["blocks"]) == 100
    assert all(len(message["blocks"]) <= 50 for message in said)


async def test_an_error_in_the_middle_ends_the_message_with_a_sentence(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    async def broken() -> Pieces:
        yield Text("one two ")
        await asyncio.sleep(0.5)
        raise UserError("no more")

    answer = Answer(client, redis, request_)
    with pytest.raises(UserError):
        await answer.show(broken())
    await Answer(client, redis, request_).fail("That did not work.")
    [said] = wire.said("C1", request_.thread)
    assert " ".join(said["text"].split()) == "one two That did not work."
    assert "streaming_state" not in said


async def test_an_answer_that_stands_is_not_shown_again_nor_spoilt(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    await Answer(client, redis, request_).show(pieces(Text("27 days.")))
    await Answer(client, redis, request_).show(pieces(Text("28 days.")))
    await Answer(client, redis, request_).fail("That did not work.")
    assert [message["text"] for message in wire.said("C1", request_.thread)] == ["27 days."]


async def test_an_edited_question_is_answered_in_the_same_message(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    await Answer(client, redis, request_).show(pieces(Text("27 days.")))
    [before] = wire.said("C1", request_.thread)
    await Answer(client, redis, replace(request_, text="and part-time?")).show(pieces(Text("14 days.")))
    [after] = wire.said("C1", request_.thread)
    assert after["text"] == "14 days."
    assert after["ts"] == before["ts"]


async def test_progress_with_counts_is_a_task_and_goes_when_the_answer_comes(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.answer.PROGRESS_AFTER_SECONDS", 0.3)
    going = [piece for n in range(1, 5) for piece in (Progress(f"Page {n} of 4", n, 4), 0.4)]
    answer = Answer(client, redis, request_)
    await answer.show(pieces(*going, Text("4 pages."), SOURCES, report=answer.report))
    [said] = wire.said("C1", request_.thread)
    assert said["text"].startswith("4 pages.")
    assert [task["status"] for task in said["tasks"]][-1] == "complete"
    statuses = [a["status"] for method, a in wire.calls if method == "assistant.threads.setStatus"]
    assert "Page 1 of 4" in statuses


async def test_long_progress_outlives_the_stream_in_the_same_message(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.answer.PROGRESS_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(post, "STREAM_SECONDS", 0.5)
    monkeypatch.setattr(post, "UPDATE_SECONDS", 0.3)
    going = [piece for n in range(1, 8) for piece in (Progress(f"Page {n} of 7", n, 7), 0.3)]
    answer = Answer(client, redis, request_)
    await answer.show(pieces(*going, Text("7 pages."), report=answer.report))
    [said] = wire.said("C1", request_.thread)
    assert said["text"] == "7 pages."


async def test_a_private_answer_goes_by_response_url(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    request = Request(
        id="1.2.3", action="docs", team="T1", channel="C1", user="UALICE", response_url=f"{wire.url}/response"
    )
    await Answer(client, redis, request).show(pieces(Text("Yours <!here>:"), Attachment("a.csv", b"x"), SOURCES))
    [response] = wire.responses
    assert response["response_type"] == "ephemeral"
    assert "handbook.pdf, p. 2" in response["text"]
    assert "<!here>" not in str(response)
    assert wire.said("C1") == []
    assert [m["files"][0]["name"] for m in wire.said("DUALICE")] == ["a.csv"]
    await Answer(client, redis, request).show(pieces(Text("again")))
    assert len(wire.responses) == 1


async def test_what_a_private_answer_quotes_in_a_message_that_stays_can_be_taken_back(
    client: AsyncWebClient, redis: Redis, wire: Wire
) -> None:
    request = Request(id="1.2.4", action="ask", team="T1", channel="C9", user="UALICE")
    wire.faults["chat.postEphemeral"] = ["channel_not_found"]
    await Answer(client, redis, request).show(pieces(Text("27 days [1]."), SOURCES))
    assert await Quotes(client, redis).withdraw("d1") == 1
    [said] = wire.said("UALICE")
    assert "27" not in said["text"]


async def test_a_team_shares_its_appends(client: AsyncWebClient, redis: Redis, wire: Wire) -> None:
    """Twenty answers at once stay below what Slack allows one app in one workspace."""

    async def one(n: int) -> None:
        ts = wire.person("C1", f"question {n}")
        request = Request(id=f"T1:C1:{ts}", action="chat", team="T1", channel="C1", user="U", thread=ts, ts=ts)
        words = [piece for word in range(40) for piece in (Text(f"w{word} "), 0.1)]
        await Answer(client, redis, request).show(pieces(*words))

    await asyncio.gather(*(one(n) for n in range(20)))
    said = wire.said("C1")
    assert [message["text"].split()[-1] for message in said] == ["w39"] * 20
    assert wire.count("chat.appendStream") <= 15 + 90 / 60 * 8


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(9))
async def test_killed_at_any_call_it_is_answered_once(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request, at: int, late: bool
) -> None:
    """Die at the n-th call to Slack, before it arrives or before its reply does; then another process does it again."""
    given = (Text("one "), 0.4, Text("two "), 0.7, Text("three "), 0.7, Attachment("a.csv", b"x"), SOURCES)
    wire.faults["nothing"] = []
    await asyncio.wait([asyncio.create_task(_die(client, redis, request_, given, at, late))])
    await Answer(client, redis, request_).show(pieces(*given))
    said = wire.said("C1", request_.thread)
    assert [(answer_words(m), has_sources(m)) for m in said if not m.get("files")] == [("one two three", True)]
    assert [file["name"] for message in said for file in message.get("files", [])] == ["a.csv"]
    assert not any(message.get("streaming_state") for message in said)


async def _die(client: AsyncWebClient, redis: Redis, request: Request, given: Any, at: int, late: bool) -> None:
    calls = 0
    original = client.api_call

    async def api_call(method: str, **arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= at:
            return await original(method, **arguments)
        if late and calls == at + 1:
            await original(method, **arguments)
        raise Killed

    client.api_call = api_call  # type: ignore[method-assign]
    try:
        await Answer(client, redis, request).show(pieces(*given))
    except Killed:
        pass
    finally:
        client.api_call = original  # type: ignore[method-assign]


async def test_what_was_taken_away_while_it_was_shown_is_taken_back(
    client: AsyncWebClient, redis: Redis, wire: Wire, request_: Request
) -> None:
    """The event came before the ledger knew of the quote: nobody else would find it."""
    looks = iter([{"d1": frozenset({"C1"})}] * 2)

    async def shares_of(documents: object, request: Request) -> dict[str, frozenset[str]]:
        return next(looks, {})

    attached = Attachment("extract.csv", b"27")
    await Answer(client, redis, request_, shares_of).show(pieces(Text("27 days [1]."), attached, SOURCES))
    assert not [message for message in wire.said("C1") if "27 days" in message["text"]]
    assert wire.count("files.delete") == 1
