"""The one place that builds a library: which model, which index, which limits."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexing import onnx
from indexing.embedder import Embedder, Encoder, TorchEncoder
from indexing.gone import GoneSet
from indexing.index_card import IndexCard, OtherModel, current_index
from indexing.library import Library
from indexing.migrations import migrate
from indexing.reading.pool import ReadingLimits
from indexing.reindex import Report, copy_documents, take_the_place
from indexing.reranker import Reranker
from indexing.vector_store import VectorIndex
from indexing.weights import weights_hash

QUERY_PREFIX, PASSAGE_PREFIX = "query: ", "passage: "  # e5 was trained with them


@dataclass(frozen=True, kw_only=True)
class LibrarySettings:
    """Every knob of the library, once."""

    folder: Path
    embeddings: Path
    device: str = ""
    batch: int = 16
    threads: int = 0
    int8: bool = False
    reranker: Path | None = None
    qdrant_url: str = ""
    qdrant_key: str = ""
    collection: str = "documents"
    quantize: bool = False
    limits: ReadingLimits = field(default_factory=ReadingLimits)
    cache_dir: Path | None = None

    def load(self) -> Encoder:
        """Load the embedding model."""
        return encoder_of(
            self.embeddings, self.cache_dir or self.folder, device=self.device, batch=self.batch,
            threads=self.threads, int8=self.int8,
        )  # fmt: skip


async def open_library(*, gone: GoneSet | None = None, **knobs: Any) -> Library:
    """Load the embedding model and open the index: in the folder, or at the URL. Raises OtherModel."""
    settings = LibrarySettings(**knobs)
    embedder = await open_embedder(settings)
    current = await card_of(settings, embedder)
    index, _name, card = await current_index(
        settings.collection, lambda name: open_index(settings, name, embedder.dimensions)
    )
    if card and not card.fits(current):
        await index.aclose()
        await embedder.aclose()
        raise OtherModel(card, current)
    await migrate(index, card, current)
    judge = await Reranker.open(settings.reranker, settings.device) if settings.reranker else None
    library = Library(index, embedder, settings.limits, judge, gone)
    await library.sweep()
    return library


async def reindex(report: Report, **knobs: Any) -> int:
    """Embed every document anew, with the model that is set now, and use the result from then on; return how many.

    May be cut short and begun again. Nothing else may write meanwhile.
    """
    settings = LibrarySettings(**knobs)
    embedder = await open_embedder(settings)
    made = await card_of(settings, embedder)

    def opened(name: str) -> Awaitable[VectorIndex]:
        return open_index(settings, name, embedder.dimensions)

    old, _name, card = await current_index(settings.collection, opened)
    await migrate(old, card, made)
    name = f"{settings.collection}-{made.weights[:8]}"
    count = 0
    if card and not card.fits(made):
        new = await opened(name)
        count = await copy_documents(old, new, embedder, report)
        await take_the_place(old, new, card, made, name)
        await new.aclose()
    await old.aclose()
    await embedder.aclose()
    return count


async def open_embedder(settings: LibrarySettings) -> Embedder:
    """Load the embedding model."""
    query, passage = prefixes(settings.embeddings)
    embedder = Embedder(settings.load, query=query, passage=passage)
    await embedder.start()
    return embedder


async def card_of(settings: LibrarySettings, embedder: Embedder) -> IndexCard:
    """Return what an index would be made with now."""
    cache_dir = settings.cache_dir or settings.folder
    weights = await asyncio.to_thread(weights_hash, settings.embeddings, cache_dir)
    return IndexCard(model=settings.embeddings.name, weights=weights, dimensions=embedder.dimensions)


async def open_index(settings: LibrarySettings, name: str, dimensions: int) -> VectorIndex:
    """Open a collection, or make it."""
    if settings.qdrant_url:
        from indexing.qdrant import QdrantIndex, connect_qdrant

        client = await connect_qdrant(settings.qdrant_url, settings.qdrant_key)
        return await QdrantIndex.open(client, name, dimensions, quantize=settings.quantize)
    from indexing.edge import EdgeIndex

    return await EdgeIndex.open(settings.folder / name, dimensions)


def encoder_of(  # noqa: PLR0913  # every knob of the model, once
    embeddings: Path, cache_dir: Path, *, device: str, batch: int, threads: int, int8: bool
) -> Encoder:
    """Load the model where it runs best: in torch on a GPU, in onnxruntime on a CPU if that knows its kind."""
    if int8 or (onnx.can_run(embeddings) and is_cpu(device)):
        return onnx.OnnxEncoder(embeddings, cache_dir, batch, threads, int8=int8)
    return TorchEncoder(embeddings, device, batch, threads)


def is_cpu(device: str) -> bool:
    """Tell whether a model on this device, or on the best one there is, runs on the CPU."""
    if device:
        return device == "cpu"
    import torch

    return not torch.accelerator.is_available()


def prefixes(embeddings: Path) -> tuple[str, str]:
    """Return what stands before a query and before a passage: what the model's folder says, else e5's if it is one."""
    file = embeddings / "config_sentence_transformers.json"
    prompts = json.loads(file.read_text()).get("prompts", {}) if file.exists() else {}
    if not prompts.get("query") and "e5" in embeddings.name.lower():
        return QUERY_PREFIX, PASSAGE_PREFIX
    return prompts.get("query") or "", prompts.get("passage") or prompts.get("document") or ""
