"""Workbooks: the rows of each sheet, values as a person sees them, a head said again on each page."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import column_index_from_string

from indexing.reading.archive import check_unpacked
from indexing.reading.bundle import some_of
from indexing.reading.hidden_cells import HiddenCells
from indexing.reading.inner_pictures import InnerPictures
from indexing.reading.pages import CannotRead, PageTexts
from indexing.reading.table_pages import TablePage, table_pages

MOST_ROWS, MOST_COLUMNS = 200_000, 200  # of a sheet
CURRENCY = re.compile(r"[€$£¥]|\bCHF\b|\bEUR\b|\bUSD\b")
FORMAT_NOISE = re.compile(r'\[(?!\$)[^\]]*\]|"')


def workbook_file(path: Path) -> PageTexts:
    """Read a workbook (.xlsx, .xlsm): values that were computed, no formulas; what is hidden is named, not read."""
    check_unpacked(path)
    values = openpyxl.load_workbook(path, data_only=True)
    formulas = openpyxl.load_workbook(path, read_only=True)
    pictures, struck = InnerPictures(), Counter[str]()
    texts, labels, hidden_sheets, hidden, uncomputed = [], [], [], [], 0
    for sheet in values.worksheets:
        if sheet.sheet_state != "visible":
            hidden_sheets.append(sheet.title)
            continue
        unseen, rows = hidden_parts(sheet), rows_of(sheet, struck)
        hidden += unseen.names(sheet.title, rows)
        uncomputed += count_uncomputed(sheet, formulas[sheet.title])
        for page in pages_of(sheet, unseen.emptied(rows), pictures):
            texts.append(f"# {sheet.title}\n{page.text}")
            labels.append(f"{sheet.title}!{page.first}:{page.last}" if page.last else sheet.title)
    if not texts:
        raise CannotRead("no_text")
    notes = [("hidden_sheets", ", ".join(hidden_sheets))] * bool(hidden_sheets)
    notes += [("hidden_cells", some_of(hidden))] * bool(hidden)
    notes += [("struck", "")] * bool(struck)
    notes += [("uncomputed", str(uncomputed))] * bool(uncomputed)
    notes += [("charts", str(count))] if (count := sum(len(sheet._charts) for sheet in values.worksheets)) else []
    title = str(values.properties.title or "")
    return PageTexts(texts, title=title, labels=labels, notes=notes, pictures=pictures)


def hidden_parts(sheet: Any) -> HiddenCells:
    """Return the rows and columns of a sheet that a person does not see: hidden, filtered away, or without height."""
    rows = {number for number, row in sheet.row_dimensions.items() if row.hidden or row.height == 0}
    columns: set[int] = set()
    for column in sheet.column_dimensions.values():
        if column.hidden or (column.customWidth and column.width == 0):
            first = column.min or column_index_from_string(column.index)
            columns |= set(range(first, min(column.max or first, MOST_COLUMNS) + 1))
    return HiddenCells(frozenset(rows), frozenset(columns))


def pages_of(sheet: Any, rows: list[list[str]], pictures: InnerPictures) -> list[TablePage]:
    """Return a sheet's visible rows as pages, with the marks of the pictures that stand at them."""
    pages = list(table_pages(rows)) or [TablePage("", 0, 0)] * bool(sheet._images)
    for number, image in enumerate(sheet._images):
        start = getattr(image.anchor, "_from", None)
        row = start.row + 1 if start is not None else 1
        place = next((at for at, page in enumerate(pages) if row <= page.last), len(pages) - 1)
        mark = pictures.mark(f"{sheet.title} {number}", image._data())
        pages[place] = replace(pages[place], text=f"{pages[place].text}\n{mark}".strip("\n"))
    return [page for page in pages if page.text]


def rows_of(sheet: Any, struck: Counter[str]) -> list[list[str]]:
    """Return a sheet's cells as text, struck ones empty; a merged cell says in each of its rows what it says."""
    width = min(sheet.max_column or 0, MOST_COLUMNS)
    rows = [
        [seen_text(cell, struck) for cell in row]
        for row in sheet.iter_rows(max_row=min(sheet.max_row or 0, MOST_ROWS), max_col=width)
    ]
    for merged in sheet.merged_cells.ranges:
        if merged.min_row <= len(rows) and merged.min_col <= width:
            text = rows[merged.min_row - 1][merged.min_col - 1]
            for row in range(merged.min_row, min(merged.max_row, len(rows))):
                rows[row][merged.min_col - 1] = text
    return rows


def seen_text(cell: Any, struck: Counter[str]) -> str:
    """Return a cell's text; "" for one that is struck through, which is counted."""
    if cell.value is not None and cell.has_style and cell.font.strike:
        struck["cells"] += 1
        return ""
    return cell_text(cell)


def cell_text(cell: Any) -> str:
    """Return a cell's value as its format shows it, as far as it matters: dates, percents, currencies."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return number_text(value, str(cell.number_format or ""))
    text = str(value)
    target = cell.hyperlink.target if cell.hyperlink else None
    return f"{text} ({target})" if target and target not in text else text


def number_text(value: float, pattern: str) -> str:
    """Return a number with the percent sign or the currency of its format."""
    pattern = FORMAT_NOISE.sub("", pattern)
    if "%" in pattern:
        return f"{round(value * 100, 6):g}%"
    places = len(match[1]) if (match := re.search(r"0\.(0+)", pattern)) else 0
    text = f"{value:.{places}f}" if places else f"{value:.12g}"
    currency = CURRENCY.search(pattern)
    return f"{text} {currency[0]}" if currency else text


def count_uncomputed(values: Any, formulas: Any) -> int:
    """Count the formulas whose value the file does not hold: whatever wrote it did not compute them."""
    return sum(
        isinstance(written.value, str) and written.value.startswith("=") and value is None
        for written, value in zip(flat(formulas), (cell.value for cell in flat(values)), strict=False)
    )


def flat(sheet: Any) -> Iterator[Any]:
    """Yield a sheet's cells row by row."""
    for row in sheet.iter_rows(
        max_row=min(sheet.max_row or 0, MOST_ROWS), max_col=min(sheet.max_column or 0, MOST_COLUMNS)
    ):
        yield from row
