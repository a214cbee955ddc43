"""From pages to chunks: whole sentences, the page they stand on, the heading above them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from indexing import sentences

CHUNK_CHARACTERS = 700  # see tests/evaluation/README.md: what was tried
LONGEST_SENTENCE = 700
LEAST_CHARACTERS = 150  # a chunk that a heading may end: shorter ones go on
HEADING_CHARACTERS = 120
NUMBERED = re.compile(r"^(?:(?:\d{1,2}|[A-Z])(?:\.\d{1,2}){1,4}\.?|(?:\d{1,2}|[A-Z])\.)\s+\S")
CHAPTER = re.compile(
    r"^(?:chapter|chapitre|section|article|annexe|appendix|part|partie)\s+(?:\d{1,3}|[A-Z])\b", re.IGNORECASE
)
MARKDOWN = re.compile(r"^#{1,6}\s+(.+)$")
FENCE = "```"  # around code, where # begins a comment; twice in a line it is within it
LETTERS = re.compile(r"[^\W\d_]+")

Outline = tuple[tuple[int, str, int], ...]  # level, title, page


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A stretch of a document's text that is embedded and found as one."""

    position: int  # among the document's chunks: neighbours are one apart
    text: str
    page: int  # 1-based
    last_page: int
    heading: str  # the titles above it, outermost first, joined by " > "


@dataclass(frozen=True)
class _Sentence:
    text: str
    page: int
    heading: str
    begins: bool  # the heading changed right here


class Headings:
    """The titles above a place in the document: by its outline, or by lines that look like headings."""

    def __init__(self, outline: Outline) -> None:
        self.pages: dict[int, list[tuple[int, str]]] = {}
        for level, title, page in outline:
            if title.strip():
                self.pages.setdefault(page, []).append((level, " ".join(title.split())))
        self.above: list[tuple[int, str]] = []
        self.waiting: list[tuple[int, str]] = []
        self.fenced = False

    def turn_to(self, page: int) -> None:
        """Begin a page: what the last page announced and did not show counts from here on."""
        for level, title in self.waiting:
            self._enter(level, title)
        self.waiting = list(self.pages.get(page, ()))

    def see(self, line: str) -> bool:
        """Look at a line; tell whether a heading begins with it."""
        if not self.pages and line.startswith(FENCE) and line.count(FENCE) == 1:
            self.fenced = not self.fenced
        if self.fenced:
            return False
        if not self.pages and (match := MARKDOWN.match(line)):
            self._enter(line.index(" "), match[1].strip())
            return True
        for place, (_level, title) in enumerate(self.waiting):
            if is_title(line, title):
                for skipped in self.waiting[: place + 1]:
                    self._enter(*skipped)
                del self.waiting[: place + 1]
                return True
        if not self.pages and looks_like_heading(line):
            self._enter(line.split(maxsplit=1)[0].rstrip(".").count(".") + 1, line)
            return True
        return False

    def _enter(self, level: int, title: str) -> None:
        self.above = [(other, text) for other, text in self.above if other < level] + [(level, title)]

    def __str__(self) -> str:
        return " > ".join(title for _, title in self.above)[:240]


def is_title(line: str, title: str) -> bool:
    """Tell whether a line shows a title of the outline, with or without its number."""
    seen, wanted = ("".join(LETTERS.findall(text.casefold())) for text in (line, title))
    if not wanted or len(seen) < min(len(wanted), 6):
        return False
    numbered = seen.endswith(wanted) and len(seen) - len(wanted) < 8  # "Chapter 5 ..." before it
    first_of_two_lines = wanted.startswith(seen) and len(line) > 30
    return seen == wanted or numbered or first_of_two_lines


def looks_like_heading(line: str) -> bool:
    """Tell whether a line is a numbered title of a document without an outline."""
    return (
        len(line) <= HEADING_CHARACTERS
        and bool(NUMBERED.match(line) or CHAPTER.match(line))
        and line[-1] not in ".,;:"
        and sum(character.isalpha() for character in line) > 0.4 * len(line)
        and ". . ." not in line
        and "...." not in line
    )


class Chunker:
    """Pages in, chunks out; every character of every page is in one of them.

    A chunk ends with its page, but a sentence that goes on over the page's end stays whole in the chunk where it
    begins, and with a heading once it is long enough.
    """

    def __init__(self, outline: Outline = (), size: int = CHUNK_CHARACTERS) -> None:
        self.size = size
        self._headings = Headings(outline)
        self._group: list[_Sentence] = []
        self._length = 0
        self._position = 0

    def feed(self, page: int, text: str) -> list[Chunk]:
        """Take the next page; return the chunks that are complete."""
        self._headings.turn_to(page)
        done: list[Chunk] = []
        for start, end in sentences.spans(text, min(self.size, LONGEST_SENTENCE)):
            for sentence in _split_at_headings(text[start:end], page, self._headings):
                if self._group and _ends(self._group, self._length, sentence, self.size):
                    done += self.finish()
                self._add(sentence)
        return done

    def finish(self) -> list[Chunk]:
        """Return the chunk that is begun, if there is one."""
        group, self._group, self._length = self._group, [], 0
        text = "".join(sentence.text for sentence in group).strip("\n")
        if not text.strip():
            return []
        self._position += 1
        return [
            Chunk(
                position=self._position - 1, text=text, page=group[0].page, last_page=group[-1].page,
                heading=main_heading(group),
            )
        ]  # fmt: skip

    def _add(self, sentence: _Sentence) -> None:
        if self._group and sentence.page != self._group[-1].page:
            sentence = replace(sentence, text="\n" + sentence.text)
        self._group.append(sentence)
        self._length += len(sentence.text)


def main_heading(group: list[_Sentence]) -> str:
    """Return the heading that most of a chunk stands under."""
    lengths: Counter[str] = Counter()
    for sentence in group:
        lengths[sentence.heading] += len(sentence.text)
    return lengths.most_common(1)[0][0]


def chunks_of(pages: Iterable[tuple[int, str]], outline: Outline = (), size: int = CHUNK_CHARACTERS) -> list[Chunk]:
    """Return the chunks of a whole document."""
    chunker = Chunker(outline, size)
    return [chunk for page, text in pages for chunk in chunker.feed(page, text)] + chunker.finish()


def _split_at_headings(text: str, page: int, headings: Headings) -> Iterator[_Sentence]:
    """Cut before lines that are headings, so that a title stands with what follows it."""
    piece, heading, begins = "", str(headings), False
    for line in text.splitlines(keepends=True):
        if line.strip() and headings.see(line.strip()):
            if piece:
                yield _Sentence(piece, page, heading, begins)
            piece, heading, begins = "", str(headings), True
        piece += line
    if piece:
        yield _Sentence(piece, page, heading, begins)


def _ends(group: list[_Sentence], length: int, following: _Sentence, size: int) -> bool:
    if following.page != group[-1].page:
        begun_here = group[0].page == group[-1].page == following.page - 1
        return not begun_here or not goes_on(group[-1].text, following.text)
    if group[0].page != group[-1].page:
        return True  # the rest of a sentence from the page before is there: the new page begins
    return length + len(following.text) > size or (following.begins and length >= LEAST_CHARACTERS)


def goes_on(before: str, after: str) -> bool:
    """Tell whether a sentence goes on over a page's end."""
    last = before.rstrip()[-1:]
    return (last.isalpha() or last in {",", "-"}) and after.lstrip()[:1].islower()
