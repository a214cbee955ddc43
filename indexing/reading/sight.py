"""A PDF page as a person sees it: letters by their places, with what is typed onto the page."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from indexing.reading.annotations import added_texts
from indexing.reading.cleanup import is_garbled, is_glued
from indexing.reading.glyphs import Glyph, PageGlyphs
from indexing.reading.layout import CELL, PageOrder, rows_of, table_stretches, without_line_numbers
from indexing.reading.lines import AddedText, Segment, TextLine, lines_of
from indexing.reading.pages import BROKEN, letters
from indexing.reading.running_heads import MARGIN_LINES, MarginLine
from indexing.reading.tables import LOST, Box, Grid, on_one_line, tables_on

REMEMBERED = 16  # pages: running heads look at the neighbours
FEW_DOUBLED = 5  # letters
MARGIN = 0.15  # of a page's height
NOTED = ("invisible", "watermark")  # what a receipt names
RAISED = re.compile("[²³¹⁰⁴-⁹]|10\\^")


@dataclass
class Sight:
    """One page by its letters; empty where they can't be had."""

    page: Any = None  # pdfium's
    glyphs: PageGlyphs | None = None
    added: list[AddedText] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # notes that people put onto the page

    @property
    def notes(self) -> list[str]:
        """Return what was left out, for the receipt."""
        return [key for key in NOTED if self.glyphs and self.glyphs.left_out[key] >= FEW_DOUBLED]

    @cached_property
    def lines(self) -> list[TextLine]:
        """Return the page's lines, forms filled in and links with their addresses."""
        if not self.glyphs or self.glyphs.odd:
            return []
        return lines_of(self.glyphs.shown, self.added)

    @cached_property
    def margins(self) -> tuple[Sequence[MarginLine], Sequence[MarginLine]]:
        """Return the lines at the top and at the bottom that stand apart from the text."""
        if len(self.lines) < 3:
            return (), ()
        _left, bottom, _right, top = self.page.get_bbox()
        reach = MARGIN * (top - bottom)
        stretches = [(first, last) for first, last in table_stretches(self.lines) if rows_of(self.lines[first:last])]
        in_tables = {index for first, last in stretches for index in range(first, last)}
        lines = [(line.base, MarginLine(line.text, at in in_tables)) for at, line in enumerate(self.lines)]
        above = [line for base, line in lines if base > top - reach]
        below = [line for base, line in lines if base < bottom + reach]
        return above[:MARGIN_LINES], below[-MARGIN_LINES:]

    def text_instead_of(self, text: str, repeated: Sequence[str]) -> str:
        """Return the page's text by place where the file's own order misleads; "" where that will do.

        `repeated` are the running heads and feet: they are left out.
        """
        if not self.glyphs or self.glyphs.odd or not self.lines:
            return ""
        order = self._order(set(repeated))
        left_out = self.glyphs.left_out
        reasons = {key for key in ("invisible", "watermark", "doubled") if left_out[key] >= FEW_DOUBLED}
        reasons |= order.reasons | {"added" for _ in self.added} | {"raised" for _ in RAISED.findall(order.text)}
        if says_twice(text, order.text):
            return order.text
        if not reasons or is_garbled(order.text) or is_glued(order.text):
            return ""
        seen = letters(order.text) + sum(map(letters, repeated)) + reasons_slack(order)
        seen += sum(left_out[key] for key in left_out if key != "turned")
        return order.text if seen >= (1 - LOST) * letters(text) - left_out["turned"] else ""

    def _order(self, repeated: Set[str]) -> PageOrder:
        order = PageOrder()
        tables = tables_on(self.page)
        lines = lines_around(self.glyphs.shown if self.glyphs else (), self.added, tables) if tables else self.lines
        lines = [line for line in lines if line.text not in repeated]
        numbered = without_line_numbers(lines)
        if [line.text for line in numbered] and numbered != lines:
            order.reasons.add("line numbers")
        order.read(numbered)
        return order


def says_twice(text: str, other: str) -> bool:
    """Tell whether a text has the lines of another once more, and nothing else: something is drawn twice."""
    if letters(text) <= letters(other) + FEW_DOUBLED:
        return False
    rest = "".join(text.split())
    for line in sorted(other.split("\n"), key=len, reverse=True):
        rest = rest.replace("".join(line.split()) or "\n", "")
    return letters(rest) <= FEW_DOUBLED


def reasons_slack(order: PageOrder) -> int:
    """Return how many letters may be missing because the numbers of lines went."""
    return 4 * len(order.text.split("\n")) if "line numbers" in order.reasons else 0


def lines_around(
    glyphs: Sequence[Glyph], added: Sequence[AddedText], tables: Sequence[tuple[Grid, list[str]]]
) -> list[TextLine]:
    """Return a page's lines with each table that has lines around its cells as one block of rows."""
    blocks: list[TextLine] = []
    rest, other = list(glyphs), list(added)
    for grid, _rows in tables:
        box = grid.columns[0], grid.rows[-1], grid.columns[-1], grid.rows[0]
        inside = [glyph for glyph in rest if within(glyph.left, glyph.right, glyph.middle, box)]
        typed = [text for text in other if within(text.left, text.right, (text.bottom + text.top) / 2, box)]
        rest = [glyph for glyph in rest if not within(glyph.left, glyph.right, glyph.middle, box)]
        other = [text for text in other if text not in typed]
        rows = [row for cells in grid.cells() if (row := row_text(cells, inside, typed)).replace("|", "").strip()]
        if rows:
            blocks.append(TextLine(box[3], 1.0, [Segment("\n".join(rows), box[0], box[2])]))
    return sorted([*lines_of(rest, other), *blocks], key=lambda line: -line.base)


def row_text(cells: Sequence[Box], glyphs: Sequence[Glyph], typed: Sequence[AddedText]) -> str:
    """Return a row of a table that has lines around its cells."""
    texts = []
    for cell in cells:
        inside = [glyph for glyph in glyphs if within(glyph.left, glyph.right, glyph.middle, cell)]
        added = [text for text in typed if within(text.left, text.right, (text.bottom + text.top) / 2, cell)]
        texts.append(on_one_line("\n".join(line.text for line in lines_of(inside, added))))
    return CELL.join(texts)


def within(left: float, right: float, middle: float, box: Box) -> bool:
    """Tell whether the middle of something is in a box."""
    return box[0] <= (left + right) / 2 <= box[2] and box[1] <= middle <= box[3]


class Sights:
    """The pages of one file as a person sees them; those looked at last are remembered."""

    def __init__(self, pdfium: Any, pypdf: Any) -> None:
        self._pdfium, self._pypdf = pdfium, pypdf
        self.of = lru_cache(maxsize=REMEMBERED)(self._look)

    def _look(self, number: int) -> Sight:
        try:
            page = self._pdfium[number - 1] if self._pdfium else None
        except BROKEN:
            page = None
        if page is None:
            return Sight()
        sight = Sight(page)
        try:
            sight.glyphs = PageGlyphs.of(page, page.get_textpage())
        except BROKEN:
            sight.glyphs = None
        try:
            sight.added, sight.remarks = added_texts(self._pypdf.pages[number - 1]) if self._pypdf else ([], [])
        except BROKEN:
            sight.added, sight.remarks = [], []
        return sight
