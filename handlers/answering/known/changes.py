"""What changed between two documents: their lines compared, changed figures first, each side with its page."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.answering.cite import readable
from handlers.answering.known.editions import Edition, edition_of, editions_of, newest_first
from handlers.answering.known.facts import day_of
from handlers.answering.known.grammar import Known, tokens_of
from handlers.answering.known.statement import Citations, Statement, lines_of_pages, plain, shortened, whole
from handlers.answering.known.which import NOUNS, Finder
from handlers.answering.lines import Line
from handlers.pieces import UserError
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from handlers.text.overlap import Words, content, digits, spelt
from indexing.document import Document, Passage
from indexing.sparse import STOP_WORDS

MOST_PAGES = 60  # of each side
MOST_LINES = 800  # of each side that the other side does not have
MOST_SHOWN = 12
MOST_ALONE = 3  # lines of one side only that are shown
ALIKE = 0.5  # of the words of two lines, either way: the same rule with other words or figures
RELATED = 0.2  # of the shorter document's lines that are in the other, or alike: else comparing says nothing
LONGEST_LINE = 220  # characters
CLAUSE = re.compile(r"^(?:\d{1,2}(?:\.\d{1,2})*[.)]?|[a-z]\)|[•◦▪‣*–-])\s+")
OLD = frozenset({"old", "former", "previous", "last", "ancien", "ancienne", "precedent", "precedente"})
NEW = frozenset(
    {"new", "newest", "latest", "current", "nouveau", "nouvelle", "derniere", "dernier", "actuel", "actuelle"}
)


@dataclass(frozen=True)
class Side:
    """One of the two documents, with its lines."""

    document: Document
    passages: Sequence[Passage]
    lines: Sequence[Line]
    is_whole: bool

    def cite(self, line: Line, citations: Citations) -> str:
        """Return the place of a line with its mark."""
        passage = self.passages[line.passage]
        return f"{passage.place} {citations.cite(passage, line.text)}"


@dataclass(frozen=True)
class Differences:
    """What two documents do not have in common."""

    figures: Sequence[tuple[Line, Line]]  # the same rule with other figures: of the older, of the newer
    wordings: Sequence[tuple[Line, Line]]
    gone: Sequence[Line]
    added: Sequence[Line]
    same: int  # lines

    @property
    def are_related(self) -> bool:
        """Tell whether the documents have enough in common to be compared."""
        alike = self.same + len(self.figures) + len(self.wordings)
        return alike >= RELATED * (alike + min(len(self.gone), len(self.added)))


async def tell_changes(known: Known, finder: Finder) -> Statement | None:
    """Tell what changed between two documents or editions."""
    pair = await pair_meant(known, finder)
    if not pair:
        return None
    (newer, older), known_by = newest_first([await edition_of(document, finder) for document in pair])
    before, after = await side_of(older.document, finder), await side_of(newer.document, finder)
    differences = await asyncio.to_thread(differences_of, before.lines, after.lines)
    if not differences.are_related:
        return None
    return changes_text(before, after, differences, edition_note(newer, known_by, known.language), known.language)


async def side_of(document: Document, finder: Finder) -> Side:
    """Read one of the two documents, at most so many pages of it."""
    pages = await finder.services.library.pages(
        document.id, readable_by=finder.request.audience, first=1, last=MOST_PAGES
    )
    passages, lines = await asyncio.to_thread(lines_of_pages, document, pages)
    return Side(document, passages, lines, document.pages <= MOST_PAGES)


async def pair_meant(known: Known, finder: Finder) -> list[Document]:
    """Return the two documents that are meant; [] where the sentence may mean something else."""
    words = known.words
    if "first" in words:
        return await pair_named(words["first"], words["second"], finder)
    if name := words.get("document", ""):
        named = await finder.named(name)
        return await two_newest(await editions_of(named[0], finder), finder) if named else []
    return await pair_here(finder)


async def pair_here(finder: Finder) -> list[Document]:
    """Return the two documents that everybody has before their eyes: of the thread, else the newest and its editions.

    Raises UserError where there are none.
    """
    of_thread = await finder.of_thread() or await finder.of_talk()
    if len(of_thread) > 1:
        return of_thread[:2]
    of_place = await finder.of_place()
    if not of_thread and len(of_place) == 2:
        return of_place
    newest = await finder.before_our_eyes()
    editions = await editions_of(newest, finder)
    if len(editions) > 1:
        return await two_newest(editions, finder)
    raise UserError(say("known.which_two", finder.language))


async def pair_named(first: str, second: str, finder: Finder) -> list[Document]:
    """Return the documents of two names; what one of them leaves out is taken from the other."""
    one, other = told_words(first), told_words(second)
    bare = [word for word in [*one, *other] if not word.isdigit() and word not in OLD | NEW]
    if (OLD & {*one} and NEW & {*other}) or (NEW & {*one} and OLD & {*other}):
        return await two_newest(await finder.named(" ".join(bare)), finder) if bare else await pair_here(finder)
    pair = []
    for words, written in ((one, first), (other, second)):
        is_bare = all(word.isdigit() for word in words)
        documents = await finder.named(" ".join([*words, *bare]) if is_bare else written)
        pair += documents[:1] if len(documents) == 1 else []
    return pair if len(pair) > 1 and pair[0].id != pair[1].id else []


def told_words(name: str) -> list[str]:
    """Return the words of a name as they are compared."""
    return [token.folded for token in tokens_of(name) if token.folded not in STOP_WORDS | NOUNS | {"one"}]


async def two_newest(documents: Sequence[Document], finder: Finder) -> list[Document]:
    """Return the two newest of some editions; [] where there are not two."""
    if len(documents) < 2:
        return []
    editions, _ = newest_first([await edition_of(document, finder) for document in documents])
    return [edition.document for edition in editions[:2]]


def differences_of(before: Sequence[Line], after: Sequence[Line]) -> Differences:
    """Compare two documents line by line, wherever the lines stand."""
    gone, added = lacking(before, after), lacking(after, before)
    pairs = paired(gone[:MOST_LINES], added[:MOST_LINES])
    old, new = {id(one) for one, _ in pairs}, {id(other) for _, other in pairs}
    figures = [pair for pair in pairs if figures_of(pair[0]) != figures_of(pair[1])]
    return Differences(
        figures, [pair for pair in pairs if pair not in figures], [line for line in gone if id(line) not in old],
        [line for line in added if id(line) not in new], len(before) - len(gone),
    )  # fmt: skip


def lacking(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    """Return the lines that the others do not have; the number of a clause does not count."""
    known = {key_of(line) for line in others}
    return [line for line in lines if key_of(line) and key_of(line) not in known]


def key_of(line: Line) -> str:
    """Return a line as it is compared."""
    return letters_only(CLAUSE.sub("", line.text))


def figures_of(line: Line) -> frozenset[str]:
    """Return the figures of a line, without the number of its clause."""
    text = CLAUSE.sub("", line.text)
    return digits(text) | spelt(text)


def paired(gone: Sequence[Line], added: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Pair the lines that say the same with other words or figures, the most alike first; in the newer one's order."""
    words = [content(whole_words(line)) for line in added]
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(words):
        for stem in one.known:
            places[stem].append(place)
    scored: list[tuple[float, int, int]] = []
    for number, line in enumerate(gone):
        mine = content(whole_words(line))
        near = {place for stem in mine.known for place in places.get(stem, ())}
        scored += [(likeness(mine, words[place]), number, place) for place in near]
    taken_old: set[int] = set()
    taken: dict[int, int] = {}
    for score, number, place in sorted(scored, key=lambda one: (-one[0], one[1], one[2])):
        if score >= ALIKE and number not in taken_old and place not in taken:
            taken_old.add(number)
            taken[place] = number
    return [(gone[number], added[place]) for place, number in sorted(taken.items())]


