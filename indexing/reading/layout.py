"""Lines of a page in the order in which people read them: columns one after the other, tables row by row."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean, median

from indexing.reading.lines import Segment, TextLine

LEAST_COLUMN = 4  # lines of text on each side of a gutter
LEAST_WORDS = 3.0  # in a line of a column of prose, on average
MOST_SEGMENTS = 1.3  # in a line of prose, on average
WIDE = 250.0  # points: what may be two columns itself
FULL_LINES = 0.55  # of a column's width: how long its lines are on average
MOST_GUTTERS = 40  # tried on one page
LEAST_GUTTER = 6.0  # points
LEAST_ROWS = 3  # of a table without lines around its cells
MOST_WORDS = 8.0  # in a cell of such a table, on average
SHORT_CELL, FEW_WORDS = 2.5, 4  # words: of a cell on average where there are two columns; of a figure with its unit
DIGITS = 0.4  # of a figure's letters
DENSE, SPREAD = 0.6, 0.45  # of its rows are as they should be; of its lines have several cells: a row may have two
FAR_ROWS = 4.0  # times the size of their letters: what is farther apart is no table
PARAGRAPH = 1.6  # times the usual distance of lines: a new paragraph
CLOSE = 0.8  # times the usual distance of rows: a line that goes on with a cell
LIST_MARK = re.compile(r"(?:\(?\d{1,3}(?:\.\d{1,2})*[.)]?|\(?[a-zA-Z][.)]|[ivx]{1,4}[.)]|[•◦▪·*–—-]|\[\d+\])$")
NUMBERED_LINES = 5  # in a row: the numbers of a contract's or a draft's lines
CELL = " | "


@dataclass
class PageOrder:
    """The text of a page, and what of its layout made it differ from the order in the file."""

    parts: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)  # columns, table, line numbers

    def read(self, lines: Sequence[TextLine]) -> None:
        """Read lines from top to bottom: between two gutters column after column, else tables and plain lines."""
        if columns := widest_columns(lines):
            first, last, gutter = columns
            self.reasons.add("columns")
            self._plain(lines[:first])
            for side in sides(lines[first:last], gutter):
                self.read(side)
            self.read(lines[last:])
        else:
            self._plain(lines)

    def _plain(self, lines: Sequence[TextLine]) -> None:
        """Read lines without columns; stretches of rows become tables."""
        at = 0
        usual = median(distances(lines)) if len(lines) > 2 else 0.0
        for first, last in table_stretches(lines):
            self._lines(lines[at:first], usual)
            rows = rows_of(lines[first:last])
            if rows:
                self.reasons.add("table")
                self.parts.append("\n".join(map(row_text, rows)))
            else:
                self._lines(lines[first:last], usual)
            at = last
        self._lines(lines[at:], usual)

    def _lines(self, lines: Sequence[TextLine], usual: float) -> None:
        for index, line in enumerate(lines):
            far = bool(index) and usual and lines[index - 1].base - line.base > PARAGRAPH * usual
            self.parts.append("\n" * bool(far) + line.text)

    @property
    def text(self) -> str:
        """Return the page's text."""
        return "\n".join(self.parts)


def row_text(cells: Sequence[str]) -> str:
    """Return a row on one line, its cells between bars; a label with its colon goes before its value."""
    return CELL.join(cells).replace(f":{CELL}", ": ").strip()


def distances(lines: Sequence[TextLine]) -> list[float]:
    """Return how far lines are from each other."""
    return [above.base - below.base for above, below in pairwise(lines)]


def widest_columns(lines: Sequence[TextLine]) -> tuple[int, int, float] | None:
    """Return the longest run of lines that a gutter divides into two columns of prose: first, last, and where."""
    best: tuple[int, int, float] | None = None
    for gutter in likely_gutters(lines):
        for first, last in runs_beside(lines, gutter):
            longer = best is None or last - first > best[1] - best[0]
            if longer and is_gutter(lines[first:last], gutter):
                best = first, last, float(gutter)
    return best


