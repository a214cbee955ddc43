"""One file on its way into the index: pages are read ahead while chunks are embedded and stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexing.chunks import Chunk, Chunker
from indexing.embedder import Embedder
from indexing.language import language_of
from indexing.reading import ocr
from indexing.reading.kinds import document_kind
from indexing.reading.pool import DocumentFacts, OpenDocument, ReadingLimits, ReadPage, UnreadableDocument
from indexing.sparse import AVERAGE_PAGE_TERMS, of_passage
from indexing.stored import StoredDocument, chunk_point, outline_point, page_point
from indexing.vector_store import Point, VectorIndex
from indexing.vectors import Vectors

Report = Callable[[str, int, int], None]  # stage ("reading", "embedding", "storing"), done, total

STORED_TOGETHER = 64  # chunks: four slices of the embedder, and long enough to sort by length
MEANINGLESS_TITLES = ("untitled", "microsoft word", "document", "sans titre", "title", ".")
FILE_SUFFIXES = (".doc", ".docx", ".dvi", ".indd", ".pdf")
LANGUAGE_CHARACTERS = 4000
WITHOUT_TEXT = {"none", "failed", "blank"}  # ways in which a page was read


@dataclass
class Ingest:
    """One reading of a file into the index; the record of what was read grows with it."""

    index: VectorIndex
    embedder: Embedder
    limits: ReadingLimits
    record: StoredDocument
    still_wanted: Callable[[], Awaitable[None]]  # raises if the file was taken back meanwhile
    report: Report | None = None
    _waiting: list[Chunk] = field(default_factory=list)
    _texts: list[Point] = field(default_factory=list)
    _pages: list[ReadPage] = field(default_factory=list)
    _page_texts: dict[int, str] = field(default_factory=dict)  # of the pages whose chunks wait

    async def run(self, path: Path, name: str) -> StoredDocument:
        """Read and store everything; return the record with its figures. Raises Unreadable."""
        reading = OpenDocument(path, await asyncio.to_thread(document_kind, path), self.limits)
        await reading.start()
        try:
            title = best_title(reading.about.title, name)
            self.record = replace(self.record, title=title, own_title="" if title == name else title)
            await self._take_all(reading)
            if not self.record.chunks:
                reading.seconds_left()
        finally:
            await reading.stop()
        return self._complete(reading.about)

    async def _take_all(self, reading: OpenDocument) -> None:
        chunker = Chunker(reading.about.outline)
        async with aclosing(reading.pages()) as pages:
            async for page in pages:
                self._note(page)
                self._waiting += await asyncio.to_thread(chunker.feed, page.number, page.text)
                if len(self._waiting) >= STORED_TOGETHER:
                    await self._store(STORED_TOGETHER)
                self._say("reading", page.number, reading.about.pages)
                if self._is_full:
                    break
        self._waiting += chunker.finish()
        self._texts.append(outline_point(self.record.document_id, self.record.ingest, chunker.sections))
        if self._is_full:
            self._shorten()
        while self._waiting:
            await self._store(STORED_TOGETHER)
            self._say("embedding", self.record.chunks, self.record.chunks + len(self._waiting))
        await self.index.put(self._texts)
        self._say("storing", reading.about.pages, reading.about.pages)

    @property
    def _is_full(self) -> bool:
        """Tell whether more has been read than one document may hold."""
        return self.record.chunks + len(self._waiting) > self.limits.passages

    def _shorten(self) -> None:
        """Let go of the passages beyond the limit, and say so in the receipt."""
        del self._waiting[self.limits.passages - self.record.chunks :]
        self.record = replace(self.record, notes=(*self.record.notes, ("shortened", str(self.limits.passages))))

    def _note(self, page: ReadPage) -> None:
        self._pages.append(replace(page, text=""))
        if page.text:
            self._texts.append(page_point(self.record.document_id, self.record.ingest, page.number, page.text))
            self._page_texts[page.number] = page.text

    async def _store(self, count: int) -> None:
        """Embed and store the chunks that wait, and the pages read so far."""
        await self.still_wanted()
        chunks, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self.record.language:
            text = "\n".join(chunk.text for chunk in chunks)
            language = await asyncio.to_thread(language_of, text[:LANGUAGE_CHARACTERS])
            self.record = replace(self.record, language=language)
        vectors = await self.embedder.embed_passages([self._in_context(chunk) for chunk in chunks])
        points = await asyncio.to_thread(self._points, chunks, vectors)
        texts, self._texts = self._texts, []
        await self.index.put([*points, *texts])
        self.record = replace(self.record, chunks=self.record.chunks + len(chunks))
        self._page_texts = {page: text for page, text in self._page_texts.items() if page >= chunks[-1].page}

    def _in_context(self, chunk: Chunk) -> str:
        """Return what is embedded: the chunk under its document's title and its headings."""
        return "\n".join(part for part in (self.record.title, chunk.heading, chunk.text) if part)

    def _points(self, chunks: Sequence[Chunk], vectors: Vectors) -> list[Point]:
        language, document_id, ingest = self.record.language, self.record.document_id, self.record.ingest
        words = {
            page: of_passage(f"{heading}\n{self._page_texts[page]}", language, AVERAGE_PAGE_TERMS)
            for page, heading in {chunk.page: chunk.heading for chunk in chunks}.items()
        }
        return [
            chunk_point(document_id, ingest, chunk, vector, language=language, page_words=words[chunk.page])
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

    def _complete(self, about: DocumentFacts) -> StoredDocument:
        if not self.record.chunks:
            raise UnreadableDocument("no_text", pages=about.pages, ocr=ocr.is_installed())
        notes = (*about.notes, *self.record.notes, *page_notes(self._pages))
        return replace(
            self.record, pages=about.pages, labels=about.labels, notes=notes,
            pages_with_text=sum(page.how not in WITHOUT_TEXT for page in self._pages),
            scanned=self._numbers("none"), ocr=self._numbers("ocr"), failed=self._numbers("failed"),
        )  # fmt: skip

    def _numbers(self, how: str) -> tuple[int, ...]:
        return tuple(page.number for page in self._pages if page.how == how)

    def _say(self, stage: str, done: int, total: int) -> None:
        if self.report:
            self.report(stage, done, total)


def page_notes(pages: Sequence[ReadPage]) -> list[tuple[str, str]]:
    """Return what was left out or hard to read on single pages, with the pages' numbers."""
    numbers: dict[str, list[int]] = {}
    for page in pages:
        for key in page.notes:
            numbers.setdefault(key, []).append(page.number)
    return [(key, " ".join(map(str, on))) for key, on in sorted(numbers.items())]


def best_title(own: str, name: str) -> str:
    """Return the file's own title, or its name where the title says nothing."""
    own = " ".join(own.split())
    meaningless = len(own) < 4 or own.casefold().startswith(MEANINGLESS_TITLES) or own.endswith(FILE_SUFFIXES)
    return name if meaningless else own[:150]
