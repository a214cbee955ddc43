"""Records that are rows of a table: taken by code, cell by cell, where the fields are the table's columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from handlers.extraction.schema import Field
from handlers.text.normalize import letters_only
from indexing.library import Page

BAR = " | "
LEAST_FIELDS, LEAST_ROWS = 2, 2  # fewer are no table
ALIKE = 0.8  # of the letters of a field's name and of a column's head: quantity and quantité
LEAST_LETTERS = 3  # of a name that may be a part of a head: price in unit price


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_in(pages: Sequence[Page]) -> Iterator[Table]:
    """Yield the tables of some pages: lines with as many cells as the line above them; a later page may go on."""
    head: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    for line in (line for page in pages for line in page.text.split("\n")):
        cells = tuple(cell.strip() for cell in line.split("|")) if BAR in f" {line} " else ()
        if cells and len(cells) == len(head):
            rows += [cells] * (cells != head)
            continue
        if not cells:
            continue  # text between two parts of a table
        if len(rows) >= LEAST_ROWS:
            yield Table(head, tuple(rows))
        head, rows = cells, []
    if len(rows) >= LEAST_ROWS:
        yield Table(head, tuple(rows))


def records_in_rows(pages: Sequence[Page], fields: Sequence[Field]) -> list[dict[str, str]]:
    """Return the rows of the tables whose columns are the fields, each as a record; none where none has them all."""
    records = []
    for table in tables_in(pages) if len(fields) >= LEAST_FIELDS else ():
        columns = columns_of(table.head, fields)
        for row in table.rows if columns else ():
            values = {field.name: row[column] for field, column in zip(fields, columns, strict=True)}
            if values[fields[0].name] and sum(map(bool, values.values())) >= LEAST_FIELDS:
                records.append(values)
    return records


def columns_of(head: Sequence[str], fields: Sequence[Field]) -> list[int]:
    """Return each field's column; none where a field has no column, or two have the same."""
    columns = [column_of(head, field) for field in fields]
    return columns if None not in columns and len(set(columns)) == len(columns) else []  # type: ignore[return-value]


def column_of(head: Sequence[str], field: Field) -> int | None:
    """Return the one column whose head is a field's name, or has it, or is nearly it."""
    wanted = letters_only(field.name)
    names = [letters_only(cell) for cell in head]
    for alike in (
        [index for index, name in enumerate(names) if name == wanted],
        [index for index, name in enumerate(names) if len(wanted) >= LEAST_LETTERS and wanted in name],
        [index for index, name in enumerate(names) if SequenceMatcher(None, name, wanted).ratio() >= ALIKE],
    ):
        if len(alike) == 1:
            return alike[0]
    return None
