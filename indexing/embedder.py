"""Texts to vectors: the model in a thread of its own, batched, with its prefixes."""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from indexing.cores import spare_cores
from indexing.vectors import Vectors

T = TypeVar("T")

REMEMBERED_QUERIES = 2048  # 3 MB of vectors; a rewritten question and a retry ask for the same
SLICE = 16  # texts handed over at once: a query waits for one slice at most


class Encoder(Protocol):
    """What turns texts into vectors: torch here, onnxruntime in onnx.py."""

    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return normalised vectors, one a text."""


@runtime_checkable
class Layered(Protocol):
    """An encoder that can be looked into."""

    def layers(self) -> Any:
        """Return the sentence-transformers model; raise TypeError where it is kept in 8 bits only."""


def load_model(folder: Path, device: str, threads: int = 0) -> Any:
    """Return the sentence-transformers model of a folder."""
    # Without these, torch's idle threads spin and a query on a busy machine takes 500 ms instead of 15.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads or spare_cores())
    return SentenceTransformer(str(folder), device=device or None, local_files_only=True)


class TorchEncoder:
    """A sentence-transformers model."""

    def __init__(self, folder: Path, device: str, batch: int, threads: int) -> None:
        self.model = load_model(folder, device, threads)
        self.dimensions = int(self.model.get_embedding_dimension() or 0)
        self._batch = batch

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = self.model.encode(
            list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False, prompt=""
        )
        return np.asarray(vectors, np.float32)

    def layers(self) -> Any:
        """Return the model."""
        return self.model


class Embedder:
    """The embedding model's async face; everything that touches the model runs in its one thread."""

    def __init__(
        self, load: Callable[[], Encoder], *, query: str = "", passage: str = "", slice_texts: int = SLICE
    ) -> None:
        self._load = load
        self._query, self._passage = query, passage
        self._thread = ThreadPoolExecutor(1, "embedder")
        self._encoder: Encoder | None = None
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()

    async def start(self) -> None:
        """Load the model."""
        await self._in_thread(self._model)

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        assert self._encoder, "start() first"
        return self._encoder.dimensions

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return [n, dimensions] normalised; questions asked before are remembered."""
        known = {text: self._remembered[text] for text in texts if text in self._remembered}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            vectors = await self._encode([self._query + text for text in missing])
            known |= dict(zip(missing, vectors, strict=True))
        for text, vector in known.items():  # another call may have let go of some meanwhile
            self._remembered[text] = vector
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED_QUERIES:
            self._remembered.popitem(last=False)
        return np.stack([known[text] for text in texts])

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return [n, dimensions] normalised; long work is cut so that queries come between."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # alike lengths need no padding
        result = np.empty((len(texts), self.dimensions), np.float32)
        for start in range(0, len(order), SLICE):
            some = order[start : start + SLICE]
            result[some] = await self._encode([self._passage + texts[index] for index in some])
        return result

    async def run(self, call: Callable[[Any], T]) -> T:
        """Call with the sentence-transformers model, in its thread."""
        encoder = await self._in_thread(self._model)
        if not isinstance(encoder, Layered):
            raise TypeError("this encoder has no layers to look into")
        return await self._in_thread(lambda: call(encoder.layers()))

    async def aclose(self) -> None:
        """Let the thread end."""
        await asyncio.to_thread(self._thread.shutdown)

    async def _encode(self, texts: list[str]) -> Vectors:
        return await self._in_thread(lambda: self._model().encode(texts))

    def _model(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self._load()
        return self._encoder

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
