"""A file on its way from Slack into the library: progress, then an honest receipt or a clear sentence."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from handlers.request import FileRefused, Progress, Request, Services
from handlers.text.messages import say
from indexing.document import Share
from indexing.gone import TakenBack
from indexing.library import Receipt
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


Outcome = Ingested | NotIngested


async def ingest(file_id: str, request: Request, services: Services) -> AsyncIterator[Progress | Outcome]:
    """Fetch a file and add it; yield progress, and last the outcome."""
    language = request.language
    name = ""
    with tempfile.TemporaryDirectory(prefix="upload-") as folder:
        yield Progress(say("upload.fetching", language))
        try:
            file = await services.files.fetch(file_id, Path(folder))
            name = file.name
            share = Share(
                channel=request.channel, file_id=file_id, user=request.user, ts=request.ts or request.target,
                permalink=file.permalink, name=name,
            )  # fmt: skip
            async with aclosing(added(file.path, share, services, language)) as steps:  # type: ignore[type-var]
                async for step in steps:
                    yield step
        except (FileRefused, UnreadableDocument) as refused:
            name = name or str(refused.values.get("name") or "")
            yield NotIngested(name, say(f"files.{refused.reason}", language, **refused.values))
        except TakenBack:
            yield NotIngested(name, say("files.taken_back", language))


async def added(path: Path, share: Share, services: Services, language: str) -> AsyncIterator[Progress | Ingested]:
    """Add a file to the library; yield progress, and last the receipt."""
    steps: asyncio.Queue[tuple[str, int, int]] = asyncio.Queue()

    def report(stage: str, done: int, total: int) -> None:
        steps.put_nowait((stage, done, total))

    adding = asyncio.create_task(services.library.add(path, share, report=report))
    try:
        while not adding.done():
            await asyncio.wait([adding], timeout=STEP_SECONDS)
            if latest := _latest(steps):
                yield progress(*latest, share.name, language)
        yield Ingested(share.name, await adding)
    finally:
        adding.cancel()
        await asyncio.wait([adding])


def _latest(steps: "asyncio.Queue[tuple[str, int, int]]") -> tuple[str, int, int] | None:
    latest = None
    while not steps.empty():
        latest = steps.get_nowait()
    return latest


def progress(stage: str, done: int, total: int, name: str, language: str) -> Progress:
    """Return the sign of progress for a stage of reading a file."""
    known = stage if stage in STAGES else "reading"
    return Progress(say(f"upload.{known}", language, name=name, done=done, total=total), done, total)


def receipt_sentence(outcome: Outcome, language: str) -> str:
    """Return what is said about a file in the end."""
    if isinstance(outcome, NotIngested):
        return f"**{outcome.name}**: {outcome.sentence}" if outcome.name else outcome.sentence
    return f"**{outcome.name}**: {counts(outcome.receipt, language)}"


def counts(receipt: Receipt, language: str) -> str:
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
    notes = [say(f"upload.{note}", language) for note in ("known", "replaced") if getattr(receipt, note)]
    return " ".join([", ".join(parts) + ".", *notes])


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
