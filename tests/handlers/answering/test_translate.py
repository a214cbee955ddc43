"""Questions in one language to documents in the other: searched in both where the own words find little."""

from collections.abc import Awaitable, Callable

import pytest

import handlers.answering.retrieve as retrieving
from handlers.answering.retrieve import Question, retrieve_passages
from handlers.answering.translate import translate_question
from handlers.request import Request, Services
from indexing.library import Receipt
from tests.handlers.conftest import ScriptedModel

Asked = Callable[..., Request]
Shares = Callable[..., Awaitable[Receipt]]

TRAVEL = "Travel. A hotel room may cost at most 140 euros for each night. Receipts go to the accounting office."
CANTINE = "Cantine. La chambre froide coûte cher. Elle sert à garder les repas au frais."
QUESTION = "Combien coûte une chambre pour la nuit ?"
TRANSLATION = "How much may a hotel room cost at most for each night?"


@pytest.fixture(autouse=True)
def _in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any search is in doubt here: how sure it is, is measured elsewhere."""
    monkeypatch.setattr(retrieving, "DOUBTFUL", 1.01)


@pytest.fixture
async def found(asked: Asked, services: Services) -> Callable[[], Awaitable[list[str]]]:
    """Search for the French question; return the documents found, best first."""

    async def find() -> list[str]:
        question = Question(QUESTION, "fr", [QUESTION])
        found = await retrieve_passages(question, asked("ask", QUESTION), services)
        return [passage.document for passage in found.passages]

    return find


async def test_the_other_languages_words_find_its_documents(
    shares: Shares, found: Callable[[], Awaitable[list[str]]], model: ScriptedModel
) -> None:
    await shares("cantine.md", CANTINE)
    await shares("travel.md", TRAVEL)
    model.says(TRANSLATION)
    assert (await found())[0] == "travel.md"
    assert model.asked[0][-1].text.startswith(f"French: {QUESTION}")


@pytest.mark.parametrize("line", ["", "Une chambre coûte 140 euros.", "A room costs 140 euros. " * 20])
async def test_what_is_no_translation_changes_nothing(
    line: str, shares: Shares, found: Callable[[], Awaitable[list[str]]], model: ScriptedModel
) -> None:
    await shares("cantine.md", CANTINE)
    await shares("travel.md", TRAVEL)
    model.says(line)
    assert (await found())[0] == "cantine.md"


async def test_a_broken_model_leaves_the_question_as_it_is(model: ScriptedModel) -> None:
    model.broken = True
    assert await translate_question(QUESTION, "fr", model) == ""


async def test_nothing_is_translated_for_documents_of_one_language(
    shares: Shares, found: Callable[[], Awaitable[list[str]]], model: ScriptedModel
) -> None:
    await shares("cantine.md", CANTINE)
    assert await found() == ["cantine.md"]
    assert not model.asked


async def test_a_search_that_is_sure_asks_no_model(
    shares: Shares, found: Callable[[], Awaitable[list[str]]], model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieving, "DOUBTFUL", 0.0)
    await shares("cantine.md", CANTINE)
    await shares("travel.md", TRAVEL)
    await found()
    assert not model.asked
