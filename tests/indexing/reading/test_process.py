"""The process that reads hostile files: no secret, bounded in time, memory and what it gives back."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexing.reading.pool import OpenDocument, ReadingLimits
from indexing.reading.process import OUTLINE_ENTRIES, PAGE_CHARACTERS, bounded_facts, bounded_page
from tests.pdfs import make_pdf

ROOT = Path(__file__).parents[3]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux_only
async def test_a_reader_has_no_secret_and_can_get_no_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    reading = OpenDocument(make_pdf(tmp_path / "a.pdf", ["Words."]), "pdf", ReadingLimits(processes=1))
    await reading.start()
    (reader,) = reading._spare
    folder = Path(f"/proc/{reader.process.pid}")
    environ, status, limits = await asyncio.to_thread(read_all, folder)
    assert "secret" not in environ
    assert {entry.split("=")[0] for entry in environ.split("\0") if entry} <= {"PATH", "LC_CTYPE"}
    assert "NoNewPrivs:\t1" in status
    assert "unlimited" not in "".join(
        line for line in limits.splitlines() if line.startswith(("Max cpu", "Max file s"))
    )
    await reading.stop()


def read_all(folder: Path) -> tuple[str, str, str]:
    return (
        (folder / "environ").read_text(), (folder / "status").read_text(), (folder / "limits").read_text(),
    )  # fmt: skip


CONFINED = """
import sys
from indexing.reading.confinement import confine
from pathlib import Path
confine(2**31, 30, scratch=Path(sys.argv[1]))
{attempt}
"""


def attempt(code: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CONFINED.format(attempt=code), str(scratch)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@linux_only
def test_a_reader_writes_no_large_file(tmp_path: Path) -> None:
    done = attempt(f"open({str(tmp_path / 'x')!r}, 'wb').write(bytes(64 * 2**20))", tmp_path)
    assert done.returncode
    assert (tmp_path / "x").stat().st_size <= 16 * 2**20


@linux_only
async def test_what_a_reader_started_ends_with_it(tmp_path: Path) -> None:
    reading = OpenDocument(make_pdf(tmp_path / "a.pdf", ["Words."]), "pdf", ReadingLimits(processes=1))
    await reading.start()
    (reader,) = reading._spare
    assert os.getpgid(reader.process.pid) == reader.process.pid
    await reading.stop()
    assert reader.process.returncode is not None


def test_what_a_file_says_of_itself_is_bounded() -> None:
    about = {"pages": 1, "title": "t" * 9999, "outline": [(1, "o" * 9999, 1)] * 99_999, "labels": ["l" * 9999]}
    bounded = bounded_facts(about)
    assert len(bounded["outline"]) == OUTLINE_ENTRIES
    assert len(str(bounded)) < 4 * 2**20
    page = bounded_page({"page": 1, "text": "x" * 999_999, "how": "text"})
    assert (len(page["text"]), page["notes"]) == (PAGE_CHARACTERS, ["long_page"])
