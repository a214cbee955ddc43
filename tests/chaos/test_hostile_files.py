"""Mutated PDFs dropped into a conversation: each ends with a sentence for the person, no process dies or hangs.

By hand, all of them: `MUTATED_PDFS=1000 pytest -s tests/chaos/test_hostile_files.py -o timeout=7200`.
"""

# ruff: noqa: F811 - fixtures of other folders

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

from handlers.context.ingest import Ingested, ingest, receipt_sentence
from handlers.request import Request, Services
from tests.handlers.conftest import asked, files, library, model, services  # noqa: F401 - fixtures
from tests.handlers.fakes import Folder
from tests.pdfs import EXAMPLES, damaged, make_pdf, readers

COUNT = int(os.environ.get("MUTATED_PDFS", "12"))
LONGEST_SECONDS = 60  # for one file, on a busy machine


def originals(folder: Path) -> list[Path]:
    """Return PDFs of several makers: plain, with an outline, encrypted, and the examples that come with us."""
    plain = make_pdf(folder / "plain.pdf", [f"This is page {number}." for number in range(1, 9)])
    writer = pypdf.PdfWriter(clone_from=plain)
    writer.add_outline_item(title="Part", page_number=3)
    writer.encrypt("", "owner", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    return [plain, folder / "locked.pdf", *EXAMPLES]


def mutated(number: int, sources: list[Path], target: Path) -> Path:
    """Write the number-th mutated file: the same every time."""
    dice = random.Random(number)
    target.write_bytes(damaged(dice.choice(sources).read_bytes(), dice))
    return target


async def said_about(file_id: str, request: Request, services: Services) -> tuple[str, str]:
    """Receive a file as an upload does; return how it ended and the sentence for the person."""
    async with asyncio.timeout(LONGEST_SECONDS):
        outcome = await ingest(file_id, request, services)
    return ("read" if isinstance(outcome, Ingested) else "refused"), receipt_sentence(outcome, request.language)


@pytest.mark.timeout(120 + COUNT * LONGEST_SECONDS)
async def test_every_mutated_file_gets_its_sentence(
    services: Services, files: Folder, asked: Callable[..., Request], tmp_path: Path
) -> None:
    sources, ends, slowest, began = originals(tmp_path), Counter[str](), 0.0, time.monotonic()
    for number in range(COUNT):
        files.files["F1"] = mutated(number, sources, tmp_path / f"mutated-{number}.pdf")
        started = time.monotonic()
        end, said = await said_about("F1", asked("upload"), services)
        ends[end] += 1
        slowest = max(slowest, time.monotonic() - started)
        assert len(said) > 20, f"number {number}: {said!r}"
        files.files["F1"].unlink()
    await asyncio.sleep(0.5)
    assert not readers()
    print(f"\n{COUNT} mutated PDFs in {time.monotonic() - began:.0f} s: {dict(ends)}, the slowest {slowest:.1f} s")
