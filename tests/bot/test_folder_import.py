"""A folder into the library: which files, each once, under the audience of the channel, with an honest report."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StartFailed
from bot.folder.follow import Followed, follow, followed_folders
from bot.folder.shares import FolderShares, ReportLine
from bot.folder.wanted import Wanted, matches
from bot.folder.watch import watch
from bot.folder_import import Report, Wishes, import_folder, progress_bar, read_files
from bot.settings import Settings
from indexing.audience import Audience
from indexing.document import IMPORTED, Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from tests.indexing.conftest import WordEncoder, embedder, encoder  # noqa: F401  # fixtures
from tests.pdfs import make_pdf

C1, C2 = Audience(frozenset({"C1"})), Audience(frozenset({"C2"}))
MOST_BYTES = 10**6
ROOT = Path(__file__).parents[2]


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


def shares_of(folder: Path, library: Library, channel: str = "C1", **more: Any) -> FolderShares:
    return FolderShares(wanted=Wanted(folder=folder), channel=channel, library=library, most_bytes=MOST_BYTES, **more)


async def import_all(folder: Path, library: Library, channel: str = "C1", **more: Any) -> list[ReportLine]:
    shares = shares_of(folder, library, channel, **more)
    return [await shares.read(path) for path in shares.wanted.files()]


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
    wishes = Wishes(report=tmp_path / "report.csv", dry_run=True)
    import_folder(Settings(), Wanted(folder=folder), "general", wishes)
    with (tmp_path / "report.csv").open() as file:
        rows = list(csv.reader(file))
    assert [row[:2] for row in rows[1:]] == [
        ["lease.pdf", "would be read"], ["old/lease.txt", "would be read"], ["setup.exe", "not read"],
    ]  # fmt: skip


def test_a_report_has_a_line_for_each_file_as_soon_as_it_is_read(tmp_path: Path) -> None:
    with Report(tmp_path / "a.csv") as report:
        report.take([ReportLine("a, b.pdf", "read", "2 pages", 0.5)])
        assert (tmp_path / "a.csv").read_text().splitlines()[1] == '"a, b.pdf",read,2 pages,0.5'


async def names_in(library: Library) -> set[str]:
    return {share.name for share in await library.shares()}


async def test_a_touched_file_is_no_second_share(folder: Path, library: Library) -> None:
    await import_all(folder, library)
    os.utime(folder / "lease.pdf", (2_000_000_000, 2_000_000_000))
    assert [line.outcome for line in await import_all(folder, library)] == ["known", "known", "not read"]
    assert len(await library.shares()) == 2


async def test_an_older_file_put_back_counts(folder: Path, library: Library) -> None:
    await import_all(folder, library)
    (folder / "old" / "lease.txt").write_text("The rent of the workshop was 650 euros a month, long ago.")
    os.utime(folder / "old" / "lease.txt", (1_000_000_000, 1_000_000_000))
    assert (await import_all(folder, library))[1].outcome == "read"
    passages = await library.search(["rent of the workshop"], readable_by=C1)
    text = " ".join(passage.text for passage in passages)
    assert "650 euros" in text
    assert "700 euros" not in text


async def test_two_folders_in_one_channel_do_not_get_in_each_others_way(
    folder: Path, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.txt").write_text("Petra has the keys of the hall.")
    await import_all(folder, library)
    await import_all(tmp_path / "other", library)
    (tmp_path / "other" / "b.txt").unlink()
    assert [line.name for line in await shares_of(tmp_path / "other", library).remove_gone()] == ["b.txt"]
    assert await names_in(library) == {"lease.pdf", "old/lease.txt"}


async def test_what_is_gone_is_forgotten_but_not_all_at_once(folder: Path, library: Library) -> None:
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"The hall number {number} has a key.")
    await import_all(folder, library)
    (folder / "lease.pdf").unlink()
    assert [line.name for line in await shares_of(folder, library).remove_gone()] == ["lease.pdf"]
    for number in range(12):
        (folder / f"{number}.txt").unlink()
    (line,) = await shares_of(folder, library).remove_gone()
    assert line.outcome == "not removed"
    assert "mounted" in line.about
    assert len(await names_in(library)) == 13
    assert len(await shares_of(folder, library).remove_gone(even_most=True)) == 12
    assert await names_in(library) == {"old/lease.txt"}


async def test_a_file_opens_where_people_have_it(folder: Path, library: Library) -> None:
    await import_all(folder, library, links="https://drive.example/docs/")
    links = {share.permalink for share in await library.shares()}
    assert links == {"https://drive.example/docs/lease.pdf", "https://drive.example/docs/old/lease.txt"}


async def test_a_followed_folder_tells_what_comes_changes_and_goes(folder: Path, library: Library) -> None:
    lines = watch(shares_of(folder, library))
    first = {(line.name, line.outcome) for line in [await anext(lines) for _ in range(3)]}
    assert first == {("lease.pdf", "read"), ("old/lease.txt", "read"), ("setup.exe", "not read")}
    (folder / "new").mkdir()
    (folder / "new" / "keys.txt").write_text("Petra has the keys of the hall.")
    async with asyncio.timeout(20):
        assert (await anext(lines)).name == "new/keys.txt"
        (folder / "new" / "keys.txt").write_text("Ines has the keys of the hall.")
        line = await anext(lines)
        assert (line.name, line.outcome) == ("new/keys.txt", "read")
        (folder / "new" / "keys.txt").unlink()
        line = await anext(lines)
        assert (line.name, line.outcome) == ("new/keys.txt", "removed")
    assert await names_in(library) == {"lease.pdf", "old/lease.txt"}
    await lines.aclose()


async def test_a_folder_that_is_not_there_leaves_the_assistant_running(library: Library, tmp_path: Path) -> None:
    async def remove(_share: Share) -> None:
        raise AssertionError("nothing is to be removed")

    following = asyncio.create_task(follow(Followed(tmp_path / "none", "general"), Settings(), library, remove))
    await asyncio.sleep(0.1)
    assert not following.done()
    following.cancel()
    await asyncio.wait([following])


def test_followed_folders_are_read_from_one_line() -> None:
    assert followed_folders(" /srv/a=general, /mnt/b=team=https://d.example/?x=1 ,") == [
        Followed(Path("/srv/a"), "general"), Followed(Path("/mnt/b"), "team", "https://d.example/?x=1"),
    ]  # fmt: skip
    assert followed_folders("") == []
    for odd in ("srv=general", "/srv", "/srv="):
        with pytest.raises(StartFailed, match="BOT_WATCHED_FOLDERS"):
            followed_folders(odd)


@asynccontextmanager
async def library_in(index: Path) -> AsyncIterator[Library]:
    small = Embedder(WordEncoder, query="", passage="")
    await small.start()
    opened = Library(await EdgeIndex.open(index, 64), small, ReadingLimits(processes=1))
    yield opened
    await opened.aclose()
    await small.aclose()


async def read_in_process(folder: str, index: str, report: str) -> None:
    """Import in a process of its own, as the command does but with a small encoder; it is killed from outside."""
    async with library_in(Path(index)) as opened:
        shares = shares_of(Path(folder), opened)
        with Report(Path(report)) as lines, progress_bar() as bar:
            await read_files(shares, list(shares.wanted.files()), lines, bar)


async def shares_and_chunks(index: Path) -> tuple[list[str], float]:
    async with library_in(index) as opened:
        await opened.sweep(0)
        return sorted(share.name for share in await opened.shares()), (await opened.statistics())["chunks"]


def kill_after(arguments: list[str], report: Path, lines: int) -> None:
    """Start an import and kill it once so many files are read."""
    report.unlink(missing_ok=True)
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.DEVNULL)
    while process.poll() is None and (not report.exists() or len(report.read_text().splitlines()) <= lines):
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.mark.timeout(240)
def test_a_killed_import_goes_on_without_doubles(tmp_path: Path) -> None:
    """SIGKILL in the middle; then it runs to its end, and the library is as after one import."""
    (tmp_path / "docs").mkdir()
    for number in range(12):
        text = f"The hall number {number} has a key, and a fee of {number}."
        (tmp_path / "docs" / f"{number:02}.txt").write_text(text)
    code = "import asyncio, sys; from tests.bot.test_folder_import import read_in_process as read; "
    code += "asyncio.run(read(*sys.argv[1:]))"
    report, index = tmp_path / "report.csv", tmp_path / "index"
    arguments = [sys.executable, "-c", code, str(tmp_path / "docs"), str(index), str(report)]
    kill_after(arguments, report, 5)
    subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True)
    outcomes = [row[1] for row in csv.reader(report.read_text().splitlines())][1:]
    assert outcomes[:5] == ["known"] * 5
    assert set(outcomes) == {"known", "read"}
    assert asyncio.run(shares_and_chunks(index)) == ([f"{number:02}.txt" for number in range(12)], 12.0)
