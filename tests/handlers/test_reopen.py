"""A question that could not be answered is answered once a document that answers it is here; else nothing is said."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from handlers.ask import ask
from handlers.context.trail import Trail
from handlers.ports import NoOpenQuestions, OpenQuestion
from handlers.reopen import again, may_answer, reopen
from handlers.request import Request, Services
from indexing.library import Receipt
from tests.handlers.conftest import HERE, ScriptedModel, Shown

Shares = Callable[..., Awaitable[Receipt]]
QUESTION = "How many days of paid leave do employees get?"
LEAVE = "Employees get 27 days of paid leave each year."


@dataclass
class Kept(NoOpenQuestions):
    """Open questions of the test."""

    open: dict[str, OpenQuestion] = field(default_factory=dict)

    async def get(self, channel: str, question_id: str) -> OpenQuestion | None:
        return self.open.get(question_id)


def asked_before(language: str = "en") -> OpenQuestion:
    return OpenQuestion(
        id="T:C1:5.0", channel="C1", thread="5.0", user="U1", text=QUESTION, language=language, at=time.time() - 86400
    )


@pytest.fixture
def kept(services: Services) -> Services:
    """Services that know one open question."""
    question = asked_before()
    return replace(services, questions=Kept({question.id: question}), trail=Trail())


async def run(request: Request, services: Services) -> Shown:
    return Shown([piece async for piece in reopen(replace(request, audience=HERE), services)])


@pytest.mark.parametrize("text", ["What does the canteen cost?", "Combien coûte la cantine ?"])
async def test_a_refusal_leaves_its_question_open(
    services: Services, asked: Callable[..., Request], shares: Shares, model: ScriptedModel, text: str
) -> None:
    await shares("handbook.txt", LEAVE)
    model.doubt = 0.95
    model.lines = [text] * 4
    services = replace(services, trail=Trail())
    assert [piece async for piece in ask(asked("ask", text), services)]
    assert services.trail.unanswered


@pytest.mark.parametrize(("language", "words"), [("en", "You asked on"), ("fr", "Vous avez demandé le")])
async def test_a_document_that_answers_closes_the_question(
    kept: Services, shares: Shares, model: ScriptedModel, language: str, words: str
) -> None:
    document = (await shares("handbook.txt", LEAVE)).document.id
    assert await may_answer(asked_before(), {document}, "C1", kept)
    model.lines = [LEAVE] * 4
    shown = await run(again(asked_before(language), document, "T"), kept)
    assert words in shown.text
    assert QUESTION in shown.text
    assert [source.passage.document_id for source in shown.sources] == [document]
    assert kept.trail.closed == "T:C1:5.0"


async def test_a_document_that_does_not_answer_says_nothing(
    kept: Services, shares: Shares, model: ScriptedModel
) -> None:
    document = (await shares("menu.txt", "Soup on Monday, rice on Tuesday.")).document.id
    assert not await may_answer(asked_before(), {document}, "C1", kept)
    model.doubt = 0.95
    model.lines = [QUESTION] * 4
    assert (await run(again(asked_before(), document, "T"), kept)).pieces == []
    assert kept.trail.closed == ""


async def test_who_may_not_read_the_document_is_not_told(kept: Services, shares: Shares, model: ScriptedModel) -> None:
    document = (await shares("handbook.txt", LEAVE, channel="C2")).document.id
    model.lines = [LEAVE] * 4
    assert (await run(again(asked_before(), document, "T"), kept)).pieces == []
    assert await may_answer(asked_before(), {document}, "C1", kept) == ""


async def test_it_is_told_once(services: Services, shares: Shares, model: ScriptedModel) -> None:
    document = (await shares("handbook.txt", LEAVE)).document.id
    closed = replace(services, questions=Kept({}))
    assert (await run(again(asked_before(), document, "T"), closed)).pieces == []
    assert model.asked == []
