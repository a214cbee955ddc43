"""Sentiment from embeddings: the trained head that ships with the bot, and its answers in batches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.training.windows import Window, averaged, batches, cut_windows, vectors
from handlers.ports import HeadDoesNotFit
from indexing.vectors import Vectors

if TYPE_CHECKING:
    from indexing.embedder import Embedder

HEAD = "sentiment.safetensors"
CARD = "sentiment.json"
LINES = ("layers", "embedding")


@dataclass(frozen=True)
class DecisionLine:
    """A logistic regression: the probability is the logistic function of weights times vector plus bias."""

    weights: Vectors  # [width]
    bias: float

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return P(positive) of vectors [n, width]; raise HeadDoesNotFit for another width."""
        if vectors.shape[1] != len(self.weights):
            raise HeadDoesNotFit
        return np.asarray(1 / (1 + np.exp(-(vectors @ self.weights + self.bias))), np.float32)


@dataclass(frozen=True)
class Head:
    """What training leaves: a line for the vectors of all upper layers, and one for the sentence embedding alone."""

    layers: DecisionLine
    embedding: DecisionLine  # where the embedder runs outside torch and shows no layers


class EmbeddingClassifier:
    """One batch through the embedder for many texts, then a dot product each."""

    def __init__(self, embedder: "Embedder", head: Head) -> None:
        self._embedder, self._head = embedder, head

    async def classify(self, texts: Sequence[str]) -> Vectors:
        """Return the probability that each text is positive [n]; raise HeadDoesNotFit."""
        if not texts:
            return np.empty(0, np.float32)
        try:
            windows = await self._embedder.run(lambda model: cut_windows(model.tokenizer, texts))
        except TypeError:  # the 8-bit model runs in onnxruntime
            return self._head.embedding.probabilities(await self._embedder.embed_queries(texts))
        vectors = await self._vectors(windows)
        return self._head.layers.probabilities(averaged(vectors, [window.text for window in windows], len(texts)))

    async def _vectors(self, windows: Sequence[Window]) -> Vectors:
        """Encode batch by batch, so that questions to the documents come between."""
        rows_by_index: dict[int, Vectors] = {}
        for batch in batches([len(window.ids) for window in windows]):
            some = [windows[index] for index in batch]
            rows = await self._embedder.run(partial(vectors, windows=some))
            rows_by_index |= zip(batch, rows, strict=True)
        return np.stack([rows_by_index[index] for index in range(len(windows))])


def own_head(data_dir: Path) -> Path:
    """Return the folder in which a team keeps the head that it trained itself."""
    return data_dir / "sentiment"


def load_classifier(embedder: "Embedder", team_folder: Path | None = None) -> EmbeddingClassifier:
    """Read a team's own head, or the one that ships; safetensors holds numbers only, so nothing in it can run."""
    folder = team_folder if team_folder and (team_folder / HEAD).exists() else Path(__file__).parent / "training"
    return EmbeddingClassifier(embedder, load_head(folder))


def load_head(folder: Path) -> Head:
    """Read what save_head() wrote."""
    from safetensors.numpy import load_file

    tensors = load_file(folder / HEAD)
    return Head(*(DecisionLine(tensors[f"{name}.weights"], float(tensors[f"{name}.bias"][0])) for name in LINES))


def save_head(head: Head, card: dict[str, Any], folder: Path) -> None:
    """Write the head and its card."""
    from safetensors.numpy import save_file

    tensors: dict[str, Vectors] = {}
    for name, line in zip(LINES, (head.layers, head.embedding), strict=True):
        tensors |= {f"{name}.weights": line.weights, f"{name}.bias": np.array([line.bias], np.float32)}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / HEAD)
    (folder / HEAD).chmod(0o644)  # safetensors writes for the owner only; the bot may run as another
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
