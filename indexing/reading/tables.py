"""Tables with lines around their cells: each row becomes one line of text, its cells between bars.

Readers give a table's text in the order in which it was drawn, and a cell of two lines tears its row apart.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice, pairwise
from typing import Any

from pypdfium2 import raw

from indexing.reading.pages import letters

NEAR = 3.0  # points: lines that are drawn apart and meant to touch
LEAST_LINES = 2  # a cross makes four cells
LEAST_LENGTH = 8.0  # points of a line that may bound a cell
MOST_POINTS, MOST_STROKES, MOST_LINES = 100_000, 20_000, 600  # more are a drawing; strokes in one row make one line
MOST_CELLS = 5000  # of a grid; more are a drawing too
MOST_LOOKED_AT = 500_000_000  # characters: for each cell pdfium looks at all of the page, 200 million in a second
FILLED = 0.4  # of the cells; fewer have text in a chart with grid lines
WORDS = 0.15  # of the cells have a word; in a score there are only signs
LONG_CELL = 5  # lines; two of them side by side in a table of few rows are many rows without lines between them
FEW_ROWS = 3
FEW_LETTERS = 5  # beside a table; more are another column
LOST = 0.01  # of the letters may go when text is taken by place
TORN = 0.03  # of the words may be cut by a line that is taken for a column's

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Grid:
    """Lines that touch each other."""

    across: list[Box]
    down: list[Box]

    @cached_property
    def columns(self) -> list[float]:
        """Return where columns begin, and where the last ends; the sides of a table may have no line."""
        return merged_rows(x for line in (*self.down, *self.across) for x in (line[0], line[2]))

    @cached_property
    def rows(self) -> list[float]:
        """Return where rows begin, from the top, and where the last ends; top and bottom may have no line either."""
        return merged_rows(y for line in (*self.across, *self.down) for y in (line[1], line[3]))[::-1]

    @property
    def size(self) -> int:
        """Return how many cells there are at most."""
        return (len(self.rows) - 1) * (len(self.columns) - 1)

    def cells(self) -> Iterator[list[Box]]:
        """Yield the cells of each row; those without a line between them are one."""
        for top, bottom in pairwise(self.rows):
            first, *inner, last = self.columns
            bounds = [first, *(x for x in inner if self._divides(x, (top + bottom) / 2)), last]
            yield [(left, bottom, right, top) for left, right in pairwise(bounds)]

    def _divides(self, x: float, y: float) -> bool:
        return any(abs(line[0] - x) <= NEAR and line[1] - NEAR < y < line[3] + NEAR for line in self.down)


def text_with_tables(page: Any) -> str:
    """Return a pdfium page's text with its tables as rows; "" where it has none, or where that would lose text."""
    tables = tables_on(page)
    if not tables:
        return ""
    textpage = page.get_textpage()
    text = "\n".join(part for part in composed(tables, textpage, page.get_bbox()) if part.strip())
    return text if letters(text) >= (1 - LOST) * letters(textpage.get_text_bounded()) else ""


def tables_on(page: Any) -> list[tuple[Grid, list[str]]]:
    """Return a pdfium page's tables with their rows.

    It has none for us where the page is turned, or where other text stands beside them: rows would tear that apart.
    """
    if page.get_rotation() or not (found := grids(lines_of(page))):
        return []
    textpage = page.get_textpage()
    if sum(grid.size for grid in found) * textpage.count_chars() > MOST_LOOKED_AT:
        return []
    words, box = set(textpage.get_text_bounded().split()), page.get_bbox()
    tables = [(grid, rows) for grid in found if (rows := rows_of(grid, textpage, words))]
    return [] if any(letters_beside(grid, textpage, box) > FEW_LETTERS for grid, _ in tables) else tables


def letters_beside(grid: Grid, textpage: Any, page: Box) -> int:
    """Return how many letters stand to the left and to the right of a table."""
    return sum(letters(textpage.get_text_bounded(*strip)) for strip in strips_beside(grid, page))


def strips_beside(grid: Grid, page: Box) -> tuple[Box, Box]:
    """Return the parts of a page to the left and to the right of a table."""
    upper, lower = grid.rows[0], grid.rows[-1]
    return (page[0], lower, grid.columns[0], upper), (grid.columns[-1], lower, page[2], upper)


def composed(tables: Sequence[tuple[Grid, list[str]]], textpage: Any, page: Box) -> Iterator[str]:
    """Yield a page's text from top to bottom: what stands around the tables, and their rows."""
    left, end, right, top = page
    for grid, rows in sorted(tables, key=lambda table: -table[0].rows[0]):
        upper, lower = grid.rows[0], grid.rows[-1]
        if upper > top:
            continue  # within another table: its text is in that one's cells
        before, after = strips_beside(grid, page)
        yield textpage.get_text_bounded(left, upper, right, top)
        yield textpage.get_text_bounded(*before)
        yield "\n".join(rows)
        yield textpage.get_text_bounded(*after)
        top = lower
    yield textpage.get_text_bounded(left, end, right, top)


