"""From pages to chunks: whole sentences, the page they stand on, the heading above them."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from indexing import sentences
from indexing.table_heads import BAR, TableHead

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
FULL_LINE = 40  # characters: a shorter one may be a heading or a cell
FIGURE = re.compile(r"[(«“€$£]?\s?\d[\d.,\u202f]*\s?[%€$£a-zà-ÿ]")  # 19 euros, not 4. Taxis
LETTERS = re.compile(r"[^\W\d_]+")

LEAST_ON_ONE_PAGE = 3  # titles: fewer may well stand on one
MOST_SECTIONS = 500  # of one document that its outline keeps
NUMBER_LETTERS = 8  # fewer stand before a title in its line: "Chapter 5"

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
        self.entered: list[tuple[int, str, int]] = []  # level, title, page
        self.waiting = PageTitles(())
        self.fenced = False
        self.page = 0

    def turn_to(self, page: int) -> None:
        """Begin a page: what the last page announced and did not show counts from here on."""
        for level, title in self.waiting.rest():
            self._enter(level, title)
        self.page = page
        self.waiting = PageTitles(self.pages.get(page, ()))

    def see(self, line: str) -> bool:
        """Look at a line; tell whether a heading begins with it."""
        if not self.pages and line.startswith(FENCE) and line.count(FENCE) == 1:
            self.fenced = not self.fenced
        if self.fenced:
            return False
        if not self.pages and (match := MARKDOWN.match(line)):
            self._enter(line.index(" "), match[1].strip())
            return True
        if entered := self.waiting.up_to(line):
            for level, title in entered:
                self._enter(level, title)
            return True
        if not self.pages and looks_like_heading(line):
            self._enter(line.split(maxsplit=1)[0].rstrip(".").count(".") + 1, line)
            return True
        return False

    def _enter(self, level: int, title: str) -> None:
        self.above = [(other, text) for other, text in self.above if other < level] + [(level, title)]
        if len(self.entered) < MOST_SECTIONS:
            self.entered.append((level, title, self.page))

    def __str__(self) -> str:
        return " > ".join(title for _, title in self.above)[:240]


class PageTitles:
    """The titles that the outline has on one page, in order, found by the letters of a line.

    By look-ups, not by comparing each line with each title: a hostile file has thousands of both.
    """

    def __init__(self, titles: Sequence[tuple[int, str]]) -> None:
        self._titles = titles
        self._next = 0
        self._places: dict[str, list[int]] = {}
        for place, (_level, title) in enumerate(titles):
            if key := letters_of(title):
                self._places.setdefault(key, []).append(place)
        self._keys = sorted(self._places)

    def rest(self) -> Sequence[tuple[int, str]]:
        """Return the titles that no line showed."""
        return self._titles[self._next :]

    def up_to(self, line: str) -> Sequence[tuple[int, str]]:
        """Return the titles up to the one that a line shows, which are over then; none if it shows none."""
        if self._next == len(self._titles):
            return ()
        places = [place for key in self._shown(line) if (place := self._first(key)) is not None]
        if not places:
            return ()
        entered = self._titles[self._next : min(places) + 1]
        self._next = min(places) + 1
        return entered

    def _shown(self, line: str) -> Iterator[str]:
        """Yield the titles, as letters, that a line shows: with or without its number, or the first of two lines."""
        seen = letters_of(line)
        for start in range(min(len(seen), NUMBER_LETTERS)):  # "Chapter 5 ..." before it
            if seen[start:] in self._places:
                yield seen[start:]
        if len(line) > 30 and seen:
            at = bisect_left(self._keys, seen)
            if len(seen) >= 6 and at < len(self._keys) and self._keys[at].startswith(seen):
                yield self._keys[at]

    def _first(self, key: str) -> int | None:
        """Return the place of the next title with these letters."""
        places = self._places[key]
        at = bisect_left(places, self._next)
        return places[at] if at < len(places) else None


class TitlesAnywhere:
    """The titles of an outline that puts them all on one page, found where lines show them."""

    def __init__(self, outline: Outline) -> None:
        self._titles = {letters_of(title): (level, title) for level, title, _ in outline if letters_of(title)}
        self.entered: list[tuple[int, str, int]] = []

    def look_at(self, page: int, text: str) -> None:
        """Note the titles that a page shows."""
        for line in text.splitlines():
            entry = self._titles.get(letters_of(line))
            if entry and len(self.entered) < MOST_SECTIONS:
                self.entered.append((*entry, page))


def is_on_one_page(outline: Outline) -> bool:
    """Tell whether an outline says nothing of where its titles stand."""
    return len(outline) >= LEAST_ON_ONE_PAGE and len({page for _, _, page in outline}) == 1


def letters_of(text: str) -> str:
    """Return the letters of a text, in lower case."""
    return "".join(LETTERS.findall(text.casefold()))


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
    """Pages in, chunks out; every character of every page is in one of them, a table's head in each that has its rows.

    A chunk ends with its page, but a sentence that goes on over the page's end stays whole in the chunk where it
    begins, and with a heading once it is long enough.
    """

    def __init__(self, outline: Outline = (), size: int = CHUNK_CHARACTERS) -> None:
        self.size = size
        self._outline = outline
        self._anywhere = TitlesAnywhere(outline) if is_on_one_page(outline) else None
        self._headings = Headings(outline)
        self._group: list[_Sentence] = []
        self._length = 0
        self._position = 0
        self._table = TableHead()
        self._head = ""  # of the table within which the group begins

    @property
    def sections(self) -> Outline:
        """Return the document's outline; the titles that were met so far where it has none."""
        entered = self._anywhere.entered if self._anywhere else []
        return tuple(entered) or self._outline[:MOST_SECTIONS] or tuple(self._headings.entered)

    def feed(self, page: int, text: str) -> list[Chunk]:
        """Take the next page; return the chunks that are complete."""
        self._headings.turn_to(page)
        if self._anywhere:
            self._anywhere.look_at(page, text)
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
        text = f"{self._head}\n{text}" if self._head else text
        self._position += 1
        return [
            Chunk(
                position=self._position - 1, text=text, page=group[0].page, last_page=group[-1].page,
                heading=main_heading(group),
            )
        ]  # fmt: skip

    def _add(self, sentence: _Sentence) -> None:
        if not self._group:
            self._head = self._table.above(sentence.text)
        self._table.see(sentence.text)
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
    """Tell whether a sentence goes on over a page's end: with a small letter, or after a full line with a figure."""
    before, after = before.rstrip(), after.lstrip()
    if not (before[-1:].isalpha() or before[-1:] in {",", "-"}):
        return False
    line = before.rsplit("\n", 1)[-1]
    in_prose = len(line) >= FULL_LINE and BAR not in line
    return after[:1].islower() or (in_prose and bool(FIGURE.match(after)))
