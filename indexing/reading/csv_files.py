"""CSV files: rows as pages, the head said again on each."""

import csv
import io
from pathlib import Path

from indexing.reading.decode import decode_text
from indexing.reading.pages import PageTexts
from indexing.reading.table_pages import table_pages

SNIFFED_CHARACTERS = 64_000
SNIFFED_LINES = 20
LARGEST_FIELD = 10_000_000  # characters


def csv_file(path: Path) -> PageTexts:
    """Read a table in whatever dialect its spreadsheet wrote."""
    csv.field_size_limit(LARGEST_FIELD)
    content = decode_text(path.read_bytes())
    rows = list(csv.reader(io.StringIO(content), delimiter=delimiter_of(content)))
    pages = list(table_pages(rows))
    labels = [f"rows {page.first}\N{EN DASH}{page.last}" for page in pages]
    return PageTexts([page.text for page in pages], labels=labels)


def delimiter_of(content: str) -> str:
    """Return the separator that cuts the first lines into the same number of columns most often."""
    lines = content[:SNIFFED_CHARACTERS].splitlines()[:SNIFFED_LINES]

    def regularity(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)] or [1]
        common = max(set(widths), key=widths.count)
        return (widths.count(common) if common > 1 else 0, common)

    return max(",;\t|", key=regularity)
