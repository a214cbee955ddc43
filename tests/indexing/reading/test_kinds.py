"""Every kind of file that people drop, made here, read through the reader that its bytes ask for."""

import csv
import io
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from indexing.reading import ocr
from indexing.reading.kinds import document_kind
from indexing.reading.pages import CannotRead
from indexing.reading.pool import UnreadableDocument
from indexing.reading.readers import open_readable
from indexing.reading.table_pages import table_pages
from tests.pdfs import make_pdf


def opened(path: Path) -> Any:
    return open_readable(document_kind(path), path)


def read(path: Path) -> list[str]:
    file = opened(path)
    return [file.page(number)["text"] for number in range(1, file.about()["pages"] + 1)]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def slides(path: Path) -> Path:
    file = Presentation()
    first = file.slides.add_slide(file.slide_layouts[1])
    first.shapes.title.text = "Onboarding"
    first.placeholders[1].text = "Badge at the desk\nLaptop on day two"
    first.notes_slide.notes_text_frame.text = "Say who Petra is."
    second = file.slides.add_slide(file.slide_layouts[6])
    table = second.shapes.add_table(3, 2, Inches(1), Inches(1), Inches(4), Inches(2)).table
    for row, texts in enumerate((("Region", "Contact"), ("North", "Aino"), ("", "Pekka"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Sales", (12.5, 14))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(2), data)
    hidden = file.slides.add_slide(file.slide_layouts[6])
    hidden.element.set("show", "0")
    file.save(str(path))
    return path


def test_a_slide_is_a_page_with_its_notes_tables_and_charts(tmp_path: Path) -> None:
    file = opened(slides(tmp_path / "a.pptx"))
    assert file.about()["labels"] == ["slide 1", "slide 2"]
    assert file.about()["notes"] == [("hidden_slides", "3")]
    assert file.page(1)["text"] == "# Onboarding\n\nBadge at the desk\nLaptop on day two\n\nSay who Petra is."
    assert "North | Aino\nNorth | Pekka" in file.page(2)["text"]
    assert "2026 | 14" in file.page(2)["text"]


def workbook(path: Path) -> Path:
    file = openpyxl.Workbook()
    sheet = file.active
    sheet.title = "Costs"
    sheet.append(["Town", "Rate", "Share"])
    for number in range(1, 101):
        sheet.append([f"Town {number}", number * 1.5, number / 100])
        sheet.cell(number + 1, 2).number_format = "#,##0.00 €"
        sheet.cell(number + 1, 3).number_format = "0%"
    sheet["D2"] = "=B2*2"
    file.create_sheet("Old").sheet_state = "hidden"
    file.save(path)
    return path


def test_rows_of_a_sheet_are_pages_under_their_head(tmp_path: Path) -> None:
    file = opened(workbook(tmp_path / "a.xlsx"))
    about = file.about()
    assert about["labels"] == ["Costs!1:40", "Costs!41:80", "Costs!81:101"]
    assert set(about["notes"]) == {("hidden_sheets", "Old"), ("uncomputed", "1")}
    for number in range(1, 4):
        assert file.page(number)["text"].startswith("# Costs\nTown | Rate | Share")
    assert "Town 42 | 63.00 € | 42%" in file.page(2)["text"]


@given(st.lists(st.lists(st.from_regex(r"[a-z]{0,6}[0-9]{0,4}", fullmatch=True), min_size=2, max_size=4), max_size=130))
def test_each_row_of_a_table_is_on_one_page(rows: list[list[str]]) -> None:
    pages = list(table_pages(rows))
    covered = [row for page in pages for row in range(page.first, page.last + 1)]
    assert covered == sorted(set(covered))
    assert {number for number, row in enumerate(rows, start=1) if any(row)} <= set(covered)
    text = "\n".join(page.text for page in pages)
    assert all(cell in text for row in rows for cell in row)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_file_is_a_table(delimiter: str, tmp_path: Path) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([["Town", "Rate"], *([f"T{n}", str(n)] for n in range(60))])
    file = opened(write(tmp_path / "a.csv", out.getvalue()))
    assert file.about()["labels"] == ["rows 1–40", "rows 41–61"]
    assert file.page(2)["text"].startswith("Town | Rate\nT39 | 39")


OFFICE = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
TEXT, TABLE = (f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("text", "table"))


def opendocument(path: Path, kind: str, inside: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        suffix = {"text": "text", "spreadsheet": "spreadsheet"}[kind]
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{suffix}")
        body = f"<office:body><office:{kind}>{inside}</office:{kind}></office:body>"
        archive.writestr("content.xml", f"<office:document {OFFICE} {TEXT} {TABLE}>{body}</office:document>")
    return path


def table_row(*texts: str, more: str = "") -> str:
    cells = "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)
    return f"<table:table-row>{cells}{more}</table:table-row>"


def test_an_odt_has_headings_notes_and_tables(tmp_path: Path) -> None:
    note = "<text:note><text:note-body><text:p>340 in July</text:p></text:note-body></text:note>"
    heading = '<text:h text:outline-level="2">Rent</text:h>'
    table = f"<table:table>{table_row('Oslo', '9')}</table:table>"
    inside = f"{heading}<text:p>It is 210<text:s/>euros{note}.</text:p>{table}"
    assert read(opendocument(tmp_path / "a.odt", "text", inside)) == [
        "## Rent\n\nIt is 210 euros. [note: 340 in July]\n\nOslo | 9"
    ]


def test_an_ods_has_rows_and_empty_cells_do_not_explode(tmp_path: Path) -> None:
    gap = '<table:table-cell table:number-columns-repeated="16000"/>'
    empty = f'<table:table-row table:number-rows-repeated="1000000">{gap}</table:table-row>'
    rows = table_row("Town", "Rate", more=gap) + table_row("Oslo", "9", more=gap) + empty
    path = opendocument(tmp_path / "a.ods", "spreadsheet", f'<table:table table:name="Costs">{rows}</table:table>')
    file = opened(path)
    assert file.about()["labels"] == ["Costs!1:2"]
    assert file.page(1)["text"] == "# Costs\nTown | Rate\nOslo | 9"


def test_a_web_page_is_what_a_browser_shows(tmp_path: Path) -> None:
    html = """<!doctype html><html><head><title>Rates</title><script>alert(1)</script></head><body>
    <h2>Rates</h2><p>See <a href="https://a.example/x">here</a>.<del>35</del></p><p style="display: none">secret</p>
    <table><tr><th>Town</th><th>Rate</th></tr><tr><td rowspan=2>Oslo</td><td>9</td></tr><tr><td>11</td></tr></table>
    <ul><li>one<li>two</ul><img src="https://tracker.example/p.png"></body></html>"""
    (text,) = read(write(tmp_path / "a.html", html))
    assert "## Rates" in text
    assert "here (https://a.example/x)." in text
    assert "Town | Rate\nOslo | 9\nOslo | 11" in text
    assert "- one" in text
    assert not any(word in text for word in ("alert", "secret", "35", "tracker"))


@pytest.mark.parametrize(("name", "more"), [("a.pdf", ""), ("a.html", "<input type='password'>")])
def test_a_sign_in_page_is_no_document(name: str, more: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, f"<!DOCTYPE html><html><body>Sign in{more}</body></html>")
    with pytest.raises((UnreadableDocument, CannotRead), match="html"):
        opened(path)


def mail(path: Path, folder: Path) -> Path:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Petra <p@a.example>", "team@a.example", "Rent & rates"
    message.set_content("The rent is 210 euros.\n")
    message.add_alternative("<p>The rent is <b>210</b> euros.</p>", subtype="html")
    message.add_attachment("Town,Rate\nOslo,9\n", subtype="csv", filename="rates.csv")
    pdf = make_pdf(folder / "lease.pdf", ["The lease ends in May.", "It may be renewed."]).read_bytes()
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="lease.pdf")
    message.add_attachment(b"MZ\0\0\0\1\2\3\4\5", maintype="application", subtype="octet-stream", filename="setup.exe")
    path.write_bytes(message.as_bytes())
    return path


def test_a_mail_is_read_with_what_was_attached(tmp_path: Path) -> None:
    file = opened(mail(tmp_path / "a.eml", tmp_path))
    about = file.about()
    assert about["title"] == "Rent & rates"
    assert about["labels"] == ["message", "rates.csv, rows 1–2", "lease.pdf, p. 1", "lease.pdf, p. 2"]
    assert about["notes"] == [("attachments", "setup.exe")]
    assert file.page(1)["text"].endswith("The rent is 210 euros.")
    assert file.page(2)["text"] == "Town | Rate\nOslo | 9"
    assert "renewed" in file.page(4)["text"]


def test_a_zip_archive_is_read_file_by_file(tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "empty.docx"))
    mail(tmp_path / "in.eml", tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes/readme.txt", "The key lies under the mat.")
        archive.writestr("__MACOSX/._readme.txt", "nothing")
        archive.write(tmp_path / "in.eml", "in.eml")
        archive.writestr("broken.pdf", b"%PDF-1.7 broken")
    file = opened(tmp_path / "a.zip")
    labels = file.about()["labels"]
    assert labels[:2] == ["notes/readme.txt", "in.eml, message"]
    assert "in.eml, lease.pdf, p. 2" in labels
    assert ("attachments", "broken.pdf") in file.about()["notes"]


def test_archives_within_archives_end_somewhere(tmp_path: Path) -> None:
    data = b"The innermost text."
    name = "a.txt"
    for depth in range(6):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, data)
        data, name = out.getvalue(), f"{depth}.zip"
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CannotRead):
        opened(tmp_path / "a.zip").about()


def test_an_rtf_and_an_epub_are_texts(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.rtf", r"{\rtf1\ansi The caf\'e9 is {\b open}.\par Bring cash.}")) == [
        "The café is open.\nBring cash."
    ]
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<container><rootfile full-path="O/c.opf"/></container>')
        archive.writestr("O/c.opf", '<package><item id="b" href="b.xhtml"/><item id="a" href="a.xhtml"/>'
                         '<itemref idref="a"/><itemref idref="b"/></package>')  # fmt: skip
        archive.writestr("O/a.xhtml", "<html><body><h1>First</h1></body></html>")
        archive.writestr("O/b.xhtml", "<html><body><p>Second.</p></body></html>")
    assert read(tmp_path / "a.epub") == ["# First", "Second."]


def photograph(path: Path, degrees: float = 0.0, dark: bool = False) -> Path:
    picture = Image.new("L", (1240, 900), 235)
    draw = ImageDraw.Draw(picture)
    for row in range(9):
        text = f"The pump of hall {row} was serviced in October."
        draw.text((90, 60 + 80 * row), text, font=ImageFont.load_default(34), fill=20)
    picture = picture.rotate(degrees, expand=True, fillcolor=235, resample=Image.Resampling.BICUBIC)
    if dark:
        shade = Image.linear_gradient("L").resize(picture.size).point(lambda value: 90 + value // 2)
        picture = Image.composite(picture, Image.new("L", picture.size, 0), shade)
    again: dict[str, Any] = {"save_all": True, "append_images": [picture.convert("RGB")]}
    picture.convert("RGB").save(path, **(again if path.suffix == ".tiff" else {}))
    return path


needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="tesseract is not installed")


@needs_ocr
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.heic"])
def test_pictures_are_read(name: str, tmp_path: Path) -> None:
    if name == "a.heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    texts = read(photograph(tmp_path / name))
    assert len(texts) == (2 if name == "a.tiff" else 1)
    assert all("hall 4 was serviced in October" in text for text in texts)


@needs_ocr
@pytest.mark.parametrize("degrees", [-6.0, -2.0, 3.5])
@pytest.mark.parametrize("dark", [False, True])
def test_a_skewed_and_shadowed_photograph_is_read(degrees: float, dark: bool, tmp_path: Path) -> None:
    (text,) = read(photograph(tmp_path / "a.png", degrees, dark))
    assert sum(f"hall {row} was serviced" in text for row in range(9)) >= 8


@needs_ocr
def test_what_is_hard_to_read_is_named(tmp_path: Path) -> None:
    small = Image.open(photograph(tmp_path / "a.png")).resize((300, 218)).resize((1240, 900))
    small.effect_spread(6).save(tmp_path / "b.png")
    page = opened(tmp_path / "b.png").page(1)
    assert page["notes"] == ["hard_to_read"] or page["how"] == "none"
    assert opened(tmp_path / "a.png").page(1)["notes"] == []


TEXTS = [
    ("server.log", "08:00 backup finished"), ("standup.vtt", "WEBVTT\n\nthe release moves"),
    ("c.yaml", "retention: 90"), ("data.json", '{"fee": 12}'), ("setup.ini", "[a]\nfee=12"),
    ("noname", "Just some text."), ("s.srt", "1\n00:01\nHello"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), TEXTS)
def test_plain_text_is_known_by_its_content(name: str, text: str, tmp_path: Path) -> None:
    assert document_kind(write(tmp_path / name, text)) == "text"
    assert read(tmp_path / name) == [text]


def test_markdown_has_its_title_and_its_underlined_headings(tmp_path: Path) -> None:
    text = '---\ntitle: "The handbook"\nowner: Petra\n---\nTravel\n======\n\nBy train.\n\nMeals\n-----\n\nUp to 46.\n'
    file = opened(write(tmp_path / "a.md", text))
    assert file.about()["title"] == "The handbook"
    assert "# Travel" in file.page(1)["text"]
    assert "## Meals" in file.page(1)["text"]
    assert "owner: Petra" in file.page(1)["text"]


@pytest.mark.parametrize("name", ["a.doc", "a.xls", "a.ppt"])
def test_old_office_files_have_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(UnreadableDocument, match="old_office"):
        document_kind(tmp_path / name)
