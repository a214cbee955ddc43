"""A folder into the library: which files, each once, under the audience of the channel, with an honest report."""

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.folder_import import ReportLine, Wanted, import_folder, matches, read_one, write_report
from bot.settings import Settings
from indexing.audience import Audience
from indexing.document import IMPORTED
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from tests.indexing.conftest import embedder, encoder  # noqa: F401  # fixtures
from tests.pdfs import make_pdf

C1, C2 = Audience(frozenset({"C1"})), Audience(frozenset({"C2"}))
MOST_BYTES = 10**6


@pytest.fixture
async def library(tmp_path: Path, embedder: Embedder) -> AsyncIterator[Library]:  # noqa: F811
    index = await EdgeIndex.open(tmp_path / "index", embedder.dimensions)
    opened = Library(index, embedder, ReadingLimits(processes=1))
    yield opened
    await opened.aclose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "old").mkdir(parents=True)
    make_pdf(tmp_path / "docs" / "lease.pdf", ["The rent of the workshop is 780 euros a month."])
    (tmp_path / "docs" / "old" / "lease.txt").write_text("The rent of the workshop was 700 euros a month.")
    (tmp_path / "docs" / "setup.exe").write_bytes(b"MZ\0\0\1\2\3\4\5\6")
    (tmp_path / "docs" / ".hidden.txt").write_text("secret")
    (tmp_path / "docs" / "link.txt").symlink_to("/etc/hostname")
    return tmp_path / "docs"


def test_hidden_files_and_links_stay_out(folder: Path) -> None:
    wanted = Wanted(folder=folder)
    assert [wanted.name_of(path) for path in wanted.files()] == ["lease.pdf", "old/lease.txt", "setup.exe"]


@pytest.mark.parametrize(
    ("include", "exclude", "names"),
    [(["*.pdf"], [], ["lease.pdf"]), ([], ["old/*"], ["lease.pdf", "setup.exe"]), (["old/*"], [], ["old/lease.txt"]),
     (["lease.*"], ["*.txt"], ["lease.pdf"])],
)  # fmt: skip
def test_patterns_choose(folder: Path, include: list[str], exclude: list[str], names: list[str]) -> None:
    wanted = Wanted(folder=folder, include=include, exclude=exclude)
    assert [wanted.name_of(path) for path in wanted.files()] == names


@given(st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){0,2}\\.(pdf|txt)", fullmatch=True))
def test_a_file_fits_its_own_name_and_its_ending(name: str) -> None:
    assert matches(name, [name])
    assert matches(name, [f"*{Path(name).suffix}"])
    assert not matches(name, ["*.docx"])


async def import_all(folder: Path, library: Library, channel: str = "C1") -> list[ReportLine]:
    wanted = Wanted(folder=folder)
    return [await read_one(path, wanted.name_of(path), channel, library, MOST_BYTES) for path in wanted.files()]


async def test_a_folder_is_read_once_and_only_its_channel_sees_it(folder: Path, library: Library) -> None:
    lines = await import_all(folder, library)
    assert [line.outcome for line in lines] == ["read", "read", "not read"]
    assert "not a document" in lines[2].about
    assert [line.outcome for line in await import_all(folder, library)] == ["known", "known", "not read"]
    documents = await library.documents(C1)
    assert {document.name for document in documents} == {"lease.pdf", "old/lease.txt"}
    assert all(len(document.shares) == 1 for document in documents)
    assert all(share.file_id.startswith(IMPORTED) for document in documents for share in document.shares)
    assert await library.documents(C2) == []


async def test_a_changed_file_replaces_what_it_was(folder: Path, library: Library) -> None:
    await import_all(folder, library)
    (folder / "old" / "lease.txt").write_text("The rent of the workshop was 720 euros a month, in the end.")
    await import_all(folder, library)
    passages = await library.search(["rent of the workshop"], readable_by=C1)
    assert "700 euros" not in " ".join(passage.text for passage in passages)
    assert "720 euros" in " ".join(passage.text for passage in passages)


def test_a_dry_run_reads_nothing_and_says_what_it_would(folder: Path, tmp_path: Path) -> None:
    import_folder(Settings(), Wanted(folder=folder), "general", dry_run=True, report=tmp_path / "report.csv")
    with (tmp_path / "report.csv").open() as file:
        rows = list(csv.reader(file))
    assert [row[:2] for row in rows[1:]] == [
        ["lease.pdf", "would be read"], ["old/lease.txt", "would be read"], ["setup.exe", "not read"],
    ]  # fmt: skip


def test_a_report_has_a_line_for_each_file(tmp_path: Path) -> None:
    write_report(tmp_path / "a.csv", [ReportLine("a, b.pdf", "read", "2 pages", 0.5)])
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == '"a, b.pdf",read,2 pages,0.5'