def rows_of(grid: Grid, textpage: Any, words: set[str]) -> list[str]:
    """Return a table's rows as text; none if it is no table after all. `words` are the page's."""
    rows = [[textpage.get_text_bounded(*cell).strip() for cell in cells] for cells in grid.cells()]
    return [" | ".join(map(on_one_line, row)) for row in rows if any(row)] if is_table(rows, words) else []


def on_one_line(cell: str) -> str:
    """Join the lines of a cell; \\x02 is what pdfium gives for a hyphen at a line's end."""
    return " ".join(cell.replace("\x02", "").split())


def is_table(rows: Sequence[Sequence[str]], words: set[str]) -> bool:
    """Tell cells of text from frames, charts and scores, and from tables that have no lines between their rows."""
    several = [row for row in rows if sum(letters(cell) > 0 for cell in row) > 1]
    cells = [cell for row in rows for cell in row]
    if len(several) < 2 or sum(letters(cell) > 0 for cell in cells) < FILLED * len(cells):
        return False
    if sum(any(letters(word) > 1 for word in cell.split()) for cell in cells) < WORDS * len(cells):
        return False
    if len(rows) <= FEW_ROWS and any(sum(cell.count("\n") >= LONG_CELL - 1 for cell in row) > 1 for row in rows):
        return False
    found = " ".join(cells).split()
    return sum(word not in words for word in found) <= max(1, TORN * len(found))


def grids(lines: Sequence[Box]) -> list[Grid]:
    """Group lines that touch; return the groups that may be a table, of two rows and two columns at least."""
    if not LEAST_LINES <= len(lines) <= MOST_LINES:
        return []
    groups: list[list[Box]] = []
    for line in lines:
        touching = [group for group in groups if any(touch(line, other) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([line, *(other for group in touching for other in group)])
    found = []
    for group in groups:
        across = [line for line in group if line[2] - line[0] > line[3] - line[1]]
        grid = Grid(across, [line for line in group if line not in across])
        if len(grid.rows) > 2 and len(grid.columns) > 2 and grid.size <= MOST_CELLS:
            found.append(grid)
    return found


def touch(one: Box, other: Box) -> bool:
    """Tell whether two lines meet."""
    return (
        one[0] <= other[2] + NEAR and other[0] <= one[2] + NEAR
        and one[1] <= other[3] + NEAR and other[1] <= one[3] + NEAR
    )  # fmt: skip


def merged_rows(places: Iterator[float]) -> list[float]:
    """Return places in order, those near each other once."""
    result: list[float] = []
    for place in sorted(places):
        if not result or place - result[-1] > NEAR:
            result.append(place)
    return result


def lines_of(page: Any) -> list[Box]:
    """Return the straight lines of a page that run across or down."""
    strokes = list(islice(strokes_of(page), MOST_STROKES))
    across = [stroke for stroke in strokes if stroke[2] - stroke[0] > stroke[3] - stroke[1]]
    down = [turned(stroke) for stroke in strokes if stroke[2] - stroke[0] <= stroke[3] - stroke[1]]
    return [*strung_together(across), *map(turned, strung_together(down))]


def turned(box: Box) -> Box:
    """Swap across and down."""
    return box[1], box[0], box[3], box[2]


def strung_together(strokes: Sequence[Box]) -> Iterator[Box]:
    """Yield one line for strokes across that follow each other at one height, as the borders of cells do."""
    for _height, some in groupby(sorted(strokes, key=height), height):
        line: Box | None = None
        for stroke in sorted(some):
            if line and stroke[0] <= line[2] + NEAR:
                line = line[0], min(line[1], stroke[1]), max(line[2], stroke[2]), max(line[3], stroke[3])
            else:
                if line:
                    yield line
                line = stroke
        if line:
            yield line


def height(stroke: Box) -> int:
    """Return where a stroke across runs, roughly."""
    return round(stroke[1] / NEAR)


def strokes_of(page: Any) -> Iterator[Box]:
    """Yield the straight pieces of all shapes that are drawn on a page."""
    shapes = page.get_objects([raw.FPDF_PAGEOBJ_PATH], max_depth=1)
    points = islice(chain.from_iterable(map(corner_points, shapes)), MOST_POINTS)
    for (x, y, _begins), (next_x, next_y, begins) in pairwise(points):
        flat = abs(next_x - x) < NEAR / 2 or abs(next_y - y) < NEAR / 2
        if not begins and flat and max(abs(next_x - x), abs(next_y - y)) >= LEAST_LENGTH:
            yield min(x, next_x), min(y, next_y), max(x, next_x), max(y, next_y)


def corner_points(shape: Any) -> Iterator[tuple[float, float, bool]]:
    """Yield a shape's points on the page, and whether a stroke begins there."""
    matrix = shape.get_matrix()
    for number in range(raw.FPDFPath_CountSegments(shape)):
        segment = raw.FPDFPath_GetPathSegment(shape, number)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        begins = number == 0 or raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO
        yield *matrix.on_point(x.value, y.value), begins
