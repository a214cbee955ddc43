"""One request's turn, from the request to what the person reads, over Slack's wire."""

# ruff: noqa: F811 - fixtures of other folders

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import HumanMessage
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot import dispatcher as dispatcher_module
from bot.access.memberships import Memberships
from bot.access.reconcile import Reconciler
from bot.audit import Audit, read
from bot.dispatcher import Dispatcher
from bot.limits import Limits
from bot.memory import ThreadMemory
from bot.open_questions import RedisOpenQuestions
from bot.queue.queue import Queue
from bot.queue.worker import TryAgain
from bot.slack.changes import SlackChange
from bot.slack.quotes import Quotes
from handlers.pieces import Pieces, Text, UserError
from handlers.request import Handler, Request, Services
from indexing.document import Share
from indexing.library import Library
from tests.bot.conftest import eventually, working
from tests.bot.slack.wire import Wire
from tests.handlers.fakes import no_services
from tests.indexing.conftest import embedder, encoder, library  # noqa: F401 - fixtures
from tests.pdfs import make_pdf

SECRET = "my salary is 91,250"
DM = {"channel": {"id": "D1", "is_im": True, "user": "UALICE"}}


@pytest.fixture
def slack(wire: Wire) -> Wire:
    """Slack with Alice and her direct message with the bot."""
    wire.answers |= {
        "conversations.info": DM,
        "conversations.members": {"members": ["UALICE", "UBOT"]},
        "users.info": {"user": {"id": "UALICE", "team_id": "T1", "deleted": False}},
        "users.conversations": {"channels": []},
        "assistant.threads.setStatus": {},
    }
    return wire


@pytest.fixture
def asked(slack: Wire) -> Request:
    """Alice's direct message."""
    ts = slack.person("D1", SECRET)
    return Request(
        id=f"T1:D1:{ts}", action="chat", team="T1", channel="D1", user="UALICE", text=SECRET, thread=ts, ts=ts
    )


Make = Callable[[Handler], Dispatcher]


@pytest.fixture
def turns_with(slack: Wire, client: AsyncWebClient, redis: Redis, queue: Queue, library: Library) -> Make:
    """Turns whose one handler is the given one."""
    audiences, quotes = Memberships(client, redis, "T1"), Quotes(client, redis)
    upkeep = Reconciler(client=client, redis=redis, library=library, memory=ThreadMemory(redis), quotes=quotes)

    def make(handler: Handler) -> Dispatcher:
        return Dispatcher(
            services=no_services(), client=client, redis=redis, queue=queue, audiences=audiences,
            limits=Limits(redis, 3, 100), upkeep=upkeep, handlers={"chat": handler},
        )  # fmt: skip

    return make


def raising(*errors: Exception) -> Handler:
    """Make a handler that raises these, one a time, and then answers."""
    left = list(errors)

    async def handler(request: Request, services: Services) -> Pieces:
        if left:
            raise left.pop(0)
        yield Text("27 days.")

    return handler


def texts(slack: Wire, request: Request) -> list[str]:
    return [message["text"] for message in slack.said(request.channel, request.thread)]


async def test_a_change_waits_until_what_was_made_of_its_message_is_let_go(
    turns_with: Make, queue: Queue, asked: Request, redis: Redis
) -> None:
    """Else the answer to a deleted question would be remembered after it was forgotten."""
    turns, memory = turns_with(raising()), ThreadMemory(redis)
    change = SlackChange(id="Ev1", kind="message_deleted", team="T1", at=1.0, channel="D1", ts=asked.ts)
    await queue.put(asked)
    job = await queue.start(asked.conversation, asked.id, worker="w", lease_seconds=30)
    assert job is not None
    await memory.add(asked.conversation, [HumanMessage("how many?", id=f"{asked.id}:q")])
    with pytest.raises(TryAgain):
        await turns.change(change)
    assert await memory.recall(asked.conversation)
    await queue.finish(job, worker="w")
    await turns.change(change)
    assert not await memory.recall(asked.conversation)