def likely_gutters(lines: Sequence[TextLine]) -> list[int]:
    """Return where columns may begin: right before the places at which most stretches do."""
    edges = Counter(round(segment.left - LEAST_GUTTER / 2) for line in lines for segment in line.segments)
    edges.update(round((a.right + b.left) / 2) for line in lines for a, b in gaps(line))
    return sorted(place for place, count in edges.most_common(MOST_GUTTERS) if count >= LEAST_COLUMN // 2)


def gaps(line: TextLine) -> Iterator[tuple[Segment, Segment]]:
    """Yield the neighbours on a line."""
    return pairwise(line.segments)


def runs_beside(lines: Sequence[TextLine], gutter: float) -> Iterator[tuple[int, int]]:
    """Yield the runs of lines that nothing crosses at a gutter."""
    first = 0
    for index in range(len(lines) + 1):
        if index == len(lines) or crosses(lines[index], gutter):
            if index - first >= LEAST_COLUMN:
                yield first, index
            first = index + 1


def crosses(line: TextLine, gutter: float) -> bool:
    """Tell whether a line goes on over a gutter."""
    return any(segment.left < gutter - 1 and segment.right > gutter + 1 for segment in line.segments)


def is_gutter(lines: Sequence[TextLine], gutter: float) -> bool:
    """Tell whether both sides of a gutter are columns of prose and not of cells."""
    left, right = sides(lines, gutter)
    if not left or not right:
        return False
    wide = min(line.left for line in right) - max(line.right for line in left) >= LEAST_GUTTER
    return wide and is_prose(left) and is_prose(right)


def is_prose(lines: Sequence[TextLine]) -> bool:
    """Tell whether lines are a column of text: enough of them, most of them long."""
    if len(lines) < LEAST_COLUMN or any(segment.filled for line in lines for segment in line.segments):
        return False  # few lines, or a form
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    words = mean(len(line.text.split()) for line in lines)
    if words < LEAST_WORDS:
        return False
    long_lines = mean(line.right - line.left for line in lines) >= FULL_LINES * (right - left)
    single = mean(len(line.segments) for line in lines) < MOST_SEGMENTS
    return (long_lines and single) or (right - left > WIDE and widest_columns(lines) is not None)


def sides(lines: Sequence[TextLine], gutter: float) -> tuple[list[TextLine], list[TextLine]]:
    """Return the lines to the left and those to the right of a gutter."""
    left = [TextLine(line.base, line.size, [s for s in line.segments if s.right <= gutter + 1]) for line in lines]
    right = [TextLine(line.base, line.size, [s for s in line.segments if s.right > gutter + 1]) for line in lines]
    return [line for line in left if line.segments], [line for line in right if line.segments]


def table_stretches(lines: Sequence[TextLine]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of lines of which most have several cells."""
    several = [index for index, line in enumerate(lines) if len(line.segments) > 1]
    groups: list[list[int]] = []
    for index in several:
        near = groups and max(distances(lines[groups[-1][-1] : index + 1])) < FAR_ROWS * lines[index].size
        if near and index - groups[-1][-1] <= 2:
            groups[-1].append(index)
        else:
            groups.append([index])
    for group in groups:
        if len(group) >= LEAST_ROWS and len(group) >= SPREAD * (group[-1] - group[0] + 1):
            yield group[0], group[-1] + 1 + more_of_last_row(lines, group[0], group[-1])


def more_of_last_row(lines: Sequence[TextLine], first: int, last: int) -> int:
    """Return how many lines go on with the last row of a table: near, and not in its first column."""
    least = min(distances(lines[first : last + 1]))
    count = 0
    for above, below in pairwise(lines[last:]):
        inside = len(below.segments) == 1 and below.left > lines[last].segments[0].right
        if not inside or above.base - below.base > 1.15 * least:
            break
        count += 1
    return count


def rows_of(lines: Sequence[TextLine]) -> list[list[str]]:
    """Return the rows of a table without lines; none if it is no table after all."""
    columns = column_spans([s for line in lines if len(line.segments) > 1 for s in line.segments])
    if len(columns) < 2 or any(len(line.segments) > len(columns) for line in lines):
        return []
    cells = [cells_of(line, columns) for line in lines]
    if any(len({index for index, _ in row}) < len(row) for row in cells):
        return []
    words = mean(segment.words for line in lines for segment in line.segments)
    if words > MOST_WORDS or is_list(cells) or (len(columns) == 2 and are_blocks(cells)):
        return []
    return joined_rows(lines, cells, len(columns))


def column_spans(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Return where columns begin and end: what overlaps across the rows is one column."""
    spans: list[tuple[float, float]] = []
    for segment in sorted(segments, key=lambda s: s.left):
        if spans and segment.left < spans[-1][1] + LEAST_GUTTER / 2:
            spans[-1] = spans[-1][0], max(spans[-1][1], segment.right)
        else:
            spans.append((segment.left, segment.right))
    return spans


def cells_of(line: TextLine, columns: Sequence[tuple[float, float]]) -> list[tuple[int, str]]:
    """Return each cell of a line with the number of its column."""

    def column(segment: Segment) -> int:
        shared = [min(segment.right, right) - max(segment.left, left) for left, right in columns]
        return shared.index(max(shared))

    return [(column(segment), segment.text) for segment in line.segments]


def is_list(cells: Sequence[Sequence[tuple[int, str]]]) -> bool:
    """Tell whether the first column has only the marks of a list: 1., (a), bullets."""
    first = [text for row in cells for index, text in row if index == 0]
    return all(LIST_MARK.match(text) for text in first) and all(index < 2 for row in cells for index, _ in row)


def are_blocks(cells: Sequence[Sequence[tuple[int, str]]]) -> bool:
    """Tell whether two columns are blocks of text side by side, such as two addresses, rather than a table."""
    for column in (0, 1):
        texts = [text for row in cells for index, text in row if index == column]
        if mean(map(is_figure, texts)) >= DENSE:
            return False
        if all(text.endswith(":") for text in texts):
            return False
    return mean(len(text.split()) for row in cells for _, text in row) > SHORT_CELL


def is_figure(text: str) -> bool:
    """Tell whether a cell is a number, with a unit perhaps."""
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalnum, text))
    return digits >= DIGITS * max(1, letters) and len(text.split()) <= FEW_WORDS


