"""A document's pages in parts that fit into a prompt, and points with the pages they come from; pure functions."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from handlers.text.overlap import Words, content, digits, numbers
from indexing.library import Page
from indexing.sentences import spans

BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
PAGE_MARK = re.compile(r"\s*[\[(]\s*(?:pages?|pp?\.?)\s*[\d\s,;–-]+[\])]|\s*\[\d{1,4}\]", re.IGNORECASE)
LEAST_WORDS = 3  # content words of a point: fewer say nothing
COVERED = 0.5  # of a point's content words that its pages must have
NEARLY = 0.8  # of the best page's coverage: pages that say it as well
MOST_PAGES = 3  # named after a point
SAME = 0.75  # of the words of a point that another has: it is the same


@dataclass(frozen=True)
class Part:
    """A stretch of pages that goes into one prompt."""

    pages: tuple[Page, ...]

    @property
    def first(self) -> int:
        return self.pages[0].number

    @property
    def last(self) -> int:
        return self.pages[-1].number

    @property
    def text(self) -> str:
        """Return the text with its pages marked."""
        return "\n\n".join(f"[p. {page.number}]\n{page.text.strip()}" for page in self.pages)

    @cached_property
    def page_profiles(self) -> "list[PageWords]":
        """Return the pages as they are compared with points."""
        return [PageWords(page.number, content(page.text), numbers(page.text)) for page in self.pages]


@dataclass(frozen=True)
class PageWords:
    """What a page has for comparing."""

    number: int
    content: Words
    numbers: frozenset[str]


@dataclass(frozen=True)
class SummaryPoint:
    """One statement of a summary, with the pages that it comes from."""

    text: str
    pages: tuple[int, ...]

    def line(self, label: Callable[[int], str] = lambda _: "") -> str:
        """Return it as a bullet, with its pages as people call them."""
        if any(map(label, self.pages)):
            return f"- {self.text} ({', '.join(label(page) or f'p. {page}' for page in self.pages)})"
        return f"- {self.text} (p. {', '.join(map(str, self.pages))})"


def parts_of(pages: Sequence[Page], count_tokens: Callable[[str], int], most_tokens: int) -> list[Part]:
    """Return all pages with text in parts of at most so many tokens; a longer page is cut between its sentences."""
    parts: list[Part] = []
    held: list[Page] = []
    room = most_tokens
    for page in (piece for whole in pages for piece in page_pieces(whole, count_tokens, most_tokens)):
        tokens = count_tokens(page.text) + 6
        if held and tokens > room:
            parts.append(Part(tuple(held)))
            held, room = [], most_tokens
        held.append(page)
        room -= tokens
    return [*parts, Part(tuple(held))] if held else parts


def page_pieces(page: Page, count_tokens: Callable[[str], int], most_tokens: int) -> list[Page]:
    """Return a page as pieces that fit; nothing of a page without text."""
    if not page.text.strip():
        return []
    tokens = count_tokens(page.text) + 6
    if tokens <= most_tokens:
        return [page]
    pieces: list[str] = [""]
    most_characters = max(1, int(len(page.text) * most_tokens / tokens * 0.8))
    for start, end in spans(page.text, most_characters):
        if len(pieces[-1]) + end - start > most_characters and pieces[-1]:
            pieces.append("")
        pieces[-1] += page.text[start:end]
    return [Page(number=page.number, text=piece) for piece in pieces]


def points_of(said: str, profiles: Sequence[PageWords]) -> list[SummaryPoint]:
    """Return the statements that a model wrote, each with its pages; those that no page supports are left out."""
    lines = [PAGE_MARK.sub("", BULLET.sub("", line)).strip() for line in said.splitlines()]
    bulleted = [line for line, raw in zip(lines, said.splitlines(), strict=True) if BULLET.match(raw)]
    found = [point for line in bulleted or lines if (point := located_point(line.strip("* "), profiles))]
    return distinct_points(found)


def located_point(statement: str, profiles: Sequence[PageWords]) -> SummaryPoint | None:
    """Return a statement with the pages it comes from; None if no page has its words and numbers."""
    wanted = content(statement)
    if len(wanted.stems) < LEAST_WORDS:
        return None
    figures = digits(statement)
    scored = [(wanted.covered_by(page.content), page) for page in profiles if figures <= page.numbers]
    best = max((covered for covered, _ in scored), default=0.0)
    if best < COVERED:
        return None
    pages = [page.number for covered, page in scored if covered >= max(COVERED, best * NEARLY, best - 0.1)]
    return SummaryPoint(statement, tuple(sorted(dict.fromkeys(pages))[:MOST_PAGES]))


def distinct_points(points: Iterable[SummaryPoint]) -> list[SummaryPoint]:
    """Drop what says the same as an earlier point."""
    kept: list[SummaryPoint] = []
    for point in points:
        words = content(point.text)
        if not any(words.covered_by(content(other.text)) >= SAME for other in kept):
            kept.append(point)
    return kept


def page_range(numbers_of_pages: Sequence[int]) -> str:
    """Return "1-86", or the one page."""
    first, last = min(numbers_of_pages), max(numbers_of_pages)
    return str(first) if first == last else f"{first}-{last}"
