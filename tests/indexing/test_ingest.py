"""A file on its way in: bounded, and never in the way of the event loop."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexing.audience import Audience
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library
from indexing.reading.pool import ReadingLimits

MakeShare = Callable[..., Share]


async def test_what_is_too_long_is_shortened_and_the_receipt_says_so(
    tmp_path: Path, embedder: Embedder, shared: MakeShare
) -> None:
    """Characters are not counted by pages: a file of 18 kB made passages for an hour."""
    path = tmp_path / "long.txt"
    path.write_text("\n\n".join(f"Sentence number {number} tells something." * 9 for number in range(900)))
    index = await EdgeIndex.open(tmp_path / "index", 64)
    library = Library(index, embedder, ReadingLimits(processes=1, passages=100))
    receipt = await library.add(path, shared("long.txt"))
    assert ("shortened", "100") in receipt.notes
    assert receipt.document.chunks == (await library.statistics())["chunks"] == 100
    assert len(await library.documents(Audience(frozenset({"C1"})))) == 1
    await library.aclose()


HOSTILE = {"abbreviations": "No. A " * 30_000, "dots": "." * 200_000, "words": "word " * 40_000}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_the_event_loop_goes_on(kind: str, tmp_path: Path, embedder: Embedder, shared: MakeShare) -> None:
    """What the loop's own thread computes between two turns of others is below 50 ms."""
    path = tmp_path / "hostile.txt"
    path.write_text(HOSTILE[kind])
    library = Library(await EdgeIndex.open(tmp_path / "index", 64), embedder, ReadingLimits(processes=1, passages=64))
    longest, ended = 0.0, False

    async def beat() -> None:
        nonlocal longest
        while not ended:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)
            await asyncio.sleep(0.002)

    beating = asyncio.create_task(beat())
    try:
        await library.add(path, shared("hostile.txt"))
    except Exception as error:  # a page of dots holds no text
        assert type(error).__name__ == "UnreadableDocument"
    ended = True
    await beating
    assert longest < 0.05
    await library.aclose()
