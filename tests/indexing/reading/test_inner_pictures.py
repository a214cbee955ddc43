"""Pictures inside Office files: what stands in them is read where they stand, and each line says that it was."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation
from pptx.util import Inches

from indexing.reading import inner_pictures, ocr
from indexing.reading.inner_pictures import MOST_PICTURES, InnerPictures
from indexing.reading.kinds import document_kind
from indexing.reading.readers import open_readable

LINE = "The yearly fee is 1,240 euros."
LINES = [f"[image] {LINE}"]
ODF = "urn:oasis:names:tc:opendocument:xmlns"
NAMESPACES = " ".join(
    [*(f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "text", "table")),
     f'xmlns:draw="{ODF}:drawing:1.0"', 'xmlns:xlink="http://www.w3.org/1999/xlink"']
)  # fmt: skip


def screenshot(*lines: str, size: tuple[int, int] = (700, 120)) -> bytes:
    picture = Image.new("RGB", size, "white")
    for row, line in enumerate(lines):
        ImageDraw.Draw(picture).text((20, 20 + 50 * row), line, font=ImageFont.load_default(30), fill="black")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def word(path: Path, picture: bytes) -> None:
    file = docx.Document()
    file.add_paragraph("Before.")
    file.add_picture(io.BytesIO(picture))
    file.add_paragraph("After.")
    file.save(str(path))


def slides(path: Path, picture: bytes) -> None:
    file = Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    for top, text in ((0, "Before."), (5, "After.")):
        slide.shapes.add_textbox(Inches(1), Inches(top), Inches(2), Inches(1)).text_frame.text = text
    slide.shapes.add_picture(io.BytesIO(picture), Inches(1), Inches(2))
    file.save(str(path))


def workbook(path: Path, picture: bytes) -> None:
    file = openpyxl.Workbook()
    file.active.append(["Before.", "After."])
    file.active.add_image(SheetImage(io.BytesIO(picture)), "B2")
    file.save(path)


def opendocument(path: Path, picture: bytes) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/1.png"/></draw:frame>'
    body = {
        ".odt": f"<office:text><text:p>Before.{frame} After.</text:p></office:text>",
        ".odp": "<office:presentation><draw:page><text:p>Before. After.</text:p>"
        f"{frame}</draw:page></office:presentation>",
        ".ods": "<office:spreadsheet><table:table><table:table-row><table:table-cell><text:p>Before. After.</text:p>"
        f"{frame}</table:table-cell></table:table-row></table:table></office:spreadsheet>",
    }[path.suffix]
    kind = {".odt": "text", ".odp": "presentation", ".ods": "spreadsheet"}[path.suffix]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr(
            "content.xml", f"<office:document {NAMESPACES}><office:body>{body}</office:body></office:document>"
        )
        archive.writestr("Pictures/1.png", picture)


MAKERS: dict[str, Callable[[Path, bytes], None]] = {
    "a.docx": word, "a.pptx": slides, "a.xlsx": workbook, "a.odt": opendocument, "a.odp": opendocument,
    "a.ods": opendocument,
}  # fmt: skip
needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="tesseract is not installed")


def opened(name: str, folder: Path, picture: bytes) -> Any:
    MAKERS[name](folder / name, picture)
    return open_readable(document_kind(folder / name), folder / name)


@needs_ocr
@pytest.mark.parametrize("name", MAKERS)
def test_what_stands_in_a_picture_is_read_and_marked(name: str, tmp_path: Path) -> None:
    file = opened(name, tmp_path, screenshot(LINE))
    assert file.about()["notes"] == []
    page = file.page(1)
    assert [line for line in page["text"].split("\n") if LINE in line] == LINES
    assert page["notes"] == ["pictures_read"]
    assert "Before." in page["text"]
    assert "After." in page["text"]


@pytest.mark.parametrize("name", MAKERS)
def test_without_tesseract_pictures_are_counted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    file = opened(name, tmp_path, screenshot(LINE))
    assert file.about()["notes"] == [("pictures", "1")]
    assert file.page(1)["notes"] == []
    assert "\ue0f0" not in file.page(1)["text"]


@needs_ocr
@pytest.mark.parametrize("name", MAKERS)
def test_a_picture_that_nobody_can_open_is_named(name: str, tmp_path: Path) -> None:
    whole = screenshot(LINE)
    MAKERS[name](tmp_path / name, whole)
    spoilt = io.BytesIO()
    with zipfile.ZipFile(tmp_path / name) as old, zipfile.ZipFile(spoilt, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, data[:60] if data == whole or member.endswith(".png") else data)
    (tmp_path / name).write_bytes(spoilt.getvalue())
    file = open_readable(document_kind(tmp_path / name), tmp_path / name)
    assert file.page(1)["notes"] == ["pictures_unread"] or file.about()["notes"]
    assert "Before." in file.page(1)["text"]


@needs_ocr
@pytest.mark.parametrize("picture", [screenshot("OK"), screenshot(), screenshot(LINE, size=(300, 30))])
def test_logos_empty_pictures_and_icons_say_nothing(picture: bytes) -> None:
    assert inner_pictures.lines_in(picture) == []


@needs_ocr
def test_each_row_of_a_picture_is_a_line_and_each_sentence_too() -> None:
    rows = inner_pictures.lines_in(screenshot("Oslo 240.00", "Recife 12.00", "Nairobi 30.00", size=(700, 200)))
    assert rows == ["[image] Oslo 240.00", "[image] Recife 12.00", "[image] Nairobi 30.00"]
    text = "A filter costs 12 euros and lasts for\nhalf a year. A pump costs 900 euros and lasts."
    assert inner_pictures.units(text) == [
        "A filter costs 12 euros and lasts for half a year.", "A pump costs 900 euros and lasts.",
    ]  # fmt: skip


def test_a_picture_is_read_once_and_only_so_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: True)
    monkeypatch.setattr(inner_pictures, "lines_in", lambda data: [f"[image] {data.decode()}"])
    pictures = InnerPictures()
    marks = [pictures.mark(f"logo{number % 40}.png", b"Acme") for number in range(80)]
    assert sum(map(bool, marks)) == MOST_PICTURES
    assert pictures.notes() == [("pictures", "10")]
    assert pictures.read_in(f"Town | {marks[0]}\nOslo{marks[1]} | 9") == (
        "Town | \n[image] Acme\nOslo | 9\n[image] Acme", ["pictures_read"],
    )  # fmt: skip


def test_a_slow_picture_leaves_the_others_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: True)
    monkeypatch.setattr(inner_pictures, "lines_in", lambda _: [LINES[0]])
    clock = iter([0.0, 1.0, 60.0])
    monkeypatch.setattr(inner_pictures.time, "monotonic", lambda: next(clock))
    pictures = InnerPictures()
    text = pictures.mark("a", b"1") + "\n" + pictures.mark("b", b"2")
    assert pictures.read_in(text) == (LINES[0], ["pictures_read", "pictures_unread"])


def test_private_characters_of_a_text_are_no_marks() -> None:
    assert InnerPictures().read_in("a \ue0f07\ue0f1 b")[0] == "a  b"
