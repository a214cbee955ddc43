"""A document cut where its outline does, and the lines of each section that say most; pure functions."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handlers.answering.cite import readable
from handlers.answering.lines import Line, lines_of, lines_of_passage
from handlers.summarizing.points import Part, SummaryPoint
from handlers.summarizing.scope import Scope
from handlers.text.normalize import letters_only, letters_with_offsets
from handlers.text.overlap import content, digits
from handlers.text.sanitize import sanitize
from indexing.contents import Section
from indexing.document import Passage
from indexing.library import Page

LEAST_UNITS, MOST_UNITS = 2, 16  # of a summary
GROUPED_UNITS = 8  # of a document without an outline: stretches of pages
LEAST_LETTERS = 80  # of what stands before the first title: fewer are a cover
LEAST_WORDS = 4  # content words of a line
FIGURE_WEIGHT, TITLE_WEIGHT = 0.15, 0.2  # against the share of its section's words that a line has


@dataclass(frozen=True)
class Unit:
    """A section, or some pages, with its text and its lines."""

    title: str  # "" for pages without one
    pages: tuple[Page, ...]
    lines: tuple[tuple[int, Line], ...] = ()  # as they stand, with the page of each
    best: tuple[int, ...] = ()  # places of lines, those that say most first

    @property
    def letters(self) -> int:
        """Return how long it is."""
        return sum(len(page.text) for page in self.pages)

    @property
    def part(self) -> Part:
        """Return all of its text, to check points against."""
        return Part(self.pages)

    def digest(self, count_tokens: Callable[[str], int], most_tokens: int) -> str:
        """Return the lines that say most, as many as fit, in the order in which they stand."""
        chosen: list[int] = []
        room = most_tokens
        for place in self.best:
            room -= count_tokens(readable(self.lines[place][1])) + 2
            if room < 0 and chosen:
                break
            chosen.append(place)
        return "\n".join(readable(self.lines[place][1]) for place in sorted(chosen))

    def own_words(self, count: int, language: str) -> list[SummaryPoint]:
        """Return its best lines as points, as they stand."""
        chosen = [self.lines[place] for place in sorted(self.best[:count])]
        words = [(page, sanitize(readable(line), [line.text], language)) for page, line in chosen]
        return [SummaryPoint(text, (page,)) for page, text in words if text.strip()]


def units_of(sections: Sequence[Section], pages: Sequence[Page], title: str = "") -> list[Unit]:
    """Return the sections with their text; stretches of the pages where there are none, one unit within a section."""
    if title and len(sections) < LEAST_UNITS:
        return with_lines([Unit(title, tuple(pages))])
    cuts = cuts_of(sections, pages)
    units = grouped(sections, cuts, pages) if len(cuts) >= LEAST_UNITS else stretches(pages)
    return with_lines([unit for unit in units if unit.pages])


def sections_within(sections: Sequence[Section], scope: Scope) -> list[Section]:
    """Return the sections that begin on these pages; within one section those whose titles its text shows."""
    texts = {page.number: letters_only(page.text) for page in scope.pages}
    return [
        section
        for section in sections
        if section.page in texts
        and (not scope.title or (section.title != scope.title and letters_only(section.title) in texts[section.page]))
    ]


def cuts_of(sections: Sequence[Section], pages: Sequence[Page]) -> list[tuple[int, int]]:
    """Return where each section begins: the place of its page and the offset in it."""
    places = {page.number: place for place, page in enumerate(pages)}
    cuts: list[tuple[int, int]] = []
    for section in sections:
        place = places.get(section.page)
        if place is None:
            following = [at for number, at in places.items() if number > section.page]
            cuts.append((min(following), 0) if following else (len(pages), 0))
            continue
        after = cuts[-1][1] if cuts and cuts[-1][0] == place else 0
        cuts.append(max((place, offset_of(section.title, pages[place].text, after)), cuts[-1] if cuts else (0, 0)))
    return cuts


def offset_of(title: str, text: str, after: int) -> int:
    """Return where a line with this title begins in a page's text, `after` where none does."""
    key = letters_only(title)
    letters, offsets = letters_with_offsets(text)
    at = letters.find(key, next((n for n, offset in enumerate(offsets) if offset >= after), 0)) if key else -1
    return text.rfind("\n", 0, offsets[at]) + 1 if at >= 0 else after