def joined_rows(lines: Sequence[TextLine], cells: Sequence[Sequence[tuple[int, str]]], columns: int) -> list[list[str]]:
    """Return the rows, a cell of several lines as one, a label that stands for several rows in each of them."""
    usual = median(distances([line for line in lines if len(line.segments) > 1]))
    least = min(distances(lines))
    rows: list[list[str]] = []
    for index, line_cells in enumerate(cells):
        row = [""] * columns
        for column, text in line_cells:
            row[column] = text
        near = bool(index) and lines[index - 1].base - lines[index].base < min(CLOSE * usual, 1.15 * least)
        if rows and goes_on(rows[-1], row, near=near):
            rows[-1] = [f"{above} {text}".strip() for above, text in zip(rows[-1], row, strict=True)]
            continue
        if rows and not row[0] and len(line_cells) > 1 and len(rows) > 1 and is_label(rows[-1][0]):
            row[0] = rows[-1][0]
        rows.append(row)
    return rows


def goes_on(above: Sequence[str], row: Sequence[str], *, near: bool) -> bool:
    """Tell whether a line goes on with the cells of the row above."""
    filled = [index for index, text in enumerate(row) if text]
    if not row[0] and len(filled) == 1:
        return True
    several = sum(map(bool, above)) > 1
    return near and several and all(above[index] for index in filled)


def is_label(text: str) -> bool:
    """Tell whether a first cell names its rows."""
    return bool(text) and not any(map(str.isdigit, text)) and not text.casefold().startswith(("total", "sum", "somme"))


def without_line_numbers(lines: Sequence[TextLine]) -> list[TextLine]:
    """Take the numbers of lines out of the margin."""
    numbered = [line for line in lines if line.segments[0].text.isdigit() and len(line.segments) > 1]
    numbers = [int(line.segments[0].text) for line in numbered]
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbered) < NUMBERED_LINES or len(steps) != 1 or steps <= {0} or not is_aligned(numbered):
        return list(lines)
    if steps == {1} and len(numbered) < DENSE * len(lines):
        return list(lines)
    edge = max(line.segments[0].right for line in numbered)
    if min(line.segments[1].left for line in numbered) < edge + LEAST_GUTTER / 2:
        return list(lines)
    if len(column_spans([s for line in numbered for s in line.segments])) > 2:
        return list(lines)
    return [TextLine(line.base, line.size, line.segments[1:]) if line in numbered else line for line in lines]


def is_aligned(lines: Sequence[TextLine]) -> bool:
    """Tell whether lines begin with stretches that stand below each other, at their left or at their right."""
    lefts, rights = [line.segments[0].left for line in lines], [line.segments[0].right for line in lines]
    return min(max(lefts) - min(lefts), max(rights) - min(rights)) < LEAST_GUTTER
