"""Lines that stand on page after page: running heads, feet, page numbers. They must not cut sentences in two."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from indexing.sentences import spans

NEIGHBOURS = 3  # pages before and after that are looked at
MARGIN_LINES = 3  # at the top and at the bottom of a page
REPEATED = 2  # on how many of the neighbours a line has to stand; one where there is only one
EDGE_LINES = 6  # of a page's text, in which what repeats is looked for
NUMBER = re.compile(r"\d+|\b[ivxlc]{1,7}\b", re.IGNORECASE)
PAGE_NUMBER = re.compile(r"^\W*(?:page|seite|p\.)?\W*(?:#)(?:\W*(?:/|of|sur|de|von)\W*#)?\W*$", re.IGNORECASE)
LONGEST_SENTENCE = 2000


@dataclass(frozen=True)
class MarginLine:
    """A line at the top or at the bottom of a page."""

    text: str
    in_table: bool = False  # a table's head is said again on each of its pages: it stays


def shape(line: str) -> str:
    """Return a line without what changes from page to page."""
    return " ".join(NUMBER.sub("#", line).casefold().split())


def repeats(line: MarginLine, other: MarginLine, pages: int) -> bool:
    """Tell whether a line is the same so many pages later: its figures may only count the pages."""
    if shape(line.text) != shape(other.text):
        return False
    figures = list(zip(re.findall(r"\d+", line.text), re.findall(r"\d+", other.text), strict=False))
    counts = any(one != two for one, two in figures)
    return all(one == two or int(two) - int(one) == pages for one, two in figures) and (counts or not line.in_table)


class RunningHeads:
    """What repeats on the pages of one file."""

    def __init__(self, pages: int, margins: Callable[[int], tuple[Sequence[MarginLine], Sequence[MarginLine]]]) -> None:
        self._pages = pages
        self._margins = lru_cache(maxsize=64)(margins)  # lines at the top and at the bottom of a page

    def of(self, number: int) -> tuple[list[str], list[str]]:
        """Return the running heads and feet of a page, as they stand there."""
        heads, feet = self._repeated(number, 0), self._repeated(number, 1)
        return [line.text for line in heads], [line.text for line in feet]

    def new(self, number: int) -> list[str]:
        """Return those of a page's running heads and feet that stand on no page shortly before."""
        return [
            line.text for end in (0, 1) for line in self._repeated(number, end) if self._is_first(number, line, end)
        ]

    def _repeated(self, number: int, end: int) -> list[MarginLine]:
        if self._pages < 2:
            return []
        near = range(max(1, number - NEIGHBOURS), min(self._pages, number + NEIGHBOURS) + 1)
        others = [(other - number, self._margins(other)[end]) for other in near if other != number]
        needed = min(REPEATED, len(others))
        lines = self._margins(number)[end]
        repeated: list[MarginLine] = []
        for line in lines if end == 0 else lines[::-1]:  # from the edge of the page inwards, as long as they repeat
            if sum(any(repeats(line, one, pages) for one in there) for pages, there in others) < needed:
                break
            repeated.append(line)
        return repeated

    def _is_first(self, number: int, line: MarginLine, end: int) -> bool:
        before = range(max(1, number - NEIGHBOURS), number)
        return not any(repeats(line, one, other - number) for other in before for one in self._margins(other)[end])


def without_repeated(text: str, heads: Sequence[str], feet: Sequence[str]) -> str:
    """Take running heads and feet off the edges of a page's text; one may stand there in several lines."""
    lines = without_first(text.split("\n"), heads)
    return "\n".join(without_first(lines[::-1], feet)[::-1]).strip("\n")


def without_first(lines: list[str], repeated: Sequence[str]) -> list[str]:
    """Take away the first lines that are a part of what repeats; readers may put others before them."""
    whole = "".join("".join(line.split()) for line in repeated)
    edge, rest = lines[:EDGE_LINES], lines[EDGE_LINES:]
    squeezed = ["".join(line.split()) for line in edge]
    return [line for line, bare in zip(edge, squeezed, strict=True) if not bare or bare not in whole] + rest


def with_first(text: str, lines: Sequence[str], number: int) -> str:
    """Say a running head once, on the first page that has it: between two sentences there, so that none is cut."""
    telling = [line for line in lines if not PAGE_NUMBER.match(shape(line))]
    if not telling:
        return text
    head = "\n".join(telling)
    if number == 1:
        return f"{head}\n\n{text}"
    end = next((end for _, end in spans(text, LONGEST_SENTENCE)), 0)
    return "\n\n".join(part for part in (text[:end].rstrip(), head, text[end:].lstrip()) if part)