def whole_words(line: Line) -> str:
    """Return the words that a line is recognised by: without its clause's number."""
    return CLAUSE.sub("", line.text)


def likeness(one: Words, other: Words) -> float:
    """Return how much two lines have in common: the lesser of both shares."""
    return min(one.covered_by(other), other.covered_by(one))


def edition_note(newer: Edition, known_by: str, language: str) -> str:
    """Return by what the newer one is known."""
    about = {"name": newer.mark, "text": newer.by_text, "share": day_of(newer.shared)}[known_by]
    return say(f"known.newer_by_{known_by}", language, about=about)


def changes_text(before: Side, after: Side, differences: Differences, note: str, language: str) -> Statement:
    """Return the changes as a list."""
    citations = Citations()
    pairs = [*differences.figures, *differences.wordings][:MOST_SHOWN]
    head = say("known.changes", language, old=before.document.name, new=after.document.name, note=note)
    if not pairs and not differences.gone and not differences.added:
        marks = f"{citations.cite(whole(before.document))}{citations.cite(whole(after.document))}"
        return Statement(f"{head}\n{say('known.no_changes', language)} {marks}", citations.sources)
    lines = [head]
    for old, new in pairs:
        one, other = around_change(readable(old), readable(new), language)
        lines.append(f"- {one} ({before.cite(old, citations)}) → {other} ({after.cite(new, citations)})")
    for key, side, alone in (("known.added", after, differences.added), ("known.gone", before, differences.gone)):
        lines += [
            say(key, language, line=shown(readable(line), language), place=side.cite(line, citations))
            for line in alone[:MOST_ALONE]
        ]
    return Statement(
        "\n".join([*lines, *left_out(before, after, differences, len(pairs), language)]), citations.sources
    )


