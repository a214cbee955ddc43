"""What is known of documents without a search by meaning: their outline, and which passages have a word."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexing import sparse
from indexing.chunks import Outline
from indexing.sparse import PART, without_accents
from indexing.vector_store import Payload

HEADING = re.compile(r"\s>\s")  # between the titles above a chunk
LEAST_LISTED = 3  # titles of one page that all come again: a table of contents


@dataclass(frozen=True, kw_only=True)
class Section:
    """One title of a document, and where it stands."""

    level: int  # 0 for the outermost
    title: str
    page: int
    last_page: int  # the last one before the next section, or the same where that begins on it


@dataclass(frozen=True)
class Phrase:
    """Some words as a text must have them: one after the other, whatever their case, accents and plural."""

    words: str

    def stands_in(self, text: str) -> bool:
        """Tell whether a text has the words."""
        return bool(self._pattern and self._pattern.search(without_accents(text.casefold())))

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        words = PART.findall(without_accents(self.words.casefold()))
        joined = r"[\W_]+".join(re.escape(word) for word in words)
        return re.compile(rf"(?<![^\W_]){joined}(?:e?s|x)?(?![^\W_])") if words else None

    @property
    def terms(self) -> sparse.Sparse:
        """Return the words as the index knows them."""
        return sparse.of_question(self.words)


def outline_in(payload: Payload) -> Outline:
    """Return a stored outline."""
    return tuple((int(level), str(title), int(page)) for level, title, page in json.loads(payload["text"]))


def outline_of_chunks(chunks: Iterable[Payload]) -> Outline:
    """Return the titles above a document's chunks, for one that was stored without its outline."""
    entries: list[tuple[int, str, int]] = []
    before: list[str] = []
    for chunk in sorted(chunks, key=lambda payload: int(payload["position"])):
        titles = [title for title in HEADING.split(str(chunk["heading"])) if title]
        same = next((place for place, (a, b) in enumerate(zip(titles, before, strict=False)) if a != b), len(before))
        entries += [(level, title, int(chunk["page"])) for level, title in enumerate(titles) if level >= same]
        before = titles
    return tuple(entries)


def sections_of(outline: Outline, pages: int) -> list[Section]:
    """Return the sections of a document, without its table of contents and what repeats itself."""
    entries = without_repeats(without_contents_page([entry for entry in outline if entry[1].strip()]))
    least = min((level for level, _, _ in entries), default=0)
    following = [*(page for _, _, page in entries[1:]), pages + 1][: len(entries)]
    return [
        Section(level=level - least, title=" ".join(title.split()), page=page, last_page=max(page, after - 1))
        for (level, title, page), after in zip(entries, following, strict=True)
    ]


def without_contents_page(entries: Sequence[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    """Leave out the titles of a page on which most titles come again later: that is a table of contents."""
    last = {key_of(title): place for place, (_, title, _) in enumerate(entries)}
    lists: set[int] = set()
    for page in {page for _, _, page in entries}:
        places = [place for place, entry in enumerate(entries) if entry[2] == page]
        again = [place for place in places if last[key_of(entries[place][1])] > place]
        if len(again) >= LEAST_LISTED and 2 * len(again) > len(places):
            lists.update(again)
    return [entry for place, entry in enumerate(entries) if place not in lists]


def without_repeats(entries: Sequence[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    """Leave out a title that only says again what the one before it said: a running head."""
    kept: list[tuple[int, str, int]] = []
    for entry in entries:
        if not kept or key_of(entry[1]) != key_of(kept[-1][1]):
            kept.append(entry)
    return kept


def key_of(title: str) -> str:
    """Return a title as it is compared: without the page number that a table of contents puts behind it."""
    words = PART.findall(without_accents(title.casefold()))
    return " ".join(words[:-1] if len(words) > 2 and words[-1].isdigit() else words)
