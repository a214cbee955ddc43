"""The embedder: questions asked before are remembered, also while others push them out."""

import asyncio

import pytest

from indexing import embedder as embedder_module
from indexing.embedder import Embedder


async def test_what_is_pushed_out_meanwhile_is_still_answered(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory is full in steady state: each call of others lets go of something."""
    monkeypatch.setattr(embedder_module, "REMEMBERED_QUERIES", 2)
    await embedder.embed_queries(["one", "two"])
    vectors = await asyncio.gather(
        embedder.embed_queries(["one", "three"]), embedder.embed_queries(["four", "five", "six"])
    )
    assert [len(some) for some in vectors] == [2, 3]
