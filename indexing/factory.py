"""The one place that builds a library: which model, which index, which limits."""

import json
from pathlib import Path

from indexing import onnx
from indexing.embedder import Embedder, Encoder, TorchEncoder
from indexing.gone import Gone
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from indexing.reranker import Reranker
from indexing.vector_store import VectorIndex

QUERY_PREFIX, PASSAGE_PREFIX = "query: ", "passage: "  # e5 was trained with them


async def open_library(  # noqa: PLR0913  # every knob of the library, once
    *,
    folder: Path,
    embeddings: Path,
    device: str = "",
    batch: int = 16,
    threads: int = 0,
    int8: bool = False,
    reranker: Path | None = None,
    qdrant_url: str = "",
    qdrant_key: str = "",
    collection: str = "documents",
    quantize: bool = False,
    limits: ReadingLimits | None = None,
    cache_dir: Path | None = None,
    gone: Gone | None = None,
) -> Library:
    """Load the embedding model and open the index: in the folder, or at the URL."""

    def load() -> Encoder:
        return encoder_of(embeddings, cache_dir or folder, device=device, batch=batch, threads=threads, int8=int8)

    query, passage = prefixes(embeddings)
    embedder = Embedder(load, query=query, passage=passage)
    await embedder.start()
    index: VectorIndex
    if qdrant_url:
        from indexing.qdrant import QdrantIndex, connect_qdrant

        client = await connect_qdrant(qdrant_url, qdrant_key)
        index = await QdrantIndex.open(client, collection, embedder.dimensions, quantize=quantize)
    else:
        from indexing.edge import EdgeIndex

        index = await EdgeIndex.open(folder / collection, embedder.dimensions)
    judge = await Reranker.open(reranker, device) if reranker else None
    return Library(index, embedder, limits or ReadingLimits(), judge, gone)


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
