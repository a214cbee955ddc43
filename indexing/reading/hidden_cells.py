"""Rows and columns of a sheet that a person does not see: left out, and named on the receipt."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LETTERS = 26


@dataclass(frozen=True)
class HiddenCells:
    """What of one sheet is hidden; rows and columns count from 1."""

    rows: frozenset[int]
    columns: frozenset[int]

    def emptied(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the rows with what is hidden empty: the others keep their numbers."""
        return [
            [] if number in self.rows else ["" if at in self.columns else cell for at, cell in enumerate(row, start=1)]
            for number, row in enumerate(rows, start=1)
        ]

    def names(self, sheet: str, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return what is hidden and not empty as a spreadsheet calls it: Costs!3:5, Costs!B:C."""
        hidden_rows = [number for number in self.rows if number <= len(rows) and any(rows[number - 1])]
        columns = [at for at in self.columns if any(at <= len(row) and row[at - 1] for row in rows)]
        spans = [f"{column_name(first)}:{column_name(last)}" for first, last in runs(columns)]
        spans += [f"{first}:{last}" for first, last in runs(hidden_rows)]
        return [f"{sheet}!{span}" for span in spans]


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield stretches of neighbours as their first and last."""
    first = last = 0
    for number in sorted(numbers):
        if first and number == last + 1:
            last = number
            continue
        if first:
            yield first, last
        first = last = number
    if first:
        yield first, last


def column_name(number: int) -> str:
    """Return a column's letters: 1 is A, 28 is AB."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters
