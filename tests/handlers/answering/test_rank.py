"""Lines in their order: the nearest are read with the question, and reading them decides."""

from collections.abc import Sequence

import numpy as np
import pytest

from handlers.answering.answerability import signals_of
from handlers.answering.rank import READ, rank_lines
from handlers.answering.retrieve import Found
from handlers.calibration import UNMEASURED, Card
from indexing.document import Passage
from indexing.embedder import Embedder
from indexing.vectors import Vectors
from tests.handlers.fakes import WordEncoder


class KnowsTheAnswer:
    """A reader that is sure of lines with one word."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.read: list[tuple[str, list[str]]] = []

    async def scores(self, question: str, lines: Sequence[str]) -> Vectors:
        self.read.append((question, list(lines)))
        return np.array([3.0 if self.word in line else -3.0 for line in lines], np.float32)


def passage(text: str, name: str = "staff_handbook-2026.pdf") -> Passage:
    return Passage(
        id="1", document_id="D", document=name, text=text, page=1, last_page=1, heading="Leave", permalink="",
        score=1.0, relevance=0.5,
    )  # fmt: skip


@pytest.fixture
async def embedder() -> Embedder:
    made = Embedder(WordEncoder)
    await made.start()
    return made


TEXT = "The office closes at six in the evening. Staff who leave early tell their manager. Paris decides otherwise."


async def test_what_the_reader_is_sure_of_stands_first(embedder: Embedder) -> None:
    found = Found([passage(TEXT)], 0.5, ["when does the office close in the evening?", "quand ferme le bureau ?"])
    assert "six" in (await rank_lines(found, embedder))[0].line.text
    reader = KnowsTheAnswer("Paris")
    ranked = await rank_lines(found, embedder, reader)
    assert ranked[0].line.text == "Paris decides otherwise."
    assert [one.score for one in ranked] == [3.0, -3.0, -3.0]
    assert [question for question, _ in reader.read] == found.asked  # in each language that was searched
    assert all("staff handbook 2026 – Leave" in line for _, lines in reader.read for line in lines)
    assert signals_of(ranked, [None] * 3)[0].lead == 6.0


async def test_only_the_nearest_lines_are_read(embedder: Embedder) -> None:
    text = "\n\n".join(f"The office number {number} closes early." for number in range(READ + 20))
    reader = KnowsTheAnswer("nothing")
    ranked = await rank_lines(Found([passage(text)], 0.5, ["when does the office close?"]), embedder, reader)
    assert len(ranked) == len(reader.read[0][1]) == READ


async def test_nothing_found_is_not_read(embedder: Embedder) -> None:
    reader = KnowsTheAnswer("x")
    assert await rank_lines(Found([], 0.0, ["when?"]), embedder, reader) == []
    assert not reader.read


def test_a_card_that_weighs_the_reader_needs_one() -> None:
    assert Card(coefficients={"cosine": 1.0, "reading": 1.0}).without_reader() == UNMEASURED
    plain = Card(coefficients={"cosine": 1.0})
    assert plain.without_reader() == plain
