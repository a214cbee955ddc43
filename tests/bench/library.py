"""What the bookkeeping of a library costs as it grows: `python -m bot bench library [DOCUMENTS ...]`.

Records with one chunk and one page each, in 200 conversations, in Qdrant's engine. Milliseconds of the processor, the
engine's included: the least of 15 times, which other work on the machine hardly changes. The last column is the growth
from the smallest library to the largest, beside that of the documents.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from indexing.audience import Audience
from indexing.chunks import Chunk
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library, content_id
from indexing.reading.pool import ReadingLimits
from indexing.stored import StoredDocument, chunk_point, page_point
from indexing.vectors import Vectors

TIMES = 15  # each thing is done
CHANNELS = 200
MINE = Audience(frozenset(f"C{number}" for number in range(20)))  # a tenth of all that is shared
DIMENSIONS = 64


class NoEncoder:
    """Nothing is embedded here."""

    dimensions = DIMENSIONS

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), DIMENSIONS), np.float32)


def main(counts: Sequence[int]) -> None:
    """Measure libraries of these sizes."""
    costs = [asyncio.run(cost(count)) for count in counts]
    print("what".ljust(44), *(f"{count:>10,}" for count in counts), "    growth")
    for name in costs[0]:
        row = [each[name] for each in costs]
        print(name.ljust(44), *(f"{value:10.2f}" for value in row), f"{row[-1] / row[0]:10.1f}")
    print("documents".ljust(44), *(f"{count:10}" for count in counts), f"{counts[-1] / counts[0]:10.1f}")


async def cost(count: int) -> dict[str, float]:
    """Fill a library and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        index = await EdgeIndex.open(Path(folder) / "index", DIMENSIONS)
        embedder = Embedder(NoEncoder)
        await embedder.start()
        library = Library(index, embedder, ReadingLimits(processes=1))
        known = Path(folder) / "known.txt"
        known.write_text("known")
        await fill(index, count, content_id(known))
        costs = await measure(library, known, count)
        await library.aclose()
        return costs


async def fill(index: EdgeIndex, count: int, known: str) -> None:
    """Store documents without reading files."""
    for start in range(0, count, 500):
        points = []
        for number in range(start, min(count, start + 500)):
            record = record_of(known if number == 0 else f"document{number}", number)
            chunk = Chunk(position=0, text="Some words.", page=1, last_page=1, heading="")
            vector = np.ones(DIMENSIONS, np.float32)
            point = chunk_point(record.document_id, "", chunk, vector, language="en", page_words={1: 1.0})
            point.payload["channels"] = record.channels
            points += [record.point(), point, page_point(record.document_id, "", 1, chunk.text)]
        await index.put(points)


def record_of(document_id: str, number: int) -> StoredDocument:
    """Return a document's record, shared once."""
    share = share_of(f"C{number % CHANNELS}", f"F{number}", number)
    return StoredDocument(
        document_id=document_id, pages=1, pages_with_text=1, chunks=1, language="en", added_at=float(number + 1),
        checked_at=float(number + 1), complete=True, shares=(share,), revisions=(f"r{number}",),
    )  # fmt: skip


def share_of(channel: str, file_id: str, number: int) -> Share:
    """Return a share with a name of its own."""
    return Share(
        channel=channel, file_id=file_id, user=f"U{number % 500}", ts=f"{number}.0", permalink="",
        name=f"{number}.pdf",
    )  # fmt: skip


async def measure(library: Library, known: Path, count: int) -> dict[str, float]:
    """Return what each thing costs, in milliseconds."""

    async def upload(time_: int) -> None:
        await library.add(known, share_of(f"C{time_ + 1}", f"FN{time_}", count + time_))

    async def delete(time_: int) -> None:
        await library.unshare(file_id=f"F{time_ * 7 + 1}")

    async def chat(time_: int) -> None:
        await library.documents_of_message(f"C{time_}", f"{time_}.0", readable_by=MINE)

    async def docs(_time: int) -> None:
        await library.count_documents(MINE)
        await library.documents(MINE, limit=20)

    async def night(time_: int) -> None:
        documents = await library.documents_of_slice(time_)
        for document in documents[:1]:  # the others of a slice cost as much each
            await library.would_go(file_id=document.shares[0].file_id)
            await library.checked([document.id])

    works: dict[str, Callable[[int], Awaitable[None]]] = {
        "chat message (did a file begin it?)": chat,
        "upload (bookkeeping of known bytes)": upload,
        "deletion of a file": delete,
        "/docs (20 newest of a tenth, and a count)": docs,
        "night, for each document": night,
    }
    return {name: await least_ms(work) for name, work in works.items()}


async def least_ms(work: Callable[[int], Awaitable[None]]) -> float:
    """Do something some times; return the least: other work on the machine adds to the others."""
    spent = []
    for time_ in range(TIMES):
        began = time.process_time()
        await work(time_)
        spent.append(1000 * (time.process_time() - began))
    return min(spent)


if __name__ == "__main__":
    main([2_000, 20_000])
