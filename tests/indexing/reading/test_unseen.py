"""What a person does not see in a sheet, a text or a presentation is not mixed in with what they see, and is named."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font

from indexing.reading.hidden_cells import HiddenCells, column_name, runs
from indexing.reading.kinds import document_kind
from indexing.reading.readers import open_readable

ODF = "urn:oasis:names:tc:opendocument:xmlns"
NAMESPACES = " ".join(
    [*(f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "text", "table", "style", "presentation")),
     f'xmlns:draw="{ODF}:drawing:1.0"']
)  # fmt: skip


def opened(path: Path) -> Any:
    return open_readable(document_kind(path), path)


def workbook(path: Path) -> Any:
    file = openpyxl.Workbook()
    sheet = file.active
    sheet.title = "Rates"
    for row in (["Town", "Cost", "Rate"], ["Oslo", 100, 240], ["Rome", 90, 180], ["Bern", 80, 150]):
        sheet.append(row)
    sheet.column_dimensions["B"].hidden = True
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["X"].hidden = True  # empty: nobody misses it
    file.save(path)
    return file


def test_hidden_rows_and_columns_of_a_workbook_are_left_out_and_named(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx")
    file = opened(tmp_path / "a.xlsx")
    assert file.page(1)["text"] == "# Rates\nTown | Rate\nOslo | 240\nBern | 150"
    assert file.about()["notes"] == [("hidden_cells", "Rates!B:B, Rates!3:3")]
    assert file.about()["labels"] == ["Rates!1:4"]


def test_grouped_columns_are_hidden_too(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx")
    sheet = file.active
    sheet.column_dimensions["B"].hidden = False
    sheet.row_dimensions[3].hidden = False
    sheet.column_dimensions.group("B", "C", hidden=True)
    file.save(tmp_path / "a.xlsx")
    assert opened(tmp_path / "a.xlsx").page(1)["text"] == "# Rates\nTown\nOslo\nRome\nBern"


def test_a_struck_cell_of_a_workbook_is_left_out(tmp_path: Path) -> None:
    file = openpyxl.Workbook()
    for row in (["Fee", "Euros"], ["Old", 35], ["New", 48]):
        file.active.append(row)
    for cell in file.active[2]:
        cell.font = Font(strike=True)
    file.save(tmp_path / "a.xlsx")
    assert opened(tmp_path / "a.xlsx").page(1)["text"] == "# Sheet\nFee | Euros\nNew | 48"
    assert opened(tmp_path / "a.xlsx").about()["notes"] == [("struck", "")]


def opendocument(path: Path, kind: str, styles: str, inside: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        body = f"<office:body><office:{kind}>{inside}</office:{kind}></office:body>"
        automatic = f"<office:automatic-styles>{styles}</office:automatic-styles>"
        archive.writestr("content.xml", f"<office:document {NAMESPACES}>{automatic}{body}</office:document>")
    return path


def row(*texts: str, more: str = "") -> str:
    cells = "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)
    return f"<table:table-row {more}>{cells}</table:table-row>"


@pytest.mark.parametrize("how", ["collapse", "filter"])
def test_hidden_rows_columns_and_sheets_of_an_ods_are_left_out_and_named(how: str, tmp_path: Path) -> None:
    styles = ('<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/>'
              "</style:style>")  # fmt: skip
    columns = '<table:table-column/><table:table-column table:visibility="collapse"/><table:table-column/>'
    hidden = row("Rome", "90", "180", more=f'table:visibility="{how}"')
    empty = '<table:table-row table:number-rows-repeated="5"><table:table-cell/></table:table-row>'
    rows = [row("Town", "Cost", "Rate"), row("Oslo", "100", "240"), hidden, empty, row("Bern", "80", "150")]
    sheets = f'<table:table table:name="Rates">{columns}{"".join(rows)}</table:table>'
    sheets += f'<table:table table:name="Old" table:style-name="ta2">{row("secret")}</table:table>'
    file = opened(opendocument(tmp_path / "a.ods", "spreadsheet", styles, sheets))
    assert file.about()["pages"] == 1
    assert file.page(1)["text"] == "# Rates\nTown | Rate\nOslo | 240\nBern | 150"
    assert file.about()["labels"] == ["Rates!1:9"]
    assert file.about()["notes"] == [("hidden_sheets", "Old"), ("hidden_cells", "Rates!B:B, Rates!3:3")]


def text_style(name: str, properties: str) -> str:
    inside = f"<style:text-properties {properties}/>"
    return f'<style:style style:name="{name}" style:family="text">{inside}</style:style>'


def test_struck_and_hidden_text_of_an_odt_is_left_out(tmp_path: Path) -> None:
    styles = text_style("T1", 'style:text-line-through-style="solid"') + text_style("T2", 'text:display="none"')
    inside = ('<text:p>It costs <text:span text:style-name="T1">35</text:span>48 euros<text:span text:style-name="T2">'
              " plus tax</text:span>.</text:p>")  # fmt: skip
    file = opened(opendocument(tmp_path / "a.odt", "text", styles, inside))
    assert file.page(1)["text"] == "It costs 48 euros."
    assert file.about()["notes"] == [("struck", ""), ("hidden", "")]


def test_a_hidden_slide_of_an_odp_is_left_out(tmp_path: Path) -> None:
    styles = ('<style:style style:name="dp2" style:family="drawing-page"><style:drawing-page-properties '
              'presentation:visibility="hidden"/></style:style>')  # fmt: skip
    slides = [
        f'<draw:page draw:style-name="dp{number}"><text:p>Slide {number}</text:p></draw:page>' for number in (1, 2, 3)
    ]
    file = opened(opendocument(tmp_path / "a.odp", "presentation", styles, "".join(slides)))
    assert file.about()["labels"] == ["slide 1", "slide 3"]
    assert file.about()["notes"] == [("hidden_slides", "2")]


@settings(deadline=None)
@given(st.sets(st.integers(1, 60)))
def test_runs_cover_the_same_numbers(numbers: set[int]) -> None:
    covered = [number for first, last in runs(numbers) for number in range(first, last + 1)]
    assert covered == sorted(numbers)


@pytest.mark.parametrize(("number", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA")])
def test_columns_have_their_letters(number: int, name: str) -> None:
    assert column_name(number) == name


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["", "a", "b"]), max_size=4), max_size=6), st.sets(st.integers(1, 6)))
def test_what_is_hidden_leaves_the_numbers_of_the_others(rows: list[list[str]], hidden: set[int]) -> None:
    emptied = HiddenCells(frozenset(hidden), frozenset()).emptied(rows)
    assert [row for number, row in enumerate(emptied, 1) if number not in hidden] == [
        row for number, row in enumerate(rows, 1) if number not in hidden
    ]
    assert all(emptied[number - 1] == [] for number in hidden if number <= len(rows))
