"""The reader of lines: which of two lines answers, the same in onnxruntime as in torch, only on its own weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bot.models.fetch import fetch_embeddings
from bot.settings import Settings
from indexing.line_reader import TRAINED, LineReader, batch_of, fits, read_as, word_vectors
from indexing.line_reader_model import trained_model

CACHE = Settings().cache_dir
QUESTION = "how long is the notice period after the trial?"
LINES = [
    read_as("handbook", "Leaving", "", "During the trial period either side may leave with one week's notice."),
    read_as("handbook", "Leaving", "", "After it, notice is two months."),
    read_as("handbook", "Office", "", "The kitchen is cleaned every evening."),
]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The model that the bot uses."""
    return fetch_embeddings(Settings().embeddings.model, CACHE)


@pytest.fixture(scope="module")
def reader(folder: Path) -> LineReader:
    assert fits(folder, CACHE)
    return LineReader(folder, CACHE, 1)


@pytest.mark.parametrize(
    ("question", "answering", "beside"),
    [
        ("can I carry days over to next year?", "Up to five days may be taken until 31 March of the following year.",
         "Part-time employees have 18 days of leave."),
        ("qui valide une dépense de 3 000 € ?", "plus de 2 500 € | la directrice financière",
         "moins de 500 € | le responsable direct"),
        ("jusqu'à quand on envoie les notes de frais", "Expense reports are handed in by the 5th of the next month.",
         "Expenses for meals are paid up to 20 euros a day."),
    ],
)  # fmt: skip
async def test_the_line_that_answers_before_one_beside_it(
    reader: LineReader, question: str, answering: str, beside: str
) -> None:
    scores = await reader.scores(question, [read_as("rules", "", "", line) for line in (beside, answering)])
    assert scores[1] > scores[0]


async def test_what_answers_nothing_is_far_below(reader: LineReader) -> None:
    scores = await reader.scores(QUESTION, LINES)
    assert scores[2] < min(scores[:2]) - 1


async def test_the_same_scores_as_in_torch_in_any_order(reader: LineReader, folder: Path) -> None:
    scores = await reader.scores(QUESTION, LINES)
    assert np.allclose(await reader.scores(QUESTION, LINES[::-1]), scores[::-1], atol=1e-3)
    asked, *lines = (reader.ids_of(text) for text in [f"query: {QUESTION}", *(f"passage: {x}" for x in LINES)])
    ids, positions, parts = batch_of(asked, lines)
    model = trained_model(folder, TRAINED).eval()
    with torch.inference_mode():
        words = torch.from_numpy(np.array(word_vectors(folder / "model.safetensors")[ids]))
        expected = model(words, torch.from_numpy(positions), torch.from_numpy(parts)).numpy()
    assert np.allclose(scores, expected, atol=2e-2)


def test_the_words_vectors_are_those_of_the_file(folder: Path) -> None:
    vectors = word_vectors(folder / "model.safetensors")
    whole = load_file(str(folder / "model.safetensors"))["embeddings.word_embeddings.weight"]
    assert vectors.shape == tuple(whole.shape)
    assert np.array_equal(vectors[[0, 1, -1]], whole[[0, 1, -1]].numpy())


async def test_other_weights_have_no_reader(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_file({"embeddings.word_embeddings.weight": torch.zeros(3, 4)}, str(other / "model.safetensors"))
    shutil.copy(folder / "tokenizer.json", other)
    assert await LineReader.open(other, tmp_path) is None
    assert await LineReader.open(tmp_path / "nothing", tmp_path) is None
