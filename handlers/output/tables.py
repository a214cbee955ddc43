"""Tables that people bring and take away: CSV in whatever dialect their spreadsheet wrote, CSV out for any of them."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from indexing.reading.csv_files import delimiter_of
from indexing.reading.decode import decode_text, is_plain_text

SNIFFED_CHARACTERS = 64_000
READ_BYTES = 16 * 2**20  # of a table; of what lies beyond only the lines are counted
COUNTED_BYTES = 2**20  # at once
TEXT_COLUMNS = (
    "text", "texte", "review", "avis", "comment", "commentaire", "message", "content", "contenu", "sentence", "phrase",
    "feedback", "verbatim", "critique", "opinion", "body", "description",
)  # fmt: skip
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # a spreadsheet would run them; in some locales the wide ones, too


class NoText(ValueError):
    """The table has no column with text."""


class NotATable(ValueError):
    """The file is neither a table nor a text: a PDF, a workbook, a picture."""


@dataclass(frozen=True)
class Texts:
    """The texts of a file, one a row or a line."""

    items: tuple[str, ...]
    left_out: int  # rows beyond the limit
    column: str  # "" for a plain text file


def read_texts(path: Path, name: str, limit: int) -> Texts:
    """Return the texts of a CSV file, or the lines of any other text file.

    Raises NoText where there are none, NotATable for a file of another kind.
    """
    data, lines_beyond = beginning(path)
    if data.startswith(b"%PDF") or not is_plain_text(data[:SNIFFED_CHARACTERS]):
        raise NotATable(name)
    content = decode_text(data)
    if name.casefold().endswith((".csv", ".tsv")):
        return texts_of_table(content, limit, lines_beyond)
    lines, left_out = first(io.StringIO(content), limit)
    if not lines:
        raise NoText(name)
    return Texts(tuple(lines), left_out + lines_beyond, "")


def beginning(path: Path) -> tuple[bytes, int]:
    """Return as much of a file as is read, whole lines of it, and how many lines lie beyond."""
    with path.open("rb") as file:
        data = file.read(READ_BYTES)
        if len(data) < READ_BYTES:
            return data, 0
        whole = data[: data.rfind(b"\n") + 1] or data
        lines = data[len(whole) :].count(b"\n")
        while chunk := file.read(COUNTED_BYTES):
            lines += chunk.count(b"\n")
    return whole[: len(whole) // 2 * 2], lines  # half a character of UTF-16 is none


def first(texts: Iterable[str], limit: int) -> tuple[list[str], int]:
    """Return the first texts that are not empty, and how many more there are."""
    stripped = (text for text in map(str.strip, texts) if text)
    return list(islice(stripped, limit)), sum(1 for _ in stripped)


def texts_of_table(content: str, limit: int, lines_beyond: int = 0) -> Texts:
    """Return the column that holds text, up to `limit` rows; raise NoText."""
    csv.field_size_limit(10_000_000)
    rows = csv.reader(io.StringIO(content), delimiter=delimiter_of(content))
    head = list(islice(rows, 200))
    column, has_header = text_column(head)
    cells = (row[column] for row in chain(head[has_header:], rows) if len(row) > column)
    texts, left_out = first(cells, limit)
    if not texts:
        raise NoText
    return Texts(tuple(texts), left_out + lines_beyond, head[0][column].strip() if has_header else "")


def text_column(rows: Sequence[Sequence[str]]) -> tuple[int, bool]:
    """Return the index of the column with text and whether the first row names the columns; raise NoText.

    A column that is named so wins; else the one with the most words, which must be words and not numbers.
    """
    if not rows:
        raise NoText
    names = [name.strip().casefold() for name in rows[0]]
    for wanted in TEXT_COLUMNS:
        if wanted in names:
            return names.index(wanted), True
    body = rows[1:] or rows
    widths = [_letters(body, column) for column in range(max(map(len, body), default=0))]
    if not widths or max(widths) < 3:
        raise NoText
    column = widths.index(max(widths))
    named = len(rows) > 1 and column < len(rows[0]) and 0 < len(rows[0][column]) < min(40, widths[column])
    return column, named and all(name and not name[0].isdigit() for name in names)


def _letters(rows: Sequence[Sequence[str]], column: int) -> float:
    """Return how many letters a cell of the column has on average."""
    cells = [row[column] for row in rows if len(row) > column]
    return sum(sum(map(str.isalpha, cell)) for cell in cells) / max(1, len(cells))


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a CSV that every spreadsheet opens in UTF-8 and in which no cell is run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_harmless(column) for column in columns])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return "" if cell is None else cell


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars and line ends in cells are softened."""
    lines = ["| " + " | ".join(map(_cell, columns)) + " |", "|" + " --- |" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in rows])


def _cell(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip().replace("|", "¦") or " "
