"""Running heads and page numbers: what stands at the edge of page after page belongs to the paper, not to the text."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from indexing.reading import ReadPage

REACH = 6  # pages to each side that are looked at; left and right pages may have heads of their own
REPEATED = 3  # of these pages that have the line too
EDGE_LINES = 2  # at the top and at the bottom
LEAST_LETTERS = 12  # of a running head: "Day 3" and "Lesson 4" are titles
LONGEST = 120  # characters
DIGITS = re.compile(r"\d+")
# 12, - 12 -, 12 / 97, Page 12 of 97, p. 12
PAGE_NUMBER = re.compile(r"(?:page|p\.)?\s*[-–—]?\s*(\d{1,4})\s*[-–—]?\s*(?:(?:/|of|sur|de)\s*\d{1,4})?", re.IGNORECASE)
NUMBER_AT_END = re.compile(r"\s(\d{1,4})(?:\s*(?:/|of|sur|de)\s*\d{1,4})?$")


@dataclass(frozen=True)
class EdgeLine:
    """A line at the top or at the bottom of a page."""

    place: int  # among the page's lines
    shape: str  # its text with # for each number
    number: int | None  # that may be the page's
    alone: bool  # nothing but the number


Edges = tuple[Sequence[EdgeLine], Sequence[EdgeLine]]  # at the top, at the bottom


async def without_running_heads(pages: AsyncIterator[ReadPage]) -> AsyncIterator[ReadPage]:
    """Yield pages, a few late, without the lines at their edges that the pages around them have there too."""
    waiting: list[ReadPage] = []
    edges: dict[int, Edges] = {}
    async for page in pages:
        waiting.append(page)
        edges[page.number] = edges_of(page.text)
        edges.pop(page.number - 2 * REACH - 1, None)
        if len(waiting) > REACH:
            yield inner(waiting.pop(0), edges)
    for page in waiting:
        yield inner(page, edges)


def inner(page: ReadPage, edges: Mapping[int, Edges]) -> ReadPage:
    """Return a page without its running heads and its number."""
    gone = {
        line.place
        for edge, lines in enumerate(edges[page.number])
        for line in lines
        if is_running(line, page.number, {number: around[edge] for number, around in edges.items()})
    }
    if not gone:
        return page
    lines = page.text.split("\n")
    return replace(page, text="\n".join(line for place, line in enumerate(lines) if place not in gone).strip("\n"))


def is_running(line: EdgeLine, page: int, edges: Mapping[int, Sequence[EdgeLine]]) -> bool:
    """Tell whether a line at one edge of a page is there on the pages around, or counts them.

    The first page that has a head keeps it, so that nothing a person wrote is lost.
    """
    around = {number: lines for number, lines in edges.items() if 0 < abs(number - page) <= REACH}
    alike = [number for number, lines in around.items() if any(other.shape == line.shape for other in lines)]
    counted = line.number is not None and sum(
        any(other.number == line.number + number - page for other in lines) for number, lines in around.items()
    )
    if line.alone:
        return counted >= REPEATED - 1
    if len(alike) >= REPEATED:
        return min(alike) < page and sum(character.isalpha() for character in line.shape) >= LEAST_LETTERS
    return counted >= REPEATED


def edges_of(text: str) -> Edges:
    """Return the outermost lines of a page."""
    lines = [(place, line) for place, line in enumerate(text.split("\n")) if line.strip()]
    top, bottom = lines[:EDGE_LINES], lines[EDGE_LINES:][-EDGE_LINES:]
    return [edge_line(*one) for one in top if len(one[1]) <= LONGEST], [
        edge_line(*one) for one in bottom if len(one[1]) <= LONGEST
    ]


def edge_line(place: int, line: str) -> EdgeLine:
    """Return a line as it is compared."""
    alone = PAGE_NUMBER.fullmatch(line.strip())
    number = alone or NUMBER_AT_END.search(line.strip())
    return EdgeLine(place, DIGITS.sub("#", line.strip().casefold()), int(number[1]) if number else None, bool(alone))
