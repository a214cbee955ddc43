"""How fast documents become searchable, and how fast they are found: `python -m bot bench indexing`.

Ratios are taken within one run, so that a busy machine slows both sides.
"""

import asyncio
import functools
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
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil
import pypdf
from fpdf import FPDF
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bot.models.fetch import fetch_embeddings
from bot.settings import Settings
from indexing.audience import Audience
from indexing.chunks import chunks_of
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder, Encoder, TorchEncoder
from indexing.factory import encoder_of, prefixes
from indexing.library import Library
from indexing.onnx import OnnxEncoder
from indexing.reading.pool import ReadingLimits
from indexing.sentences import spans
from indexing.sparse import of_passage
from indexing.stored import StoredDocument, chunk_point
from indexing.vector_store import Point
from indexing.vectors import Vectors

PAGES, MANY_PAGES, MANY_CHUNKS = 300, 2400, 50_000
SEARCHES = 200
COMPARED_CALLS = 16  # slices of sixteen chunks
CHANNEL = Audience(frozenset({"C1"}))
EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
PAGE_LETTERS = 2000  # as many as a manual has
TARGETS = {  # none may be more
    "rest_to_embedder": 0.15,
    "ratio_to_langchain": 0.7,
    "search_median_ms": 20,
    "peak_memory_mb": 1536,
    "longest_block_ms": 50,
    "longest_block_with_model_ms": 50,
}
Figures = dict[str, float]


def main(book: Path | None = None) -> None:
    """Print each figure as it is known, with its target; the last line is JSON. `book`: a PDF, else one is made."""
    print(json.dumps(asyncio.run(run(book))))


