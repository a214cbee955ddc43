"""Rows of sheets and of CSV files as pages: so many rows to a page, the head said again on each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ROWS, CHARACTERS = 40, 3000  # of a page
HEAD_WITHIN = 10  # rows: a sheet may have a title above its head
LONGEST_CELL = 2000  # characters
CELL = " | "
NO_HEAD = -1


@dataclass(frozen=True)
class TablePage:
    """Some rows of a table."""

    text: str
    first: int  # 1-based, as a spreadsheet counts its rows
    last: int


def table_pages(rows: Sequence[Sequence[str]]) -> Iterator[TablePage]:
    """Cut rows into pages; empty rows and columns go."""
    used = [column for column in range(max(map(len, rows), default=0)) if any(cell_at(row, column) for row in rows)]
    lines = [row_text([cell_at(row, column) for column in used]) for row in rows]
    head = head_row([[cell_at(row, column) for column in used] for row in rows[:HEAD_WITHIN]])
    page: list[int] = []
    for index, line in enumerate(lines):
        full = len(page) >= ROWS or sum(len(lines[at]) for at in page) + len(line) > CHARACTERS
        if page and full:
            yield page_of(page, lines, head)
            page = []
        if line:
            page.append(index)
    if page:
        yield page_of(page, lines, head)


def page_of(page: Sequence[int], lines: Sequence[str], head: int) -> TablePage:
    """Return a page of these rows under their head."""
    shown = [lines[index] for index in page]
    if head != NO_HEAD and page[0] > head:
        shown.insert(0, lines[head])
    return TablePage("\n".join(shown), page[0] + 1, page[-1] + 1)


def head_row(rows: Sequence[Sequence[str]]) -> int:
    """Return which row names the columns: the first with words in nearly all of them; NO_HEAD for none."""
    for index, row in enumerate(rows):
        words = [cell for cell in row if any(map(str.isalpha, cell))]
        if len(words) >= 2 and len(words) >= 0.6 * len(row) and len(rows) > 1:
            return index
    return NO_HEAD


def row_text(cells: Sequence[str]) -> str:
    """Return a row on one line; "" for one without text."""
    if not any(cells):
        return ""
    return CELL.join(" ".join(cell.replace("|", "/").split())[:LONGEST_CELL] for cell in cells)


def cell_at(row: Sequence[str], column: int) -> str:
    """Return a cell; "" where the row is shorter."""
    return row[column].strip() if column < len(row) else ""
