"""PDF pages as a person sees them: columns, tables without lines, raised figures, what nobody sees, forms, notes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.annotations import FreeText, Link, Text
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from indexing.reading.pdf import PdfFile

WORDS = re.findall("[a-z]+", "the members of the club lend their tools to each other and bring them back clean")


def sheet() -> FPDF:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=11)
    pdf.add_page()
    return pdf


def read(pdf: FPDF, folder: Path) -> list[dict[str, Any]]:
    pdf.output(str(folder / "file.pdf"))
    return read_file(folder / "file.pdf")


def read_file(path: Path) -> list[dict[str, Any]]:
    file = PdfFile(path)
    return [file.page(number) for number in range(1, file.pages + 1)]


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("offset", [0.0, 2.2])
def test_columns_are_read_one_after_the_other(columns: int, offset: float, tmp_path: Path) -> None:
    pdf = sheet()
    pdf.text(10, 20, "Rules of the garden and of everything that is in it, for all members")
    per_line = 7 - columns
    for row in range(12):
        for column in range(columns):
            text = " ".join(WORDS[(row * 5 + k) % len(WORDS)] for k in range(per_line))
            pdf.text(10 + column * 190 / columns, 30 + row * 6 + offset * column, f"{chr(97 + column)}{row} {text}")
    text = read(pdf, tmp_path)[0]["text"]
    marks = [word for word in text.split() if word[0] in "abc" and word[1:].isdigit()]
    assert marks == [f"{chr(97 + column)}{row}" for column in range(columns) for row in range(12)]


TABLE = [
    ["Town", "Rate", "Hotel", "Visa"], ["Nairobi", "71.50", "185.00", "30.00"],
    ["Oslo", "96.20", "240.00", "none"], ["Recife", "58.75", "130.00", "12.00"],
]  # fmt: skip


@pytest.mark.parametrize("by_column", [False, True])
def test_a_table_without_lines_is_read_row_by_row(by_column: bool, tmp_path: Path) -> None:
    """However the file draws it: row after row or column after column."""
    pdf = sheet()
    pdf.text(10, 20, "Rates of the year")
    places = [(row, column) for row in range(4) for column in range(4)]
    for row, column in sorted(places, key=lambda place: place[::-1] if by_column else place):
        pdf.text(10 + 40 * column, 30 + 7 * row, TABLE[row][column])
    lines = read(pdf, tmp_path)[0]["text"].split("\n")
    assert lines == ["Rates of the year", *(" | ".join(row) for row in TABLE)]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.integers(1, 99999), min_size=3, max_size=3), min_size=3, max_size=9))
def test_each_figure_stays_in_its_row(tmp_path_factory: pytest.TempPathFactory, figures: list[list[int]]) -> None:
    pdf = sheet()
    for row, line in enumerate(figures):
        for column, figure in enumerate(line):
            pdf.text(60 - pdf.get_string_width(str(figure)) + 45 * column, 30 + 7 * row, str(figure))
    lines = read(pdf, tmp_path_factory.mktemp("rows"))[0]["text"].split("\n")
    assert lines == [" | ".join(map(str, line)) for line in figures]


def test_a_cell_of_two_lines_stays_one_cell(tmp_path: Path) -> None:
    pdf = sheet()
    for row, (name, price) in enumerate((("Valve", "12.00"), ("Seal", "3.00"), ("Gasket", "7.50"))):
        pdf.text(10, 30 + 14 * row, name)
        pdf.text(60, 30 + 14 * row, f"for pump {row}")
        pdf.text(60, 35 + 14 * row, "made in Lille")
        pdf.text(120, 30 + 14 * row, price)
    assert read(pdf, tmp_path)[0]["text"].split("\n") == [
        "Valve | for pump 0 made in Lille | 12.00", "Seal | for pump 1 made in Lille | 3.00",
        "Gasket | for pump 2 made in Lille | 7.50",
    ]  # fmt: skip


def test_a_list_is_no_table(tmp_path: Path) -> None:
    pdf = sheet()
    for number in range(1, 6):
        pdf.text(10, 20 + 7 * number, f"{number}.")
        pdf.text(25, 20 + 7 * number, f"Lend tool {number}")
    assert "|" not in read(pdf, tmp_path)[0]["text"]


RAISED = [
    ("10", "6", " cycles", "10^6 cycles"),
    ("1,240", "3", " euros", "1,240³ euros"),
    ("2 m", "2", " left", "2 m² left"),
]


@pytest.mark.parametrize(("plain", "above", "rest", "text"), RAISED)
def test_raised_figures_keep_a_mark(plain: str, above: str, rest: str, text: str, tmp_path: Path) -> None:
    pdf = sheet()
    pdf.write(8, f"It lasts {plain}")
    pdf.char_vpos = "SUP"
    pdf.write(8, above)
    pdf.char_vpos = "LINE"
    pdf.write(8, f"{rest} at most, says the maker of the press.")
    assert text in read(pdf, tmp_path)[0]["text"]


def in_white(pdf: FPDF) -> None:
    pdf.set_text_color(255, 255, 255)


def unpainted(pdf: FPDF) -> None:
    pdf.text_mode = 3


def tiny(pdf: FPDF) -> None:
    pdf.set_font_size(0.5)


@pytest.mark.parametrize("hide", [in_white, unpainted, tiny])
def test_text_that_nobody_sees_is_left_out_and_named(hide: Callable[[FPDF], None], tmp_path: Path) -> None:
    pdf = sheet()
    pdf.text(10, 20, "The grant is 48,000 euros.")
    with pdf.local_context():
        hide(pdf)
        pdf.text(10, 30, "The grant is 1 euro and has to be paid back.")
    page = read(pdf, tmp_path)[0]
    assert page["text"] == "The grant is 48,000 euros."
    assert page["notes"] == ["invisible"]


def test_white_letters_on_a_dark_ground_are_seen(tmp_path: Path) -> None:
    pdf = sheet()
    pdf.text(10, 20, "The grant is 48,000 euros.")
    pdf.set_fill_color(20, 20, 120)
    pdf.rect(8, 24, 120, 10, style="F")
    in_white(pdf)
    pdf.text(10, 30, "It is paid in two parts.")
    page = read(pdf, tmp_path)[0]
    assert "It is paid in two parts." in page["text"]
    assert page["notes"] == []


def test_text_that_is_drawn_twice_is_said_once(tmp_path: Path) -> None:
    pdf = sheet()
    for shift in (0.0, 0.3):
        pdf.text(10 + shift, 20, "Everybody is invited to the summer feast.")
    assert read(pdf, tmp_path)[0]["text"] == "Everybody is invited to the summer feast."


def test_a_watermark_is_left_out_and_named(tmp_path: Path) -> None:
    pdf = sheet()
    for row in range(8):
        pdf.text(10, 20 + 7 * row, f"The wire is held at 900 degrees for six hours, step {row}.")
    pdf.set_font_size(60)
    pdf.set_text_color(200, 200, 200)
    with pdf.rotation(45, 60, 60):
        pdf.text(20, 60, "DRAFT")
    page = read(pdf, tmp_path)[0]
    assert "DRAFT" not in page["text"]
    assert page["notes"] == ["watermark"]


def test_the_numbers_of_lines_are_no_text(tmp_path: Path) -> None:
    pdf = sheet()
    for row in range(1, 12):
        pdf.text(10, 20 + 7 * row, str(row))
        pdf.text(30, 20 + 7 * row, f"the tenant pays for part {'abcdefghijkl'[row]} of the house and")
    assert not any(character.isdigit() for character in read(pdf, tmp_path)[0]["text"])


class Headed(FPDF):
    def header(self) -> None:
        self.text(10, 10, "Brightwater - Travel policy - confidential")

    def footer(self) -> None:
        self.text(10, 285, "Document TP-4")
        self.text(180, 285, f"Page {self.page_no()} of 4")


def test_running_heads_and_feet_are_said_once_and_cut_no_sentence(tmp_path: Path) -> None:
    pdf = Headed()
    pdf.set_font("Helvetica", size=11)
    for number in range(1, 5):
        pdf.add_page()
        for row in range(30):
            pdf.text(10, 30 + 8 * row, f"{'abcd'[number - 1]}{row} and the travellers pay for")
    texts = [page["text"] for page in read(pdf, tmp_path)]
    assert sum(text.count("Brightwater") for text in texts) == 1
    assert sum(text.count("TP-4") for text in texts) == 1
    assert all(text.endswith("29 and the travellers pay for") for text in texts)
    assert all(text.startswith(f"{letter}0 ") for letter, text in zip("bcd", texts[1:], strict=True))


def test_the_head_of_a_table_that_goes_on_is_no_running_head(tmp_path: Path) -> None:
    pdf = sheet()
    for page in range(3):
        if page:
            pdf.add_page()
        for row, line in enumerate([TABLE[0], *TABLE[1:], *TABLE[1:]]):
            for column, cell in enumerate(line):
                pdf.text(10 + 40 * column, 15 + 7 * row, cell)
    assert all(page["text"].startswith("Town | Rate | Hotel | Visa") for page in read(pdf, tmp_path))


def test_pages_are_called_as_their_print_says(tmp_path: Path) -> None:
    pdf = sheet()
    pdf.set_page_label(label_style="r")
    pdf.add_page()
    pdf.add_page(label_style="D", label_start=1)
    pdf.output(str(tmp_path / "file.pdf"))
    assert PdfFile(tmp_path / "file.pdf").about()["labels"] == ["p. i (PDF 1)", "p. ii (PDF 2)", "p. 1 (PDF 3)"]


def annotated(path: Path, *annotations: Any) -> Path:
    writer = pypdf.PdfWriter(clone_from=path)
    for annotation in annotations:
        writer.add_annotation(0, annotation)
    writer.write(path)
    return path


def widget(rect: tuple[int, ...], **entries: Any) -> DictionaryObject:
    values = {"/Type": NameObject("/Annot"), "/Subtype": NameObject("/Widget"),
              "/Rect": ArrayObject(map(NumberObject, rect)), "/T": TextStringObject("f")}  # fmt: skip
    return DictionaryObject({NameObject(key): value for key, value in (values | entries).items()})


def form(folder: Path) -> Path:
    """Write a page with the labels of a form; points from the bottom: 842 minus 72/25.4 times millimetres."""
    pdf = sheet()
    for row, label in enumerate(("Cost centre:", "Delivery:", "Monitor", "Desk", "Remarks")):
        pdf.text(10 if row in {0, 1, 4} else 20, 20 + 10 * row, label)
    pdf.output(str(folder / "form.pdf"))
    return folder / "form.pdf"


def test_what_was_filled_in_stands_beside_its_label(tmp_path: Path) -> None:
    name = NameObject
    path = annotated(
        form(tmp_path),
        widget((100, 780, 250, 796), **{"/FT": name("/Tx"), "/V": TextStringObject("CC-7741")}),
        widget((100, 752, 250, 768), **{"/FT": name("/Ch"), "/V": TextStringObject("h"), "/Opt": ArrayObject(
            [ArrayObject([TextStringObject("h"), TextStringObject("to my home")])])}),
        widget((30, 722, 44, 736), **{"/FT": name("/Btn"), "/AS": name("/Yes"), "/V": name("/Yes")}),
        widget((30, 694, 44, 708), **{"/FT": name("/Btn"), "/AS": name("/Off")}),
        widget((28, 630, 300, 660), **{"/FT": name("/Tx"), "/V": TextStringObject("Ring twice")}),
        widget((300, 780, 400, 796), **{"/FT": name("/Tx"), "/V": TextStringObject("hidden"), "/F": NumberObject(2)}),
    )  # fmt: skip
    lines = read_file(path)[0]["text"].split("\n")
    assert [line for line in lines if line] == [
        "Cost centre: CC-7741", "Delivery: to my home", "☒ Monitor", "☐ Desk", "Remarks: Ring twice",
    ]  # fmt: skip


def test_notes_and_links_on_a_page_are_read(tmp_path: Path) -> None:
    pdf = sheet()
    pdf.text(10, 20, "Choose your laptop here and register.")
    pdf.output(str(tmp_path / "file.pdf"))
    width = pdf.get_string_width("Choose your laptop here") * 72 / 25.4
    start = 10 * 72 / 25.4
    path = annotated(
        tmp_path / "file.pdf",
        Link(rect=(start, 780, start + width, 792), url="https://intranet.example/laptops"),
        FreeText(rect=(30, 700, 300, 720), text="Approved: 9,800 euros"),
        Text(rect=(400, 700, 420, 720), text="Ask Petra."),
    )
    text = read_file(path)[0]["text"]
    assert "laptop here (https://intranet.example/laptops) and register." in text
    assert "Approved: 9,800 euros" in text
    assert "Ask Petra." in text


def test_forms_of_one_program_are_named(tmp_path: Path) -> None:
    pdf = sheet()
    pdf.text(10, 20, "Please wait")
    pdf.output(str(tmp_path / "file.pdf"))
    writer = pypdf.PdfWriter(clone_from=tmp_path / "file.pdf")
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): BooleanObject(True)})
    writer.write(tmp_path / "file.pdf")
    assert PdfFile(tmp_path / "file.pdf").about()["notes"] == [("xfa", "")]
