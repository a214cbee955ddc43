"""A file on its way from Slack into the library: progress, then an honest receipt or a clear sentence."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from handlers.pieces import Progress
from handlers.request import FileRefused, Request, Services
from handlers.text.messages import say
from indexing.document import Share
from indexing.gone import TakenBack
from indexing.library import Receipt, Report
from indexing.reading.pool import UnreadableDocument

STAGES = frozenset({"reading", "embedding", "storing"})
MOST_LISTED = 12  # page numbers in a receipt
STEP_SECONDS = 0.5  # between two signs of progress


@dataclass(frozen=True)
class NotIngested:
    """A file that did not come in, and the sentence about it."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Ingested:
    """A file that came in."""

    name: str
    receipt: Receipt
    is_known: bool = False  # to those who see the receipt


Outcome = Ingested | NotIngested


async def ingest(file_id: str, request: Request, services: Services) -> Outcome:
    """Fetch a file and add it to the library; each step is reported, and its seconds count for the person."""
    if await services.quota.is_spent(request.user):
        return NotIngested("", say("files.spent", request.language))
    started = time.monotonic()
    try:
        return await fetched(file_id, request, services)
    finally:
        await services.quota.spend(request.user, time.monotonic() - started)


async def fetched(file_id: str, request: Request, services: Services) -> Outcome:
    """Fetch a file and add it to the library. It is its owner's, whoever asks for it to be read."""
    language = request.language
    name = ""
    with tempfile.TemporaryDirectory(dir=services.incoming) as folder:
        services.report(Progress(say("upload.fetching", language)))
        try:
            file = await services.files.fetch(file_id, Path(folder))
            name = file.name
            share = Share(
                channel=request.channel, file_id=file_id, user=file.user or request.user,
                ts=request.ts or request.message_ts, permalink=file.permalink, name=name,
            )  # fmt: skip

            def report(stage: str, done: int, total: int) -> None:
                services.report(progress(stage, done, total, name, language))

            receipt = await services.library.add(file.path, share, report=report)
            services.trail.added.append(receipt.document.id)
            services.trail.unread_pages += len(receipt.scanned_pages) + len(receipt.failed_pages)
            services.trail.removed += receipt.replaced
            is_known = not receipt.known_in.isdisjoint(request.audience.channels)
            return Ingested(name, await paced(receipt, is_known, services, report), is_known)
        except (FileRefused, UnreadableDocument) as refused:
            name = name or str(refused.values.get("name") or "")
            return NotIngested(name, say(f"files.{refused.reason}", language, **refused.values))
        except TakenBack as away:
            return NotIngested(name, say(f"files.{away.reason}", language))


async def paced(receipt: Receipt, is_known: bool, services: Services, report: Report) -> Receipt:
    """Take as long for a file that others shared elsewhere as for a new one: its speed would tell that they did."""
    chunks = receipt.document.chunks
    if not receipt.known:
        services.pace.note(chunks, receipt.seconds)
    if not receipt.known or is_known:
        return receipt
    seconds = max(receipt.seconds, services.pace.seconds(chunks))
    steps = max(1, round((seconds - receipt.seconds) / STEP_SECONDS))
    for step in range(steps):
        report("embedding", chunks * step // steps, chunks)
        await asyncio.sleep((seconds - receipt.seconds) / steps)
    return replace(receipt, seconds=seconds)


def progress(stage: str, done: int, total: int, name: str, language: str) -> Progress:
    """Return the sign of progress for a stage of reading a file."""
    known = stage if stage in STAGES else "reading"
    return Progress(say(f"upload.{known}", language, name=name, done=done, total=total), done, total)


def receipt_sentence(outcome: Outcome, language: str) -> str:
    """Return what is said about a file in the end."""
    if isinstance(outcome, NotIngested):
        return f"**{outcome.name}**: {outcome.sentence}" if outcome.name else outcome.sentence
    return f"**{outcome.name}**: {counts(outcome.receipt, outcome.is_known, language)}"


def counts(receipt: Receipt, is_known: bool, language: str) -> str:
    """Return the receipt: what was read, what was not, and how long it took."""
    document = receipt.document
    unusual = {"ocr": receipt.ocr_pages, "scanned": receipt.scanned_pages, "failed": receipt.failed_pages}
    parts = [
        _counted("pages", document.pages, language),
        say("upload.with_text", language, count=document.pages_with_text),
        *(say(f"upload.{kind}", language, count=len(p), pages=page_list(p)) for kind, p in unusual.items() if p),
        _counted("passages", document.chunks, language),
        say("upload.seconds", language, seconds=_seconds(receipt.seconds, language)),
    ]
    notes = [say("upload.known", language)] * is_known + [say("upload.replaced", language)] * bool(receipt.replaced)
    return " ".join([", ".join(parts) + ".", *notes, *left_out(receipt, language)])


def left_out(receipt: Receipt, language: str) -> list[str]:
    """Return a sentence for each kind of thing in the file that is not among its text."""
    sentences = []
    for key, about in receipt.notes:
        numbers = tuple(int(word) for word in about.split() if word.isdigit())
        sentences.append(say(f"upload.note_{key}", language, about=about, pages=page_list(numbers)))
    return sentences


def _counted(noun: str, count: int, language: str) -> str:
    return say(f"upload.{noun}_one" if count == 1 else f"upload.{noun}", language, count=count)


def _seconds(seconds: float, language: str) -> str:
    text = f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"
    return text.replace(".", ",") if language == "fr" else text


def page_list(pages: tuple[int, ...]) -> str:
    """Return page numbers as a person writes them: 3, 7-9, …"""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}\N{EN DASH}{run[-1]}" for run in runs]
    return ", ".join(shown[:MOST_LISTED]) + (", …" if len(shown) > MOST_LISTED else "")
