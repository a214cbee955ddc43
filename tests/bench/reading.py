"""How much of a page's order and of its rows readers keep: `python -m bot bench reading`, on pages of our own making.

Each page knows the words that have to follow each other and the cells that have to stand in one line.
pdfplumber is compared where it is installed.
"""

import importlib.util
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
from fpdf import FPDF

from indexing.reading.pdf import PdfFile

SEED = 20261128
OF_EACH = 8  # pages of each kind
SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "po", "ri", "sa", "tu", "ve")

Reader = Callable[[Path], list[str]]


@dataclass
class Truth:
    """What a person reads on a page."""

    order: list[str] = field(default_factory=list)  # words, each only once on the page
    rows: list[list[str]] = field(default_factory=list)  # cells of one line
    absent: list[str] = field(default_factory=list)  # what nobody reads there


class Maker:
    """One page with words that occur only once."""

    def __init__(self, number: int) -> None:
        self.dice = random.Random(SEED + number)
        self.pdf = FPDF()
        self.pdf.set_font("Helvetica", size=11)
        self.pdf.add_page()
        self.truth = Truth()
        self._used: set[str] = set()

    def word(self) -> str:
        while (word := "".join(self.dice.choices(SYLLABLES, k=4))) in self._used:
            pass
        self._used.add(word)
        return word

    def words(self, count: int, *, known: bool = True) -> str:
        made = [self.word() for _ in range(count)]
        if known:
            self.truth.order += made
        return " ".join(made)

    def figure(self) -> str:
        return f"{self.dice.randint(1, 9999)}.{self.dice.randint(10, 99)}"


def prose(page: Maker) -> None:
    for row in range(30):
        page.pdf.text(20, 20 + 8 * row, page.words(9))


def columns(page: Maker, count: int = 2) -> None:
    lines = [[page.words(9 - 2 * count) for _ in range(20)] for _ in range(count)]
    for row in range(20):  # drawn line by line over the gutter, as many programs do
        for column in range(count):
            page.pdf.text(15 + column * 190 / count, 30 + 7 * row + 1.5 * column, lines[column][row])


def three_columns(page: Maker) -> None:
    columns(page, 3)


def table(page: Maker, *, by_column: bool = False, lined: bool = False) -> None:
    page.pdf.text(20, 20, page.words(6))
    rows = [[page.word(), *(page.figure() for _ in range(3))] for _ in range(12)]
    page.truth.rows += rows
    places = [(row, column) for row in range(12) for column in range(4)]
    for row, column in sorted(places, key=lambda place: place[::-1] if by_column else place):
        page.pdf.text(22 + 42 * column, 30 + 9 * row, rows[row][column])
        if lined:
            page.pdf.rect(20 + 42 * column, 24 + 9 * row, 42, 9)


def table_by_column(page: Maker) -> None:
    table(page, by_column=True)


def table_with_lines(page: Maker) -> None:
    table(page, by_column=True, lined=True)


def wrapped_cells(page: Maker) -> None:
    for row in range(8):
        name, first, second, price = page.word(), page.words(2, known=False), page.words(2, known=False), page.figure()
        page.truth.rows.append([name, *first.split(), *second.split(), price])
        for x, y, text in ((20, 0, name), (70, 0, first), (70, 5, second), (140, 0, price)):
            page.pdf.text(x, 30 + 16 * row + y, text)


def drawn_twice(page: Maker) -> None:
    for row in range(12):
        text = page.words(7)
        for shift in (0.0, 0.3):
            page.pdf.text(20 + shift, 20 + 8 * row, text)


def invisible(page: Maker) -> None:
    for row in range(12):
        page.pdf.text(20, 20 + 8 * row, page.words(7))
    page.pdf.set_text_color(255, 255, 255)
    hidden = page.words(6, known=False)
    page.truth.absent += hidden.split()
    page.pdf.text(20, 140, hidden)


def line_numbers(page: Maker) -> None:
    for row in range(25):
        page.pdf.text(12, 20 + 8 * row, f"{1001 + row}")
        page.truth.absent.append(str(1001 + row))
        page.pdf.text(30, 20 + 8 * row, page.words(8))


def watermark(page: Maker) -> None:
    word = page.word().upper()
    page.truth.absent.append(word)
    for row in range(20):
        page.pdf.text(20, 20 + 8 * row, page.words(8))
        if row == 10:
            with page.pdf.local_context(font_size_pt=60), page.pdf.rotation(45, 90, 120):
                page.pdf.text(40, 120, word)


