"""How fast documents become searchable, and how fast they are found: `python -m bot bench indexing`.

Ratios are taken within one run, so that a busy machine slows both sides.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pypdf
from fpdf import FPDF
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bot.settings import Settings
from bot.weights import fetch_embeddings
from indexing.audience import Audience
from indexing.chunks import chunks_of
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder, TorchEncoder, Vectors
from indexing.index import Point
from indexing.library import Library
from indexing.opening import prefixes
from indexing.reading import ReadingLimits
from indexing.records import chunk_point
from indexing.sparse import of_passage

PAGES, MANY_PAGES, MANY_CHUNKS = 300, 2400, 50_000
SEARCHES = 200
CHANNEL = Audience(frozenset({"C1"}))
SYLLABLES = ("ba", "den", "fo", "gri", "hal", "jo", "kem", "lu", "mar", "ni", "ot", "pra", "qui", "ras", "sto", "ter")


def main(pages: int = PAGES, many_pages: int = MANY_PAGES, many_chunks: int = MANY_CHUNKS) -> None:
    """Print each figure as it is known; the last line is JSON."""
    print(json.dumps(asyncio.run(run(pages, many_pages, many_chunks))))


async def run(pages: int, many_pages: int, many_chunks: int) -> dict[str, float]:
    """Run all parts, the ones that need the model first."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = await against_langchain(folder, pages)
        figures |= await search_speed(folder, many_chunks)
        return figures | await a_large_file(folder, many_pages)


class FreeEncoder:
    """Vectors that cost nothing: what is left is everything else."""

    dimensions = 384

    def encode(self, texts: Sequence[str]) -> Vectors:
        seeds = [zlib.crc32(text.encode()) for text in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=self.dimensions) for seed in seeds])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@dataclass
class TimedEncoder:
    """An encoder that knows how long it worked."""

    inner: TorchEncoder
    seconds: float = 0.0

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        start = time.perf_counter()
        vectors = self.inner.encode(texts)
        self.seconds += time.perf_counter() - start
        return vectors


@dataclass
class SameEmbedder(Embeddings):
    """The same model as LangChain's wrappers call it."""

    inner: TorchEncoder
    passage: str

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.inner.encode([self.passage + text for text in texts]).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


async def against_langchain(folder: Path, pages: int) -> dict[str, float]:
    """Take one file from upload to searchable, here and as LangChain's tutorial does it."""
    settings = Settings()
    path = make_pdf(folder / "book.pdf", pages)
    model = await asyncio.to_thread(fetch_embeddings, settings.embeddings.model, settings.cache_dir)
    encoder = TimedEncoder(TorchEncoder(model, "", settings.embeddings.batch, settings.embeddings.threads))
    query, passage = prefixes(model)
    async with opened(folder / "index", Embedder(lambda: encoder, query=query, passage=passage)) as library:
        start = time.perf_counter()
        receipt = await library.add(path, share(path))
        ours = time.perf_counter() - start
    embedding = encoder.seconds
    rest = await without_embedding(folder, path)
    theirs = await asyncio.to_thread(as_in_the_tutorial, path, SameEmbedder(encoder.inner, passage))
    return told(
        chunks=receipt.document.chunks, ours_seconds=ours, langchain_seconds=theirs, ratio_to_langchain=ours / theirs,
        embedder_seconds=embedding, rest_seconds=rest, rest_to_embedder=rest / embedding,
    )  # fmt: skip


async def without_embedding(folder: Path, path: Path) -> float:
    """Return how long reading, chunking and storing take alone."""
    async with opened(folder / "rest", Embedder(FreeEncoder)) as library:
        start = time.perf_counter()
        await library.add(path, share(path))
        return time.perf_counter() - start


def as_in_the_tutorial(path: Path, embeddings: Embeddings) -> float:
    """Return how long PyPDFLoader's way, the recursive splitter and the in-memory store take."""
    start = time.perf_counter()
    texts = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    documents = [Document(text, metadata={"page": number}) for number, text in enumerate(texts)]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    InMemoryVectorStore(embeddings).add_documents(splitter.split_documents(documents))
    return time.perf_counter() - start


async def search_speed(folder: Path, chunks: int) -> dict[str, float]:
    """Search a large library whose chunks are spread over a hundred conversations; half may be read."""
    encoder, dice = FreeEncoder(), random.Random(1)
    embedder = Embedder(lambda: encoder)
    async with opened(folder / "large", embedder) as library:
        await fill(library, encoder, chunks, dice)
        audience = Audience(frozenset(f"C{number}" for number in range(50)))
        questions = [" ".join(words(dice, 8)) for _ in range(SEARCHES)]
        await embedder.embed_queries(questions)  # the model's own time is not ours to improve
        times = []
        for question in questions:
            start = time.perf_counter()
            await library.search([question], readable_by=audience)
            times.append(1000 * (time.perf_counter() - start))
        return told(
            searched_chunks=chunks, search_median_ms=statistics.median(times),
            search_p95_ms=statistics.quantiles(times, n=20)[-1],
        )  # fmt: skip


