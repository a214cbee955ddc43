"""Sentiment from embeddings: the trained head that ships with the bot, and its answers in batches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.study.adapter import Tensors
from bot.study.windows import Vectors, Window, averaged, batches, cut, vectors
from handlers.study import Numbers

if TYPE_CHECKING:
    from indexing.embedder import Embedder

HEAD = "sentiment.safetensors"
CARD = "sentiment.json"


@dataclass(frozen=True)
class Line:
    """A logistic regression: the probability is the logistic function of weights times vector plus bias."""

    weights: Vectors  # [width]
    bias: float

    def probabilities(self, found: Vectors) -> Numbers:
        """Return P(positive) of vectors [n, width]."""
        return np.asarray(1 / (1 + np.exp(-(found @ self.weights + self.bias))), np.float32)


@dataclass(frozen=True)
class Head:
    """What training leaves: an adapter of the embedder's upper layers and a line; one for plain vectors too."""

    adapter: Tensors
    adapted: Line
    plain: Line  # where the embedder has no torch layers to adapt


class EmbeddingClassifier:
    """One batch through the embedder for many texts, then a dot product each."""

    def __init__(self, embedder: "Embedder", head: Head) -> None:
        self._embedder, self._head = embedder, head

    async def classify(self, texts: Sequence[str]) -> Numbers:
        """Return the probability that each text is positive [n]."""
        if not texts:
            return np.empty(0, np.float32)
        try:
            windows = await self._embedder.run(lambda model: cut(model.tokenizer, texts))
        except TypeError:  # the 8-bit model runs in onnxruntime: there is nothing to adapt
            return self._head.plain.probabilities(await self._embedder.embed_queries(texts))
        found = await self._vectors(windows)
        return self._head.adapted.probabilities(averaged(found, [window.text for window in windows], len(texts)))

    async def _vectors(self, windows: Sequence[Window]) -> Vectors:
        """Encode batch by batch, so that questions to the documents come between."""
        found: dict[int, Vectors] = {}
        for batch in batches([len(window.ids) for window in windows]):
            some = [windows[index] for index in batch]
            rows = await self._embedder.run(partial(vectors, windows=some, adapter=self._head.adapter))
            found |= zip(batch, rows, strict=True)
        return np.stack([found[index] for index in range(len(windows))])


def load_classifier(embedder: "Embedder", folder: Path = Path(__file__).parent) -> EmbeddingClassifier:
    """Read the head of a folder; safetensors holds numbers only, so nothing in it can run."""
    return EmbeddingClassifier(embedder, load_head(folder))


def load_head(folder: Path) -> Head:
    """Read what save_head() wrote."""
    from safetensors.torch import load_file

    tensors = {name: tensor.float() for name, tensor in load_file(folder / HEAD).items()}
    lines = {
        name: Line(tensors.pop(f"{name}.weights").numpy(), float(tensors.pop(f"{name}.bias")[0]))
        for name in ("adapted", "plain")
    }
    return Head(tensors, lines["adapted"], lines["plain"])


def save_head(head: Head, card: dict[str, Any], folder: Path) -> None:
    """Write the head and its card; the adapter in half precision."""
    import torch
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().half().contiguous() for name, tensor in head.adapter.items()}
    for name, line in (("adapted", head.adapted), ("plain", head.plain)):
        tensors[f"{name}.weights"] = torch.from_numpy(line.weights.astype(np.float32))
        tensors[f"{name}.bias"] = torch.tensor([line.bias])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / HEAD)
    (folder / HEAD).chmod(0o644)  # safetensors writes for the owner only; the bot may run as another
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
