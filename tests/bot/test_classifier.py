"""The classifier that ships: the head in the repository on the real embedding model."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.classifier import DecisionLine, EmbeddingClassifier, Head, load_classifier, load_head, own_head, save_head
from bot.training.windows import MOST_WINDOWS, WINDOW_TOKENS, Window, averaged, batches, cut_windows, stretches, vectors
from handlers.ports import HeadDoesNotFit
from indexing.embedder import Embedder

TEXTS = {
    "An absolute delight from beginning to end; the best film of the year.": True,
    "Boring, badly acted and far too long. I want my money back.": False,
    "Un livre magnifique, que j'ai dévoré en une nuit et offert à mes amis.": True,
    "Quelle déception : l'histoire est vide et le style insupportable.": False,
}


@pytest.fixture
async def embedder(embedding_model: Any) -> AsyncIterator[Embedder]:
    """The embedder of the bot."""
    made = Embedder(lambda: embedding_model, query="query: ", passage="passage: ")
    await made.start()
    yield made
    await made.aclose()


async def test_the_shipped_head_tells_good_from_bad_in_both_languages(embedder: Embedder) -> None:
    positive = await load_classifier(embedder).classify(list(TEXTS))
    assert [bool(value >= 0.5) for value in positive] == list(TEXTS.values())


async def test_a_batch_says_what_each_text_gets_alone(embedder: Embedder) -> None:
    classifier = load_classifier(embedder)
    texts = [*TEXTS, "good " * 900, "x"]
    together = await classifier.classify(texts)
    alone = np.concatenate([await classifier.classify([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-3


async def test_no_text_is_no_answer(embedder: Embedder) -> None:
    assert (await load_classifier(embedder).classify([])).shape == (0,)
    assert (await load_classifier(embedder).classify([""])).shape == (1,)


async def test_a_search_comes_between_the_batches(embedder: Embedder) -> None:
    """Someone asks a question while 100 long texts are judged: it does not wait for all of them."""
    judged = asyncio.create_task(load_classifier(embedder).classify(["It was good and bad and long. " * 60] * 24))
    await asyncio.sleep(0.3)
    await embedder.embed_queries(["how many days of leave?"])
    assert not judged.done()
    await judged


async def test_the_eight_bit_model_is_classified_by_its_plain_vectors() -> None:
    class Ones:
        dimensions = 2

        def encode(self, texts: Any) -> Any:
            return np.ones((len(texts), 2), np.float32)

    embedder = Embedder(Ones, query="query: ")
    line = DecisionLine(np.array([1.0, 1.0], np.float32), -2.0)
    positive = await EmbeddingClassifier(embedder, Head(line, line)).classify(["a", "b"])
    await embedder.aclose()
    assert positive.tolist() == [0.5, 0.5]


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    head = Head(DecisionLine(np.array([0.5, -1.0], np.float32), 0.25), DecisionLine(np.array([2.0], np.float32), -1.0))
    save_head(head, {"date": "2026-11-24"}, tmp_path)
    read = load_head(tmp_path)
    assert (read.layers.bias, read.embedding.bias) == (0.25, -1.0)
    assert read.layers.weights.tolist() == [0.5, -1.0]
    assert read.embedding.weights.tolist() == [2.0]


async def test_a_teams_own_head_is_preferred(embedder: Embedder, tmp_path: Path) -> None:
    """A head that finds everything positive: the bot reads it from its data folder, and else the one that ships."""
    always = Head(DecisionLine(np.zeros(7 * 384, np.float32), 9.0), DecisionLine(np.zeros(384, np.float32), 9.0))
    save_head(always, {}, own_head(tmp_path))
    bad = "Boring, badly acted and far too long."
    assert float((await load_classifier(embedder, own_head(tmp_path)).classify([bad]))[0]) > 0.99
    assert float((await load_classifier(embedder, own_head(tmp_path / "other")).classify([bad]))[0]) < 0.5


async def test_a_head_of_another_model_is_told_apart(embedder: Embedder) -> None:
    small = DecisionLine(np.zeros(3, np.float32), 0.0)
    with pytest.raises(HeadDoesNotFit):
        await EmbeddingClassifier(embedder, Head(small, small)).classify(["a"])


def test_the_last_vector_of_a_short_text_is_what_search_compares(embedding_model: Any) -> None:
    model = embedding_model.model
    own = vectors(model, cut_windows(model.tokenizer, ["Bonjour tout le monde"]))
    known = embedding_model.encode(["query: Bonjour tout le monde"])
    assert np.abs(own[:, -known.shape[1] :] - known).max() < 1e-5


def test_windows_are_even_and_a_very_long_text_loses_its_middle() -> None:
    assert stretches([]) == [[]]
    assert [len(part) for part in stretches(list(range(WINDOW_TOKENS + 1)))] == [126, 125]
    parts = stretches(list(range(WINDOW_TOKENS * 20)))
    assert len(parts) == MOST_WINDOWS
    assert (parts[0][0], parts[-1][-1]) == (0, WINDOW_TOKENS * 20 - 1)


def test_every_window_is_in_one_batch() -> None:
    lengths = [5, 2000, 7, 1, 900, 900, 900]
    assert sorted(index for batch in batches(lengths) for index in batch) == list(range(7))


def test_the_windows_of_a_text_are_averaged() -> None:
    windows = [Window(0, [1]), Window(1, [1]), Window(0, [1])]
    found = np.array([[1, 0], [5, 5], [0, 1]], np.float32)
    assert averaged(found, [window.text for window in windows], 2).tolist() == [[0.5, 0.5], [5, 5]]