async def run(
    book: Path | None, pages: int = PAGES, many_pages: int = MANY_PAGES, chunks: int = MANY_CHUNKS
) -> Figures:
    """Run all parts, the ones that need the model first."""
    settings = Settings()
    model = await asyncio.to_thread(fetch_embeddings, settings.embeddings.model, settings.cache_dir)
    batch, threads = settings.embeddings.batch, settings.embeddings.threads
    ours = encoder_of(model, settings.cache_dir, device="", batch=batch, threads=threads, int8=False)
    encoder, torch = TimedEncoder(ours), TorchEncoder(model, "", batch, threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path = book or await asyncio.to_thread(make_pdf, folder / "book.pdf", pages)
        figures = await against_langchain(folder, path, encoder, torch, *prefixes(model))
        figures |= await asyncio.to_thread(against_torch, encoder, torch, model, settings)
        figures |= await search_speed(folder, chunks)
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
    """An encoder that remembers what it was asked, so that the same can be timed alone."""

    inner: Encoder
    calls: list[list[str]] = field(default_factory=list)

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        return self.inner.encode(texts)


def seconds_alone(encoder: Encoder, calls: Sequence[Sequence[str]]) -> tuple[float, Vectors]:
    """Return how long an encoder needs for these calls while nothing else runs, and what it says."""
    encoder.encode(calls[0])  # once to warm up
    start = time.perf_counter()
    vectors = [encoder.encode(texts) for texts in calls]
    return time.perf_counter() - start, np.concatenate(vectors)


@dataclass
class SameEmbedder(Embeddings):
    """The same model, with the same threads, as LangChain's wrappers call it."""

    inner: Encoder
    passage: str

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.inner.encode([self.passage + text for text in texts]).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


async def against_langchain(
    folder: Path, path: Path, encoder: TimedEncoder, torch: Encoder, query: str, passage: str
) -> Figures:
    """Take one file from upload to searchable, here and as LangChain's tutorial does it: with torch, then with ours."""
    encoder.inner.encode(["once to warm up"])
    embedder = Embedder(lambda: encoder, query=query, passage=passage)
    async with opened(folder / "index", embedder) as library, Watch().running() as watch:
        start = time.perf_counter()
        receipt = await library.add(path, share(path))
        ours = time.perf_counter() - start
    rest = await without_embedding(folder, path)
    theirs = await asyncio.to_thread(as_in_the_tutorial, path, SameEmbedder(torch, passage))
    with_ours = await asyncio.to_thread(as_in_the_tutorial, path, SameEmbedder(encoder.inner, passage))
    alone, _vectors = await asyncio.to_thread(seconds_alone, encoder.inner, encoder.calls)
    return told(
        pages=receipt.document.pages, chunks=receipt.document.chunks, upload_to_searchable_seconds=ours,
        langchain_seconds=theirs, ratio_to_langchain=ours / theirs, ratio_if_it_had_our_runtime=ours / with_ours,
        embedder_seconds=alone, rest_seconds=rest,
        rest_to_embedder=rest / alone, longest_block_with_model_ms=1000 * watch.longest_seconds,
    )  # fmt: skip


def against_torch(encoder: TimedEncoder, torch: Encoder, model: Path, settings: Settings) -> Figures:
    """Compare the encoder, and the one with 8-bit weights, with torch on the same chunks."""
    batch, threads = settings.embeddings.batch, settings.embeddings.threads
    small = OnnxEncoder(model, settings.cache_dir, batch, threads, int8=True)
    calls = encoder.calls[:COMPARED_CALLS]
    torch_seconds, known = seconds_alone(torch, calls)
    figures: Figures = {}
    for name, other in (("ours", encoder.inner), ("int8", small)):
        seconds, vectors = seconds_alone(other, calls)
        cosines = (known * vectors).sum(axis=1)
        figures |= {
            f"{name}_times_as_fast_as_torch": torch_seconds / seconds, f"{name}_cosine_mean": float(cosines.mean()),
            f"{name}_cosine_least": float(cosines.min()),
        }  # fmt: skip
    return told(**figures)


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


async def search_speed(folder: Path, chunks: int) -> Figures:
    """Search a large library whose chunks are spread over a hundred conversations; half may be read."""
    encoder, dice = FreeEncoder(), random.Random(1)
    embedder = Embedder(lambda: encoder)
    async with opened(folder / "large", embedder) as library:
        await fill(library, encoder, chunks, dice)
        audience = Audience(frozenset(f"C{number}" for number in range(50)))
        known = sentences_of_examples()
        questions = [" ".join(dice.choice(known).split()[:8]) + f" {number}" for number in range(SEARCHES)]
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
    pages = [(number, prose(dice, sentences_of_examples())) for number in range(1, 40)]
    samples = chunks_of(pages)
    for start in range(0, count, 500):
        some = [samples[number % len(samples)] for number in range(start, min(count, start + 500))]
        vectors = encoder.encode([f"{start + place}" for place in range(len(some))])
        points = []
        for place, (chunk, vector) in enumerate(zip(some, vectors, strict=True)):
            number = start + place
            word = {zlib.crc32(f"word{number % 997}".encode()): 2.0}
            page_words = of_passage(chunk.text, "en")
            point = chunk_point(
                f"document{number // 200}", "", chunk, vector, language="en", page_words=page_words | word
            )
            point.payload["channels"] = [f"C{number // 200 % 100}"]
            points.append(replace_id(point, number))
        await library._index.put(points)
    documents = range(-(-count // 200))
    await library._index.put([record_of(f"document{number}", f"C{number % 100}").point() for number in documents])


def record_of(document_id: str, channel: str) -> StoredDocument:
    """Return the record that lets a document's chunks be found."""
    share = Share(channel=channel, file_id="F", user="U", ts="1.0", permalink="", name=document_id)
    return StoredDocument(document_id=document_id, added_at=1.0, complete=True, shares=(share,), revisions=("r",))


def replace_id(point: Point, number: int) -> Point:
    """Give a sample an id of its own."""
    return replace(point, id=str(uuid.UUID(int=number)))


async def a_large_file(folder: Path, pages: int) -> Figures:
    """Index a very long file while a watch looks at the memory and at the event loop."""
    path = await asyncio.to_thread(make_pdf, folder / "long.pdf", pages)
    async with opened(folder / "long", Embedder(FreeEncoder)) as library, Watch().running() as watch:
        start = time.perf_counter()
        receipt = await library.add(path, share(path))
        seconds = time.perf_counter() - start
    return told(
        pages_of_large_file=pages, chunks_of_it=receipt.document.chunks, indexing_seconds=seconds,
        peak_memory_mb=watch.peak_bytes / 2**20, longest_block_ms=1000 * watch.longest_seconds,
    )  # fmt: skip


class Watch:
    """Looks every few milliseconds: how late am I, and how much more memory do we and our readers hold?"""

    def __init__(self) -> None:
        self.longest_seconds = 0.0
        self.peak_bytes = 0
        self._process = psutil.Process()
        self._start_bytes = self._process.memory_info().rss

    @asynccontextmanager
    async def running(self) -> "AsyncIterator[Watch]":
        """Look until the end of the block."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look_at_the_loop()), group.create_task(self._look_at_the_memory())]
            yield self
            for task in tasks:
                task.cancel()

    async def _look_at_the_loop(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.longest_seconds = max(self.longest_seconds, time.perf_counter() - before - 0.005)

    async def _look_at_the_memory(self) -> None:
        while True:
            await asyncio.to_thread(self._weigh)
            await asyncio.sleep(0.2)

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
    """Write a book of real sentences: as many letters a page as a manual has."""
    dice, pdf, known = random.Random(pages), FPDF(), sentences_of_examples()
    pdf.set_font("Helvetica", size=10)
    for number in range(1, pages + 1):
        pdf.add_page()
        text = f"{number}. Part {number}\n{prose(dice, known)}"
        pdf.multi_cell(0, 5, text.encode("latin-1", "replace").decode("latin-1"))
    pdf.output(str(path))
    return path


@functools.cache
def sentences_of_examples() -> list[str]:
    """Return the sentences of the example documents, French and English: invented words would cost more tokens."""
    texts = [path.read_text() for path in sorted(EXAMPLES.glob("*.md"))]
    found = [" ".join(text[start:end].split()) for text in texts for start, end in spans(text, 400)]
    return [sentence for sentence in found if len(sentence) > 40 and sentence[0].isalpha()]


def prose(dice: random.Random, known: Sequence[str]) -> str:
    """Return sentences for one page."""
    text = dice.choice(known)
    while len(text) < PAGE_LETTERS:
        text += " " + dice.choice(known)
    return text


def told(**figures: float) -> Figures:
    """Print figures as they come, with what they should be."""
    for name, value in figures.items():
        target = TARGETS.get(name)
        verdict = "" if target is None else f"   at most {target:g}: {'yes' if value <= target else 'NO'}"
        print(f"{name:30s} {value:10.3f}{verdict}", flush=True)
    return {name: round(value, 3) for name, value in figures.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