KINDS = (prose, columns, three_columns, table, table_by_column, table_with_lines, wrapped_cells, drawn_twice, invisible,
         line_numbers, watermark)  # fmt: skip


def ours(path: Path) -> list[str]:
    file = PdfFile(path)
    return [file.page(number)["text"] for number in range(1, file.pages + 1)]


def with_pypdf(path: Path) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


def with_pdfium(path: Path) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]


def with_pdfplumber(path: Path) -> list[str]:
    import pdfplumber  # type: ignore[import-not-found]

    with pdfplumber.open(path) as file:
        return [page.extract_text() for page in file.pages]


def readers() -> dict[str, Reader]:
    """Return the readers that are at hand."""
    found: dict[str, Reader] = {"ours": ours, "pypdf": with_pypdf, "pdfium": with_pdfium}
    return found | ({"pdfplumber": with_pdfplumber} if importlib.util.find_spec("pdfplumber") else {})


def order_kept(text: str, truth: Truth) -> float:
    """Return the share of neighbours that follow each other and stand there once."""
    words = text.split()
    places = {word: words.index(word) for word in truth.order if words.count(word) == 1}
    pairs = list(zip(truth.order, truth.order[1:], strict=False))
    return sum(places.get(b, -9) - places.get(a, -99) == 1 for a, b in pairs) / max(1, len(pairs))


def rows_kept(text: str, truth: Truth) -> float:
    """Return the share of rows whose cells all stand in one line, in order, and no other row's."""
    lines = [[word for word in line.split() if word != "|"] for line in text.split("\n")]
    return sum(row in lines for row in truth.rows) / max(1, len(truth.rows))


def absent_kept_out(text: str, truth: Truth) -> float:
    """Return the share of what nobody reads that is not there."""
    words = set(text.split())
    return sum(word not in words for word in truth.absent) / max(1, len(truth.absent))


def score(text: str, truth: Truth) -> float:
    """Return how much of a page's truth a reader kept: the mean of what the page has."""
    parts = [(truth.order, order_kept), (truth.rows, rows_kept), (truth.absent, absent_kept_out)]
    scores = [measure(text, truth) for known, measure in parts if known]
    return sum(scores) / len(scores)


def pages_in(folder: Path) -> Iterator[tuple[str, Path, Truth]]:
    """Make all pages, each as a file."""
    for kind in KINDS:
        for number in range(OF_EACH):
            page = Maker(1000 * KINDS.index(kind) + number)
            kind(page)  # type: ignore[operator]
            path = folder / f"{kind.__name__}-{number}.pdf"
            page.pdf.output(str(path))
            yield kind.__name__, path, page.truth


def table_of(scores: dict[str, dict[str, list[float]]], seconds: dict[str, float], count: int) -> Iterator[str]:
    """Yield the lines of a Markdown table: a row a kind, a column a reader."""
    names = list(seconds)
    yield "| page | " + " | ".join(names) + " |"
    yield "| --- |" + " --- |" * len(names)
    for kind, of_kind in scores.items():
        yield (
            f"| {kind.replace('_', ' ')} | "
            + " | ".join(f"{sum(of_kind[n]) / len(of_kind[n]):.2f}" for n in names)
            + " |"
        )
    whole = {name: [one for of_kind in scores.values() for one in of_kind[name]] for name in names}
    yield "| all | " + " | ".join(f"{sum(whole[name]) / len(whole[name]):.2f}" for name in names) + " |"
    yield "| ms a page | " + " | ".join(f"{1000 * seconds[name] / count:.0f}" for name in names) + " |"


def main(out: Any = sys.stdout) -> None:
    """Print the table."""
    chosen = readers()
    scores: dict[str, dict[str, list[float]]] = {}
    seconds = dict.fromkeys(chosen, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        pages: Sequence[tuple[str, Path, Truth]] = list(pages_in(Path(folder)))
        for kind, path, truth in pages:
            for name, reader in chosen.items():
                started = time.process_time()
                text = "\n".join(reader(path))
                seconds[name] += time.process_time() - started
                scores.setdefault(kind, {}).setdefault(name, []).append(score(text, truth))
    out.write("\n".join(table_of(scores, seconds, len(pages))) + "\n")