def grouped(sections: Sequence[Section], cuts: Sequence[tuple[int, int]], pages: Sequence[Page]) -> list[Unit]:
    """Return the sections of the level that gives a fitting number, each with those within it."""
    level = fitting_level(sections)
    begins = [place for place, section in enumerate(sections) if section.level <= level]
    size = -(-len(begins) // MOST_UNITS)
    begins = begins[::size]
    ends = [*(cuts[place] for place in begins[1:]), (len(pages), 0)]
    before = [Unit("", tuple(between((0, 0), cuts[begins[0]], pages)))]
    units = [
        Unit(sections[place].title, tuple(between(cuts[place], end, pages)))
        for place, end in zip(begins, ends, strict=True)
    ]
    return [*(unit for unit in before if unit.letters >= LEAST_LETTERS), *units]


def fitting_level(sections: Sequence[Section]) -> int:
    """Return the outermost level with at least two sections; it may have more than fit."""
    levels = sorted({section.level for section in sections})
    counts = {level: sum(section.level <= level for section in sections) for level in levels}
    return next((level for level in levels if counts[level] > LEAST_UNITS), levels[-1])


def between(start: tuple[int, int], end: tuple[int, int], pages: Sequence[Page]) -> list[Page]:
    """Return the pages from one place to another, the first and the last one cut."""
    found = []
    for place in range(start[0], min(end[0] + 1, len(pages))):
        text = pages[place].text
        cut = text[start[1] if place == start[0] else 0 : end[1] if place == end[0] else len(text)]
        if cut.strip():
            found.append(replace(pages[place], text=cut))
    return found


def stretches(pages: Sequence[Page]) -> list[Unit]:
    """Return the pages in a few groups of nearly the same length."""
    whole = [page for page in pages if page.text.strip()]
    if len(whole) <= LEAST_UNITS:
        return [Unit("", (page,)) for page in whole]
    most = sum(len(page.text) for page in whole) / min(GROUPED_UNITS, len(whole))
    groups: list[list[Page]] = [[]]
    for page in whole:
        if groups[-1] and sum(len(one.text) for one in groups[-1]) + len(page.text) / 2 > most:
            groups.append([])
        groups[-1].append(page)
    return [Unit("", tuple(group)) for group in groups]


def with_lines(units: Sequence[Unit]) -> list[Unit]:
    """Return the units with their lines, those that say most first; what repeats over the pages is left out."""
    owners = [(unit, page) for unit in units for page in unit.pages]
    passages = [passage_of(page) for _, page in owners]
    lines = lines_of(passages)

    def own(unit: Unit) -> list[tuple[int, Line]]:
        told = [line for line in lines if owners[line.passage][0] is unit]
        if not told:  # a form that is the same on every page but for its figures
            places = [place for place, (owner, _) in enumerate(owners) if owner is unit]
            told = [line for place in places for line in lines_of_passage(place, passages[place])]
        return [(owners[line.passage][1].number, line) for line in told]

    cut = [replace(unit, lines=tuple(own(unit))) for unit in units]
    return [replace(unit, best=ranked(unit)) for unit in cut]


def passage_of(page: Page) -> Passage:
    """Return a page as what lines are cut from."""
    return Passage(
        id="", document_id="", document="", text=page.text, page=page.number, last_page=page.number, heading="",
        permalink="", score=0.0, relevance=0.0,
    )  # fmt: skip


def ranked(unit: Unit) -> tuple[int, ...]:
    """Return the places of a section's lines by how much they tell: its words, its title's words, figures."""
    words = [content(line.text) for _, line in unit.lines]
    counts = Counter(stem for one in words for stem in one.stems)
    total, title = max(1, counts.total()), content(unit.title)

    def score(place: int) -> float:
        stems, text = words[place].stems, unit.lines[place][1].text
        if len(stems) < LEAST_WORDS or text.rstrip().endswith((":", "?")):
            return -1.0
        telling = sum(counts[stem] for stem in stems) / total
        return telling + TITLE_WEIGHT * title.covered_by(words[place]) + FIGURE_WEIGHT * bool(digits(text))

    return tuple(sorted(range(len(words)), key=lambda place: (-score(place), place)))
