"""Files of every kind, good and bad, through the processes that read them."""

import asyncio
import contextlib
import zipfile
from pathlib import Path

import pypdf
import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from indexing.reading import ocr, pool
from indexing.reading.kinds import document_kind
from indexing.reading.pdf import PdfFile
from indexing.reading.pool import OpenDocument, ReadingLimits, ReadPage, UnreadableDocument
from tests.pdfs import make_pdf

ONE = ReadingLimits(processes=1)
GLUED = "citylimitlyonanditssurroundingsallthewaytotheairport"


async def read(path: Path, limits: ReadingLimits = ONE) -> list[ReadPage]:
    running = OpenDocument(path, document_kind(path), limits)
    await running.start()
    try:
        return [page async for page in running.pages()]
    finally:
        await running.stop()


async def reason(path: Path, limits: ReadingLimits = ONE) -> str:
    with pytest.raises(UnreadableDocument) as raised:
        await read(path, limits)
    return raised.value.reason


async def test_pages_come_in_order_whoever_reads_them(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "long.pdf", [f"This is page {number}." for number in range(1, 71)])
    pages = await read(path, ReadingLimits(processes=3))
    assert [page.number for page in pages] == list(range(1, 71))
    assert all(page.text == f"This is page {page.number}." for page in pages)


