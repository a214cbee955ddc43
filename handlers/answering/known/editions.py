"""Editions of one document: which documents are, and which of them is newer and by what that is known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from handlers.answering.known.which import Finder, has_all, known_words, newest_share
from handlers.context.documents import names_of
from handlers.extraction.values import DAY_MONTH, ISO, MONTHS
from handlers.text.commands import without_accents
from indexing.document import Document

LOOKED_AT = 30  # documents for each word of a name
MOST_WORDS = 4
BEGINNING = 1500  # characters of a document where its date stands
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
NUMBER = re.compile(r"\d+(?:\.\d+)*")
VERSION = re.compile(r"\b(?:v|version|edition|rev|revision)[\s._-]*(\d+(?:\.\d+)*)", re.IGNORECASE)
OF_EDITIONS = frozenset({
    "v", "version", "edition", "rev", "revision", "final", "finale", "draft", "projet", "brouillon", "copy", "copie",
    "new", "old", "nouveau", "nouvelle", "ancien", "ancienne", "updated", "signed", "signe", "latest", "current",
    "actuel", "actuelle", "spring", "summer", "autumn", "winter",
    *(word for word in MONTHS if len(word) > 3 or word in {"mai", "may"}),
})  # fmt: skip


@dataclass(frozen=True)
class Edition:
    """A document among its editions, with what tells how new it is."""

    document: Document
    by_name: tuple[int, ...]  # a year, a date or a version in its names
    by_text: date | None  # the first date that its beginning names
    shared: float

    @property
    def mark(self) -> str:
        """Return what the name says of the edition: 2026, 3.1."""
        return ".".join(map(str, self.by_name))


async def edition_of(document: Document, finder: Finder) -> Edition:
    """Return a document with what tells how new it is."""
    pages = await finder.services.library.pages(document.id, readable_by=finder.request.audience, first=1, last=1)
    beginning = pages[0].text[:BEGINNING] if pages else ""
    names = [*names_of(document), document.title]
    return Edition(document, number_in_names(names), first_date(beginning), newest_share(document))


def newest_first(editions: Sequence[Edition]) -> tuple[list[Edition], str]:
    """Return the editions, newest first, and by what that is known: name, text, or share."""
    if len({edition.by_name for edition in editions}) == len(editions) and all(one.by_name for one in editions):
        return sorted(editions, key=lambda one: one.by_name, reverse=True), "name"
    if len({edition.by_text for edition in editions}) == len(editions) and all(one.by_text for one in editions):
        return sorted(editions, key=lambda one: one.by_text or date.min, reverse=True), "text"
    return sorted(editions, key=lambda one: one.shared, reverse=True), "share"


def number_in_names(names: Sequence[str]) -> tuple[int, ...]:
    """Return the year or date that the names have, else their version."""
    for name in names:
        if years := YEAR.findall(name):
            after = name.rpartition(years[-1])[2]
            return int(years[-1]), *(int(part) for part in re.findall(r"(?<=[-_.])\d\d(?!\d)", after)[:2])
    for name in names:
        if version := VERSION.search(without_accents(name.replace("_", " "))):
            return tuple(map(int, version[1].split(".")))
    return ()


def first_date(text: str) -> date | None:
    """Return the first whole date that a text names."""
    dates = [(match.start(), day) for match in ISO.finditer(text) if (day := made(*map(int, match.groups())))]
    for match in DAY_MONTH.finditer(text):
        month = MONTHS.get(without_accents(match[2]))
        if month and len(match[3]) == 4 and (day := made(int(match[3]), month, int(match[1]))):
            dates.append((match.start(), day))
    return min(dates)[1] if dates else None


def made(year: int, month: int, day: int) -> date | None:
    """Return a date; None where there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def words_without_edition(document: Document) -> frozenset[str]:
    """Return the words of a document's name that its editions share."""
    words = known_words([document.name])
    return frozenset(word for word in words if word not in OF_EDITIONS and not re.fullmatch(r"v?[\d.]+", word))


async def editions_of(document: Document, finder: Finder) -> list[Document]:
    """Return the documents whose names differ from this one's in a year or version only, itself included."""
    words = words_without_edition(document)
    library, audience = finder.services.library, finder.request.audience
    known = {document.id: document}
    for word in sorted(words, key=len, reverse=True)[:MOST_WORDS]:
        for one in await library.documents_called(word, readable_by=audience, limit=LOOKED_AT):
            if is_edition_of(words, one):
                known[one.id] = one
    return list(known.values())


def is_edition_of(words: frozenset[str], document: Document) -> bool:
    """Tell whether a document's name has the same words."""
    others = words_without_edition(document)
    return bool(words) and has_all(sorted(words), others) and has_all(sorted(others), words)