async def fill(library: Library, encoder: FreeEncoder, count: int, dice: random.Random) -> None:
    """Store chunks without reading files."""
    pages = [(number, prose(dice)) for number in range(1, 40)]
    samples = chunks_of(pages)
    for start in range(0, count, 500):
        some = [samples[number % len(samples)] for number in range(start, min(count, start + 500))]
        vectors = encoder.encode([f"{start + place}" for place in range(len(some))])
        points = []
        for place, (chunk, vector) in enumerate(zip(some, vectors, strict=True)):
            number = start + place
            word = {zlib.crc32(f"word{number % 997}".encode()): 2.0}
            page_words = of_passage(chunk.text, "en")
            point = chunk_point(f"document{number // 200}", chunk, vector, language="en", page_words=page_words | word)
            point.payload["channels"] = [f"C{number // 200 % 100}"]
            points.append(replace_id(point, number))
        await library._index.put(points)


def replace_id(point: Point, number: int) -> Point:
    """Give a sample an id of its own."""
    return replace(point, id=str(uuid.UUID(int=number)))


async def a_large_file(folder: Path, pages: int) -> dict[str, float]:
    """Index a very long file while a watch looks at the memory and at the event loop."""
    path = await asyncio.to_thread(make_pdf, folder / "long.pdf", pages)
    async with opened(folder / "long", Embedder(FreeEncoder)) as library, asyncio.TaskGroup() as group:
        watch = Watch()
        task = group.create_task(watch.run())
        start = time.perf_counter()
        receipt = await library.add(path, share(path))
        seconds = time.perf_counter() - start
        task.cancel()
    return told(
        pages=pages, chunks_of_it=receipt.document.chunks, indexing_seconds=seconds,
        peak_memory_mb=watch.peak_bytes / 2**20, longest_block_ms=1000 * watch.longest_seconds,
    )  # fmt: skip


class Watch:
    """Looks every few milliseconds: how late am I, and how much memory do we and our readers hold?"""

    def __init__(self) -> None:
        self.longest_seconds = 0.0
        self.peak_bytes = 0
        self._process = psutil.Process()
        self._start_bytes = self._process.memory_info().rss

    async def run(self) -> None:
        last_look = 0.0
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.longest_seconds = max(self.longest_seconds, time.perf_counter() - before - 0.005)
            if time.perf_counter() - last_look > 0.5:
                last_look = time.perf_counter()
                await asyncio.to_thread(self._weigh)

    def _weigh(self) -> None:
        children = 0
        for child in self._process.children(recursive=True):
            try:
                children += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss - self._start_bytes + children)


@asynccontextmanager
async def opened(folder: Path, embedder: Embedder) -> AsyncIterator[Library]:
    """Open a library of its own."""
    await embedder.start()
    library = Library(await EdgeIndex.open(folder, embedder.dimensions), embedder, ReadingLimits())
    try:
        yield library
    finally:
        await library.aclose()


def share(path: Path) -> Share:
    """Share a file in the one conversation."""
    return Share(channel="C1", file_id="F1", user="U1", ts="1.0", permalink="", name=path.name)


def make_pdf(path: Path, pages: int) -> Path:
    """Write a book of invented words: as many letters a page as a manual has."""
    dice, pdf = random.Random(pages), FPDF()
    pdf.set_font("Helvetica", size=10)
    for number in range(1, pages + 1):
        pdf.add_page()
        pdf.multi_cell(0, 5, f"{number}. Part {number}\n{prose(dice)}")
    pdf.output(str(path))
    return path


def prose(dice: random.Random) -> str:
    """Return about two thousand letters in sentences."""
    return " ".join(" ".join(words(dice, dice.randint(6, 18))).capitalize() + "." for _ in range(26))


def words(dice: random.Random, count: int) -> list[str]:
    """Return invented words; short ones more often."""
    return ["".join(dice.choices(SYLLABLES, k=dice.choice((1, 1, 2, 2, 3)))) for _ in range(count)]


def told(**figures: float) -> dict[str, float]:
    """Print figures as they come."""
    for name, value in figures.items():
        print(f"{name:24s} {value:10.2f}", file=sys.stderr)
    return {name: round(value, 3) for name, value in figures.items()}
