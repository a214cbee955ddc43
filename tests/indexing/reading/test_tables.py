"""Tables with lines become rows, however they were drawn; frames and charts stay what they are."""

from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF

from indexing.reading import tables
from indexing.reading.tables import text_with_tables

ROWS = (
    ("City", "Hotel limit", "Meals"),
    ("Lyon and its surroundings, with the airport", "110 euros, breakfast included when booked early", "38"),
    ("Berlin", "", "40 euros"),
)
AS_TEXT = [
    "City | Hotel limit | Meals",
    "Lyon and its surroundings, with the airport | 110 euros, breakfast included when booked early | 38",
    "Berlin | | 40 euros",
]


def page_of(pdf: FPDF, path: Path) -> str:
    pdf.output(str(path))
    return text_with_tables(pypdfium2.PdfDocument(path)[0])


def new_page() -> FPDF:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    pdf.add_page()
    return pdf


def draw_table(pdf: FPDF, rows: Sequence[Sequence[str]], borders: str = "ALL") -> None:
    with pdf.table(borders_layout=borders) as table:
        for row in rows:
            cells = table.row()
            for cell in row:
                cells.cell(cell)


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("borders", ["ALL", "INTERNAL"])
def test_a_row_is_one_line_with_what_stands_around_the_table(tmp_path: Path, borders: str) -> None:
    pdf = new_page()
    pdf.multi_cell(0, 8, "Before the table.", new_x="LMARGIN", new_y="NEXT")
    draw_table(pdf, ROWS, borders)
    pdf.multi_cell(0, 8, "After the table.")
    assert squeezed(page_of(pdf, tmp_path / "a.pdf")) == ["Before the table.", *AS_TEXT, "After the table."]


def test_two_tables_on_a_page(tmp_path: Path) -> None:
    pdf = new_page()
    draw_table(pdf, ROWS)
    pdf.ln(10)
    draw_table(pdf, ROWS[:1] * 2)
    assert squeezed(page_of(pdf, tmp_path / "a.pdf")) == [*AS_TEXT, AS_TEXT[0], AS_TEXT[0]]


def test_cells_drawn_as_boxes_column_by_column(tmp_path: Path) -> None:
    """As spreadsheets do it: a rectangle for each cell, in any order."""
    pdf = new_page()
    for column in range(3):
        for row, cells in enumerate(ROWS):
            pdf.rect(10 + 60 * column, 20 + 10 * row, 60, 10)
            pdf.text(12 + 60 * column, 27 + 10 * row, cells[column][:20])
    first, _second, third = squeezed(page_of(pdf, tmp_path / "a.pdf"))
    assert (first, third) == (AS_TEXT[0], AS_TEXT[2])


def test_a_cell_over_two_columns_is_one(tmp_path: Path) -> None:
    pdf = new_page()
    with pdf.table() as table:
        row = table.row()
        row.cell("Travel limits", colspan=2)
        row.cell("2026")
        for cells in ROWS[::2]:
            row = table.row()
            for cell in cells:
                row.cell(cell)
    assert squeezed(page_of(pdf, tmp_path / "a.pdf"))[0] == "Travel limits | 2026"


def test_a_frame_around_text_is_no_table(tmp_path: Path) -> None:
    pdf = new_page()
    for _ in range(3):
        pdf.multi_cell(0, 8, "A note in a frame. It has two sentences.", border=1, new_x="LMARGIN", new_y="NEXT")
    assert page_of(pdf, tmp_path / "a.pdf") == ""


def test_the_lines_of_a_chart_are_no_table(tmp_path: Path) -> None:
    pdf = new_page()
    for place in range(10):
        pdf.line(20, 20 + 10 * place, 120, 20 + 10 * place)
        pdf.line(20 + 10 * place, 20, 20 + 10 * place, 110)
        pdf.text(12, 20 + 10 * place, str(place))
    assert page_of(pdf, tmp_path / "a.pdf") == ""


def test_rows_without_lines_between_them_are_left_to_the_reader(tmp_path: Path) -> None:
    """Cells of five lines side by side would lose which belongs to which."""
    pdf = new_page()
    many = "\n".join(f"line {number}" for number in range(6))
    draw_table(pdf, (("Left", "Right"), (many, many)))
    assert page_of(pdf, tmp_path / "a.pdf") == ""


@pytest.mark.parametrize("left", [True, False])
def test_a_table_in_one_of_two_columns_is_left_to_the_reader(tmp_path: Path, left: bool) -> None:
    """Rows across the page would tear the other column's sentences apart."""
    pdf = new_page()
    table_at, words_at = (10, 110) if left else (110, 10)
    pdf.set_xy(words_at, 20)
    pdf.multi_cell(80, 8, "The other column tells a story of its own, and goes on beside the table. " * 4)
    draw_boxes(pdf, table_at, 20, (("City", "Limit"), ("Lyon", "110 euros"), ("Berlin", "140 euros")))
    assert page_of(pdf, tmp_path / "a.pdf") == ""


def test_a_mark_beside_a_table_stays(tmp_path: Path) -> None:
    pdf = new_page()
    draw_boxes(pdf, 20, 20, (("City", "Limit"), ("Lyon", "110 euros")))
    pdf.text(12, 34, "a)")
    assert squeezed(page_of(pdf, tmp_path / "a.pdf")) == ["a)", "City | Limit", "Lyon | 110 euros"]


def test_a_turned_page_is_left_to_the_reader(tmp_path: Path) -> None:
    pdf = new_page()
    draw_table(pdf, ROWS)
    pdf.output(str(tmp_path / "a.pdf"))
    page = pypdfium2.PdfDocument(tmp_path / "a.pdf")[0]
    assert text_with_tables(page)
    page.set_rotation(90)
    assert text_with_tables(page) == ""


def test_a_grid_of_thousands_of_cells_is_a_drawing(tmp_path: Path) -> None:
    pdf = new_page()
    pdf.set_font("Helvetica", size=4)
    draw_boxes(pdf, 5, 5, [["word"] * 53] * 95, 3.8, 2.9)
    assert page_of(pdf, tmp_path / "a.pdf") == ""


@pytest.mark.parametrize("limit", ["MOST_POINTS", "MOST_LOOKED_AT"])
def test_no_page_may_take_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """However many shapes there are, each with a few points, and however many characters."""
    monkeypatch.setattr(tables, limit, 8)
    pdf = new_page()
    draw_boxes(pdf, 10, 20, [["word"] * 3] * 20)
    assert page_of(pdf, tmp_path / "a.pdf") == ""


def draw_boxes(
    pdf: FPDF, x: float, y: float, rows: Sequence[Sequence[str]], width: float = 30, height: float = 10
) -> None:
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            pdf.rect(x + width * column, y + height * row, width, height)
            pdf.text(x + width * column + 0.2, y + height * (row + 0.7), cell)
