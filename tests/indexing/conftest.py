"""A library with real parts: readers in processes, Qdrant's engine on disk; only the vectors come from words."""

import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from indexing.vectors import Vectors


class WordEncoder:
    """Vectors of which words a text has: near where texts share words, the same on every machine, at once."""

    dimensions = 64

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        vectors = np.full((len(texts), self.dimensions), 0.01, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                vector[zlib.crc32(word.strip(".,?!").encode()) % self.dimensions] += 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture
def encoder() -> WordEncoder:
    """The encoder, which remembers what it was given."""
    return WordEncoder()


@pytest.fixture
async def embedder(encoder: WordEncoder) -> AsyncIterator[Embedder]:
    """An embedder with prefixes, as e5 needs them."""
    made = Embedder(lambda: encoder, query="query: ", passage="passage: ")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
async def library(tmp_path: Path, embedder: Embedder) -> AsyncIterator[Library]:
    """An empty library."""
    made = Library(await EdgeIndex.open(tmp_path / "index", 64), embedder, ReadingLimits(processes=1))
    yield made
    await made.aclose()


@pytest.fixture
def shared() -> Callable[..., Share]:
    """Make a share: in channel C1 by U1, unless said otherwise."""

    def make(name: str = "handbook.pdf", **fields: str) -> Share:
        usual = {"channel": "C1", "file_id": "F1", "user": "U1", "ts": "1.0", "permalink": "https://x.slack.com/F1"}
        return Share(name=name, **(usual | fields))

    return make