async def test_an_answer_comes_and_one_line_tells_of_it(turns_with: Make, slack: Wire, asked: Request) -> None:
    seen: list[Any] = []

    async def handler(request: Request, services: Services) -> Pieces:
        seen.append((set(request.audience.channels), services.model.kwargs))
        yield Text("27 days.")

    with capture_logs() as lines:
        await turns_with(handler)(asked)
    assert texts(slack, asked) == ["27 days."]
    assert seen == [({"D1"}, {"user": "T1:UALICE", "extra_headers": {"X-Request-ID": asked.id}})]
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["id"], line["action"], line["outcome"]) == (asked.id, "chat", "answered")
    assert 0 <= line["first_seconds"] <= line["seconds"]
    assert SECRET not in json.dumps(lines)


async def test_what_could_not_be_answered_is_tried_on_each_document_that_comes(
    turns_with: Make,
    slack: Wire,
    asked: Request,
    redis: Redis,
    queue: Queue,
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kept in its channel; a document that may answer it has it asked again, once, in its own thread."""
    monkeypatch.setattr("indexing.calibration.THRESHOLD", 0.0)  # of real embeddings; these are of words
    questions = RedisOpenQuestions(redis, "T1")
    share = Share(channel="D1", file_id="F1", user="UALICE", ts="1.0", permalink="https://x/F1", name="handbook.pdf")
    document = (
        await library.add(make_pdf(tmp_path / "a.pdf", ["Employees get 27 days of paid leave."]), share)
    ).document.id

    async def refuses(request: Request, services: Services) -> Pieces:
        services.trail.unanswered = "Employees get how many days of paid leave?"
        yield Text("I did not find it.")

    async def reads(request: Request, services: Services) -> Pieces:
        services.trail.added.append(document)
        yield Text("Read.")

    async def answers(request: Request, services: Services) -> Pieces:
        services.trail.closed = asked.id
        yield Text("27 days.")

    def turns(handler: Handler) -> Dispatcher:
        made = turns_with(handler)
        return replace(made, services=replace(made.services, library=library, questions=questions),
                       handlers=dict.fromkeys(("chat", "reopen"), handler))  # fmt: skip

    await turns(refuses)(asked)
    assert [question.id for question in await questions.all()] == [asked.id]
    file = replace(asked, id="T1:D1:2.0", thread="2.0", ts="2.0")
    await turns(reads)(file)
    again = f"{asked.id}:{document[:12]}"
    job = await queue.start(asked.conversation, again, worker="w", lease_seconds=30)
    assert job
    assert (job.request.action, job.request.user, job.request.unasked) == ("reopen", "UALICE", True)
    await turns(answers)(job.request)
    await queue.finish(job, worker="w")
    assert texts(slack, asked)[-1] == "27 days."
    assert await questions.all() == []


async def test_done_again_after_a_kill_it_says_nothing_twice(turns_with: Make, slack: Wire, asked: Request) -> None:
    turns = turns_with(raising())
    await turns(asked)
    await turns(asked)
    assert texts(slack, asked) == ["27 days."]


async def test_somebody_new_is_answered_in_their_own_language(turns_with: Make, slack: Wire, asked: Request) -> None:
    """The listener has no time to ask Slack for it; the worker has."""
    slack.answers["users.info"]["user"]["locale"] = "fr-FR"

    async def handler(request: Request, services: Services) -> Pieces:
        yield Text(request.language)

    await turns_with(handler)(asked)
    assert texts(slack, asked) == ["fr"]


async def test_what_the_person_can_mend_is_the_answer(turns_with: Make, slack: Wire, asked: Request) -> None:
    with capture_logs() as lines:
        await turns_with(raising(UserError("Please ask a question.")))(asked)
    assert texts(slack, asked) == ["Please ask a question."]
    assert lines[-1]["outcome"] == "refused"


async def test_what_nobody_expected_gets_a_sentence_with_the_requests_id(
    turns_with: Make, slack: Wire, asked: Request
) -> None:
    """The error's own words go neither to Slack nor, but for its type, to the log."""
    with capture_logs() as lines:
        await turns_with(raising(ValueError(SECRET)))(asked)
    [said] = texts(slack, asked)
    assert asked.id in said
    assert SECRET not in said
    assert [line["event"] for line in lines] == ["turn broke", "request"]


async def test_what_is_away_is_left_to_the_queue(turns_with: Make, slack: Wire, asked: Request) -> None:
    with pytest.raises(TryAgain):
        await turns_with(raising(ConnectionError("qdrant")))(asked)
    assert texts(slack, asked) == []


async def test_slack_that_does_not_tell_who_may_read_means_no_answer(
    turns_with: Make, slack: Wire, asked: Request
) -> None:
    slack.faults["conversations.info"] = ["internal_error"] * 3
    turns = turns_with(raising())
    with pytest.raises(TryAgain) as caught:
        await turns(asked)
    assert texts(slack, asked) == []
    await turns.given_up(asked, caught.value.reason)
    assert "who may read" in texts(slack, asked)[0]


async def test_a_person_who_asks_too_fast_is_told(turns_with: Make, slack: Wire, asked: Request) -> None:
    turns = turns_with(raising())
    for number in range(4):
        await turns(replace(asked, id=f"{asked.id}{number}"))
    assert "try again in" in texts(slack, asked)[-1]


async def test_a_turn_that_hangs_ends_with_a_sentence(
    turns_with: Make, slack: Wire, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(request: Request, services: Services) -> Pieces:
        await asyncio.sleep(60)
        yield Text("late")

    monkeypatch.setattr(dispatcher_module, "LONGEST_SECONDS", 0.1)
    await turns_with(handler)(asked)
    assert "too long" in texts(slack, asked)[0]


async def test_a_conversation_that_is_gone_is_not_tried_again(turns_with: Make, slack: Wire, asked: Request) -> None:
    for method in ("chat.postMessage", "chat.startStream", "chat.update"):
        slack.faults[method] = ["channel_not_found"] * 9
    with capture_logs() as lines:
        await turns_with(raising())(asked)
    assert lines[-1]["outcome"] == "gone"


async def test_through_the_queue_the_person_is_told_once_and_then_answered(
    turns_with: Make, slack: Wire, asked: Request, queue: Queue
) -> None:
    turns = turns_with(raising(ConnectionError(), ConnectionError()))
    await queue.put(asked)
    async with working(queue, cast(Any, turns)):
        await eventually(lambda: texts(slack, asked) == ["27 days."])
        await eventually(lambda: empty(queue))
    told = [a["status"] for method, a in slack.calls if method == "assistant.threads.setStatus"]
    assert len([status for status in told if "not answering" in status]) == 1


async def test_stopped_in_the_middle_what_stands_is_finished(
    turns_with: Make, slack: Wire, asked: Request, queue: Queue
) -> None:
    closed = asyncio.Event()

    async def handler(request: Request, services: Services) -> Pieces:
        try:
            yield Text("The handbook says ")
            await asyncio.sleep(60)
        finally:
            closed.set()

    await queue.put(asked)
    async with working(queue, cast(Any, turns_with(handler))):
        await eventually(lambda: texts(slack, asked) != [])
        assert await queue.cancel(asked.id)
        async with asyncio.timeout(1):
            await closed.wait()
        await eventually(lambda: texts(slack, asked)[0].endswith("Stopped."))
    [message] = slack.said("D1")
    assert "streaming_state" not in message


async def test_stopped_before_anything_stands_nothing_is_said(turns_with: Make, slack: Wire, asked: Request) -> None:
    await turns_with(raising()).stopped(asked)
    assert texts(slack, asked) == []


async def empty(queue: Queue) -> bool:
    return await queue.depth() == 0


async def test_who_asked_and_what_answered_is_in_the_audit_trail_without_a_word(
    turns_with: Make, slack: Wire, asked: Request, tmp_path: Path
) -> None:
    async def handler(request: Request, services: Services) -> Pieces:
        services.trail.added.append("d1")
        services.trail.removed.append("d0")
        services.trail.used.update({"d1", "d2"})
        yield Text(SECRET)

    await replace(turns_with(handler), audit=Audit(tmp_path / "audit", 30))(asked)
    lines = list(read(tmp_path / "audit"))
    assert [(line["kind"], line.get("document"), line.get("documents")) for line in lines] == [
        ("asked", None, None), ("added", "d1", None), ("removed", "d0", None), ("answered", None, ["d1", "d2"]),
    ]  # fmt: skip
    assert {(line["person"], line["channel"], line["request"]) for line in lines} == {("UALICE", "D1", asked.id)}
    assert SECRET not in json.dumps(lines)
