"""An optional second look: a cross-encoder reads the question and each of the best chunks together."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from indexing.rescore import Candidate

LOOKED_AT = 20  # chunks: about half a second of a small cross-encoder on two cores


class Reranker:
    """A cross-encoder in a thread of its own."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(1, "reranker")

    @classmethod
    async def open(cls, folder: Path, device: str) -> "Reranker":
        """Load the cross-encoder in the folder."""

        def load() -> Any:
            from sentence_transformers import CrossEncoder

            return CrossEncoder(str(folder), device=device or None, local_files_only=True)

        return cls(await asyncio.to_thread(load))

    async def rerank(self, question: str, found: Sequence[Candidate]) -> list[Candidate]:
        """Return the best in the cross-encoder's order; the rest follows as it was."""
        best, rest = found[:LOOKED_AT], found[LOOKED_AT:]
        pairs = [(question, one.text) for one in best]
        scores = await asyncio.get_running_loop().run_in_executor(self._thread, self._model.predict, pairs)
        order = sorted(range(len(best)), key=lambda place: -float(scores[place]))
        return [*(best[place] for place in order), *rest]

    async def aclose(self) -> None:
        """Let the thread end."""
        await asyncio.to_thread(self._thread.shutdown)