def left_out(before: Side, after: Side, differences: Differences, pairs: int, language: str) -> list[str]:
    """Return what is not shown, in figures."""
    changed = len(differences.figures) + len(differences.wordings) - pairs
    added, gone = (max(0, len(some) - MOST_ALONE) for some in (differences.added, differences.gone))
    lines = (
        [say("known.more_changes", language, changed=changed, added=added, gone=gone)] if changed + added + gone else []
    )
    if not (before.is_whole and after.is_whole):
        lines.append(say("known.first_pages", language, pages=MOST_PAGES))
    return lines


def shown(text: str, language: str) -> str:
    """Return a line in quotation marks."""
    return say("known.quote", language, words=plain(shortened(text, LONGEST_LINE), language))


def around_change(old: str, new: str, language: str) -> tuple[str, str]:
    """Return both lines in quotation marks, from a little before their first difference where they are long."""
    if max(len(old), len(new)) <= LONGEST_LINE:
        return shown(old, language), shown(new, language)
    words, others = old.split(), new.split()
    first = next((at for at, (a, b) in enumerate(zip(words, others, strict=False)) if a != b), 0)
    start = max(0, first - 8)
    dots = "… " if start else ""
    return tuple(shown(dots + " ".join(one[start:]), language) for one in (words, others))  # type: ignore[return-value]


async def tell_editions(known: Known, finder: Finder) -> Statement | None:
    """Tell which edition of a document is the newest, and which others there are."""
    name = known.words["document"]
    named = await finder.named(name)
    if not named:
        document = await finder.meant(name)  # "it", or a file that is not here
        named = [document] if document else []
    if not named:
        return None
    editions, known_by = newest_first([await edition_of(one, finder) for one in await editions_of(named[0], finder)])
    citations = Citations()
    first, *others = editions
    mark = citations.cite(whole(first.document))
    if not others:
        text = say("known.one_edition", known.language, name=first.document.name, day=day_of(first.shared), mark=mark)
        return Statement(text, citations.sources)
    note = edition_note(first, known_by, known.language)
    text = say("known.newest", known.language, name=first.document.name, note=note, mark=mark)
    names = ", ".join(f"**{one.document.name}** {citations.cite(whole(one.document))}" for one in others)
    return Statement(f"{text} {say('known.before', known.language, names=names)}", citations.sources)
