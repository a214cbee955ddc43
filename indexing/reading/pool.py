"""From a file to pages: readers in processes of their own, with limits; a page that fails is named, the others stay."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexing.cores import spare_cores

PAGES_AT_ONCE = 16  # one order to a process: small enough to spread, large enough to keep pipes quiet
PAGE_SECONDS = 90  # OCR of one page has 60
OPEN_SECONDS = 120  # the largest honest files need a few seconds until the first answer
LINE_BYTES = 4 * 2**20  # the longest answer: it is taken apart in the event loop
CPU_SECONDS = 60  # of a reader beyond the time that its file may take


class UnreadableDocument(Exception):
    """The file can't be a document. `reason`: not_a_pdf, html, empty, damaged, encrypted, no_text, too_many_pages,
    too_slow or too_big; `values` fill the sentence about it."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """What one file may cost."""

    pages: int = 5000
    seconds: float = 600  # of reading; the wait for whoever takes the pages does not count
    address_bytes: int = 2 * 2**30  # of each process that reads
    passages: int = 20_000  # of one document; what comes after them is not kept, and the receipt says so
    processes: int = 0  # 0: one fewer than the cores, at least one

    @property
    def side_by_side(self) -> int:
        """Return how many processes read one file."""
        return self.processes or spare_cores()


@dataclass(frozen=True)
class ReadPage:
    """One page as it was read."""

    number: int  # 1-based
    text: str
    how: str  # pypdf, pdfium, ocr, text; none: a picture that nobody reads; blank; failed
    notes: tuple[str, ...] = ()  # keys of what is on the page and was left out: invisible text, a watermark


@dataclass(frozen=True)
class DocumentFacts:
    """What a file says about itself."""

    pages: int
    title: str
    outline: tuple[tuple[int, str, int], ...]  # level, title, page
    labels: tuple[str, ...] = ()  # what people call each page: iv, 2, a slide, a sheet's rows; none for 1, 2, 3
    notes: tuple[tuple[str, str], ...] = ()  # what was not read: a key of texts/upload.toml and what it is about

    @classmethod
    def of(cls, message: dict[str, Any]) -> "DocumentFacts":
        """Take what a reader tells of its file."""
        return cls(
            message["pages"], message["title"], tuple(tuple(entry) for entry in message["outline"]),
            tuple(message.get("labels", ())), tuple((key, about) for key, about in message.get("notes", ())),
        )  # fmt: skip


@dataclass
class OpenDocument:
    """A file that is being read: first what it is about, then its pages in order."""

    path: Path
    kind: str
    limits: ReadingLimits
    about: DocumentFacts = DocumentFacts(0, "", ())
    scratch: str = ""  # a folder: all that its readers may write in
    _spent_seconds: float = 0  # of all readers together
    _spare: "list[ReaderProcess]" = field(default_factory=list)

    async def start(self) -> None:
        """Open the file; raise Unreadable."""
        self.scratch = await asyncio.to_thread(tempfile.mkdtemp, prefix="folio-reading-")
        try:
            reader = await ReaderProcess.start(self)
        except BaseException:
            await self.stop()
            raise
        self.about = reader.about
        self._spare = [reader]
        if self.about.pages > self.limits.pages:
            await self.stop()
            raise UnreadableDocument("too_many_pages", pages=self.about.pages, limit=self.limits.pages)

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """Yield every page in order; readers work ahead side by side. When time is up, the pages left have failed."""
        count = self.about.pages
        blocks = [(first, min(first + PAGES_AT_ONCE - 1, count)) for first in range(1, count + 1, PAGES_AT_ONCE)]
        gate = asyncio.Semaphore(self.limits.side_by_side)
        ahead = asyncio.Semaphore(4 * self.limits.side_by_side)  # blocks read and not yet taken: bounded memory
        tasks = [asyncio.create_task(self._block(first, last, gate, ahead)) for first, last in blocks]
        try:
            for task in tasks:
                for page in await task:
                    yield page
                ahead.release()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _block(self, first: int, last: int, gate: asyncio.Semaphore, ahead: asyncio.Semaphore) -> list[ReadPage]:
        await ahead.acquire()
        read: list[ReadPage] = []
        async with gate:
            while first + len(read) <= last:
                try:
                    read += await self._some(first + len(read), last)
                except UnreadableDocument:  # no time is left, or the file can't be opened again
                    break
        return [*read, *(ReadPage(number, "", "failed") for number in range(first + len(read), last + 1))]

    async def _some(self, first: int, last: int) -> list[ReadPage]:
        """Read these pages; fewer if the process dies or hangs at one, which has failed then, or time is up."""
        self.seconds_left()
        reader = self._spare.pop() if self._spare else await ReaderProcess.start(self)
        try:
            read = await reader.read(first, last)
        except BaseException:
            await reader.stop()
            raise
        if first + len(read) > last:
            self._spare.append(reader)
            return read
        await reader.stop()
        return [*read, ReadPage(first + len(read), "", "failed")]

    def seconds_left(self) -> float:
        """Return how long this file may still be read; raise Unreadable when that is over."""
        left = self.limits.seconds - self._spent_seconds / self._side_by_side
        if left <= 0:
            raise UnreadableDocument("too_slow", seconds=round(self.limits.seconds))
        return left

    @property
    def _side_by_side(self) -> int:
        """Return how many readers can share the work: a short file has one block, and that one reader."""
        return max(1, min(self.limits.side_by_side, -(-self.about.pages // PAGES_AT_ONCE)))

    def spend(self, seconds: float) -> None:
        """Count what a reader took."""
        self._spent_seconds += seconds

    async def stop(self) -> None:
        """End the processes."""
        for reader in self._spare:
            await reader.stop()
        self._spare.clear()
        shutil.rmtree(self.scratch, ignore_errors=True)


@dataclass
class ReaderProcess:
    """One process that reads pages."""

    process: asyncio.subprocess.Process
    reading: OpenDocument
    about: DocumentFacts

    @classmethod
    async def start(cls, reading: OpenDocument) -> "ReaderProcess":
        """Start a process and let it open the file."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "indexing.reading.process", reading.kind, str(reading.path),
            str(reading.limits.address_bytes), str(round(reading.limits.seconds) + CPU_SECONDS), reading.scratch,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_BYTES, cwd=Path(__file__).parents[2],
            env={"PATH": os.environ.get("PATH", os.defpath)},  # no secret for whoever takes over the reader
            start_new_session=True,  # so that its children end with it
        )  # fmt: skip
        reader = cls(process, reading, DocumentFacts(0, "", ()))
        began = time.monotonic()
        try:
            said = await reader._hear(OPEN_SECONDS)
        except BaseException:
            await reader.stop()
            raise
        if said is None or "unreadable" in said:
            await reader.stop()
            if said is None and time.monotonic() - began >= OPEN_SECONDS:
                raise UnreadableDocument("too_slow", seconds=OPEN_SECONDS)
            raise UnreadableDocument(str(said["unreadable"]) if said else "damaged")
        reader.about = DocumentFacts.of(said)
        return reader

    async def read(self, first: int, last: int) -> list[ReadPage]:
        """Return these pages, or fewer if the process dies or hangs at one, or when time is up."""
        assert self.process.stdin
        pages: list[ReadPage] = []
        try:
            self.process.stdin.write(f"{first} {last}\n".encode())
            await self.process.stdin.drain()
        except ConnectionError:
            return pages
        with suppress(UnreadableDocument):  # time is up: what was read stays
            while len(pages) <= last - first and (said := await self._hear(PAGE_SECONDS)):
                pages.append(ReadPage(said["page"], said["text"], said["how"], tuple(said.get("notes", ()))))
        return pages

    async def _hear(self, seconds: float) -> dict[str, Any] | None:
        """Return the next answer; None if the process died or hung."""
        assert self.process.stdout
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(seconds, self.reading.seconds_left())):
                line = await self.process.stdout.readline()
        except (TimeoutError, ValueError):  # or a line over LINE_BYTES
            line = b""
        finally:
            self.reading.spend(time.monotonic() - began)
        if not line.endswith(b"\n"):
            self.reading.seconds_left()
            return None
        return dict(json.loads(line))

    async def stop(self) -> None:
        """End the process and what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