async def test_title_and_outline_are_known_before_the_pages(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.set_title("The rules")
    pdf.set_font("Helvetica", size=12)
    for number in (1, 2):
        pdf.add_page()
        pdf.start_section(f"Part {number}")
        pdf.cell(text="Words.")
    pdf.output(str(tmp_path / "rules.pdf"))
    running = OpenDocument(tmp_path / "rules.pdf", "pdf", ONE)
    await running.start()
    await running.stop()
    assert running.about == pool.DocumentFacts(2, "The rules", ((0, "Part 1", 1), (0, "Part 2", 2)))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.pdf", b"", "empty"),
        ("zeros.pdf", bytes(100), "empty"),
        ("page.pdf", b"<!doctype html><html><body>Sign in</body></html>", "html"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "damaged"),
        ("program.txt", b"\x7fELF\0\0\1\2", "not_a_pdf"),
        ("damaged.pdf", b"%PDF-1.7\n" + bytes(500), "damaged"),
        ("archive.docx", b"PK\x03\x04" + bytes(200), "damaged"),
    ],
)
async def test_what_is_no_document_has_its_reason(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert await reason(tmp_path / name) == expected


@pytest.mark.parametrize(("user", "expected"), [("secret", "encrypted"), ("", "")])
async def test_only_a_password_to_open_keeps_us_out(tmp_path: Path, user: str, expected: str) -> None:
    writer = pypdf.PdfWriter(clone_from=make_pdf(tmp_path / "plain.pdf", ["Words inside."]))
    writer.encrypt(user, "owner", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    if expected:
        assert await reason(tmp_path / "locked.pdf") == expected
    else:
        assert (await read(tmp_path / "locked.pdf"))[0].text == "Words inside."


async def test_too_many_pages_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "long.pdf", ["A page."] * 5)
    assert await reason(path, ReadingLimits(pages=4, processes=1)) == "too_many_pages"


async def test_a_file_may_not_take_for_ever(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "long.pdf", ["A page."] * 50)
    assert await reason(path, ReadingLimits(seconds=0.01, processes=1)) == "too_slow"


async def test_a_file_whose_opening_takes_too_long_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexing.reading.pool.OPEN_SECONDS", 0.01)
    assert await reason(make_pdf(tmp_path / "slow.pdf", ["A page."])) == "too_slow"


async def test_pages_read_before_time_was_up_stay(tmp_path: Path) -> None:
    """A long scan that OCR can't finish is a document of the pages that were read, not nothing."""
    path = make_pdf(tmp_path / "long.pdf", ["A page."] * 200)
    running = OpenDocument(path, "pdf", ONE)
    await running.start()
    read_pages = []
    async with contextlib.aclosing(running.pages()) as pages:
        async for page in pages:
            read_pages.append(page)
            running.spend(ONE.seconds)
    await running.stop()
    assert [page.number for page in read_pages] == list(range(1, 201))
    assert (read_pages[0].how, read_pages[-1].how) == ("pypdf", "failed")


async def test_pages_read_before_time_was_up_within_a_block_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = pool.ReaderProcess._hear

    async def slow(self: pool.ReaderProcess, seconds: float) -> dict[str, object] | None:
        said = await answer(self, seconds)
        if said and said.get("page") == 3:
            self.reading.spend(ONE.seconds)
        return said

    monkeypatch.setattr(pool.ReaderProcess, "_hear", slow)
    pages = await read(make_pdf(tmp_path / "long.pdf", ["A page."] * 10))
    assert [page.how for page in pages] == ["pypdf"] * 3 + ["failed"] * 7


@pytest.mark.parametrize(("pages", "readers"), [(1, 1), (16, 1), (17, 2), (200, 4)])
async def test_a_short_file_has_the_time_of_those_who_read_it(tmp_path: Path, pages: int, readers: int) -> None:
    running = OpenDocument(
        make_pdf(tmp_path / "a.pdf", ["A page."] * pages), "pdf", ReadingLimits(seconds=60, processes=4)
    )
    await running.start()
    running.spend(60 * readers - running._spent_seconds - 1)
    assert running.seconds_left() > 0
    running.spend(1)
    with pytest.raises(UnreadableDocument):
        running.seconds_left()
    await running.stop()


async def test_waiting_for_the_embedder_is_no_reading(tmp_path: Path) -> None:
    running = OpenDocument(make_pdf(tmp_path / "short.pdf", ["A page."]), "pdf", ONE)
    await running.start()
    left = running.seconds_left()
    await asyncio.sleep(0.05)
    assert running.seconds_left() == left
    await running.stop()


async def test_a_file_may_not_take_all_memory(tmp_path: Path) -> None:
    """A process that needs more than it may map gives up; the file is damaged to us, and we live."""
    (tmp_path / "large.txt").write_bytes(b"words " * (40 * 2**20))
    assert await reason(tmp_path / "large.txt", ReadingLimits(address_bytes=500 * 2**20, processes=1)) == "damaged"


async def test_a_page_that_kills_its_reader_is_named_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_pdf(tmp_path / "long.pdf", [f"This is page {number}." for number in range(1, 6)])
    answer = pool.ReaderProcess._hear

    async def killed(self: pool.ReaderProcess, seconds: float) -> dict[str, object] | None:
        said = await answer(self, seconds)
        if said and said.get("page") == 3:
            self.process.kill()
            return None
        return said

    monkeypatch.setattr(pool.ReaderProcess, "_hear", killed)
    assert [page.how for page in await read(path)] == ["pypdf", "pypdf", "failed", "pypdf", "pypdf"]


async def test_no_process_stays_when_the_reader_goes_away(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "long.pdf", ["A page."] * 60)
    running = OpenDocument(path, "pdf", ReadingLimits(processes=2))
    await running.start()
    (first,) = running._spare
    async for _page in running.pages():
        break
    await running.stop()
    await asyncio.wait_for(first.process.wait(), 5)


def scan(path: Path, text: str, stamp: str = "", height: float = 0) -> Path:
    """Write a page that is a picture of a text, perhaps with a line of real text over it."""
    picture = Image.new("L", (1240, 400), 255)
    ImageDraw.Draw(picture).text((60, 100), text, font=ImageFont.load_default(48), fill=0)
    picture.save(path.with_suffix(".png"))
    pdf = FPDF()
    pdf.add_page()
    pdf.image(str(path.with_suffix(".png")), w=180, h=height)
    if stamp:
        pdf.set_font("Helvetica", size=8)
        pdf.text(10, 8, stamp)
    pdf.output(str(path))
    return path


@pytest.mark.skipif(not ocr.is_installed(), reason="tesseract is not installed")
async def test_a_scan_is_read_by_ocr(tmp_path: Path) -> None:
    (page,) = await read(scan(tmp_path / "scan.pdf", "The hotel may cost 140 euros"))
    assert page.how == "ocr"
    assert "140 euros" in page.text


async def test_a_stamp_on_a_scan_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner's own line is text, and still nobody has read the page."""
    monkeypatch.setenv("PATH", "/nowhere")
    (page,) = await read(scan(tmp_path / "scan.pdf", "Words", stamp="Page 1 of 1", height=250))
    assert (page.text, page.how) == ("Page 1 of 1", "none")


async def test_a_title_over_a_photo_has_been_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OCR sees the title that is text already, and nothing more: there is no more."""
    tesseract = tmp_path / "tesseract"
    tesseract.write_text("#!/bin/sh\necho Introduction\n")
    tesseract.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (page,) = await read(scan(tmp_path / "slide.pdf", "", stamp="Introduction", height=250))
    assert (page.text, page.how) == ("Introduction", "pypdf")


async def test_a_blank_page_is_no_scan(tmp_path: Path) -> None:
    pages = await read(make_pdf(tmp_path / "book.pdf", ["Words.", ""]))
    assert [page.how for page in pages] == ["pypdf", "blank"]


async def test_a_table_is_read_as_rows(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    pdf.add_page()
    with pdf.table() as table:
        for cells in (("City", "Limit"), ("Lyon and its surroundings, all the way to the airport", "110 euros")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    pdf.output(str(tmp_path / "table.pdf"))
    (page,) = await read(tmp_path / "table.pdf")
    assert page.text == "City | Limit\nLyon and its surroundings, all the way to the airport | 110 euros"


@pytest.mark.parametrize(
    "worse",
    ["City | Limit", f"{GLUED}\n" * 3, "\ue001" * 30 + " | City Limit Lyon 110 euros"],
    ids=["letters", "spaces", "signs"],
)
def test_rows_that_lose_letters_or_spaces_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worse: str
) -> None:
    monkeypatch.setattr("indexing.reading.pdf.text_with_tables", lambda _page: worse)
    file = PdfFile(make_pdf(tmp_path / "a.pdf", ["City Limit Lyon 110 euros"]))
    assert file.page(1)["text"] == "City Limit Lyon 110 euros"


async def test_a_scan_without_ocr_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (page,) = await read(scan(tmp_path / "scan.pdf", "Words"))
    assert page.how == "none"


async def test_text_and_markdown_are_documents(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Été\n\nLe café.\n" + "Une phrase. " * 700, encoding="utf-8")
    (tmp_path / "old.txt").write_bytes("L'été à Noël".encode("cp1252"))
    (tmp_path / "feeds.txt").write_text("one two\fthree four")
    assert len(await read(tmp_path / "notes.md")) > 1
    assert (await read(tmp_path / "old.txt"))[0].text == "L'été à Noël"
    assert [page.text for page in await read(tmp_path / "feeds.txt")] == ["one two", "three four"]


async def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(210 * 2**20))
    assert await reason(tmp_path / "bomb.docx") == "damaged"
