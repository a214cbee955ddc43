"""Records that are rows of a table: taken by code, cell by cell, where the fields are the table's columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from handlers.extraction.schema import Field
from handlers.extraction.values import CROSSES, TICKS
from handlers.text.normalize import letters_only
from indexing.library import Page

BAR = " | "
LEAST_FIELDS, LEAST_ROWS = 2, 2  # fewer are no table
ALIKE = 0.8  # of the letters of a field's name and of a column's head: quantity and quantité
NO_TICK = "☐"
LEAST_LETTERS = 3  # of a name that may be a part of a head: price in unit price


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[tuple[int, str], ...]  # of each row: its page and its line


@dataclass(frozen=True)
class RowRecord:
    """One row as a record, with the page and the line that it stands on."""

    place: tuple[int, str]
    values: dict[str, str]

    @property
    def page(self) -> int:
        """Return the number of its page."""
        return self.place[0]


def tables_in(pages: Sequence[Page]) -> Iterator[Table]:
    """Yield the tables of some pages: lines with as many cells as the line above them; a later page may go on."""
    head: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    places: list[tuple[int, str]] = []
    for number, line in ((page.number, line) for page in pages for line in page.text.split("\n")):
        cells = tuple(cell.strip() for cell in line.split("|")) if BAR in f" {line} " else ()
        if cells and len(cells) == len(head):
            rows += [cells] * (cells != head)
            places += [(number, line)] * (cells != head)
            continue
        if not cells:
            continue  # text between two parts of a table
        if len(rows) >= LEAST_ROWS:
            yield Table(head, tuple(rows), tuple(places))
        head, rows, places = cells, [], []
    if len(rows) >= LEAST_ROWS:
        yield Table(head, tuple(rows), tuple(places))


def records_in_rows(pages: Sequence[Page], fields: Sequence[Field]) -> list[RowRecord]:
    """Return the rows of the tables whose columns are the fields, each as a record; none where none has them all."""
    records = []
    for table in tables_in(pages) if len(fields) >= LEAST_FIELDS else ():
        columns = columns_of(table, fields)
        for place, row in zip(table.places, table.rows, strict=True) if columns else ():
            values = {field.name: value_in(row, column) for field, column in zip(fields, columns, strict=True)}
            if values[fields[0].name] and sum(map(bool, values.values())) >= LEAST_FIELDS:
                records.append(RowRecord(place, values))
    return records


@dataclass(frozen=True)
class Column:
    """Where a field's values stand: in one column, or as a tick in one of several."""

    place: int = -1
    is_ticked: bool = False  # an empty cell of it says no
    choices: tuple[tuple[int, str], ...] = ()  # a column for each choice


def value_in(row: Sequence[str], column: Column) -> str:
    """Return what a row says in a field's column, or which of its columns is ticked."""
    if column.choices:
        ticked = [choice for place, choice in column.choices if is_tick(row[place])]
        return ticked[0] if len(ticked) == 1 else ""
    return row[column.place] or NO_TICK * column.is_ticked


def is_tick(cell: str) -> bool:
    """Tell whether a cell is ticked, with a sign or with an x."""
    return bool(TICKS.intersection(cell)) or cell.casefold() == "x"


def is_tick_column(cells: Sequence[str]) -> bool:
    """Tell whether cells hold nothing but ticks, crosses and empty boxes, and a tick at least."""
    signs = [is_tick(cell) or not cell or set(cell) <= CROSSES for cell in cells]
    return all(signs) and any(map(is_tick, cells))


def columns_of(table: Table, fields: Sequence[Field]) -> list[Column]:
    """Return each field's column; none where a field has no column, or two have the same."""
    columns = [column for field in fields if (column := field_column(table, field)) is not None]
    places = [place for column in columns for place in (column.place, *(at for at, _ in column.choices)) if place >= 0]
    return columns if len(columns) == len(fields) and len(set(places)) == len(places) else []


def field_column(table: Table, field: Field) -> Column | None:
    """Return where a field's values stand in a table; None where it has no such column."""
    place = column_of(table.head, field)
    if place is not None:
        ticked = field.kind == "boolean" and is_tick_column([row[place] for row in table.rows])
        return Column(place, ticked)
    choices = field.choices if field.kind == "choice" else ()
    heads = [letters_only(cell) for cell in table.head]
    names = [(heads.index(letters_only(choice)), choice) for choice in choices if letters_only(choice) in heads]
    is_whole = len(names) == len(choices) > 1
    return (
        Column(choices=tuple(names))
        if is_whole and all(is_tick_column([row[at] for row in table.rows]) for at, _ in names)
        else None
    )


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
