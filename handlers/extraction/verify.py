"""What the model read, checked against the source: each value with the page and the words it comes from."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from handlers.extraction.habit import Habit
from handlers.extraction.schema import Field
from handlers.extraction.values import CROSSES, TICKS, NotAValue, Value, is_ambiguous, read_value
from handlers.text.normalize import letters_only, letters_with_offsets
from indexing.library import Page

FULL = 3  # values of a record that is a row of a table
WORDS_CHARACTERS = 160
GROUPING = tuple(".,'’\u00a0\u202f")
BAR = " | "  # between the cells of a table's row
BESIDE = 24  # characters beside a number in which its sign, its currency and its scale stand
SHORT_VALUE = 3  # folded characters; a shorter one must stand as a word of its own


@dataclass(frozen=True)
class ExtractedValue:
    """One value with where it stands; without a page it does not occur in the source."""

    value: Value
    page: int = 0
    words: str = ""  # the line of the source
    claimed: str = ""  # what the model said, where the source does not have it, or not in this row
    ambiguous: bool = False  # a date whose day and month nothing in the document tells apart


Record = dict[str, ExtractedValue]


class PageText:
    """Pages, searchable for words as the model may have copied them."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = [(page, *letters_with_offsets(page.text)) for page in pages]
        self._text = "\n".join(page.text for page in pages)

    @cached_property
    def _habits(self) -> dict[bool, Habit]:
        return {french: Habit.of(self._text, french=french) for french in (False, True)}

    def habit(self, *, french: bool) -> Habit:
        """Return how the document writes its dates and numbers."""
        return self._habits[french]

    def find(self, words: str, near: int = 0) -> tuple[int, str] | None:
        """Return the page and the line where the words stand, on page `near` first; None where they do not occur."""
        place = self.place(words, near)
        return (place.page, place.line) if place else None

    def line(self, near: int, row: str) -> tuple[int, str]:
        """Return the page of a row of a table, and the row as it is shown; 0 and "" where there is none."""
        numbers = [page.number for page, _, _ in self._pages if row and row in page.text]
        page = near if near in numbers else next(iter(numbers), 0)
        return page, " ".join(row.split())[:WORDS_CHARACTERS] if page else ""

    def place(self, words: str, near: int = 0, row: str = "") -> "Place | None":
        """Return where words stand, in a row of a table first, on page `near` first; None where they do not occur."""
        wanted = letters_only(words)
        if not wanted:
            return None
        anywhere = None
        for page, text, places in sorted(self._pages, key=lambda one: one[0].number != near):
            for at in _places(wanted, text, places, page.text):
                place = place_at(page, places[at], places[at + len(wanted) - 1])
                if not row or place.whole_line == row:
                    return place
                anywhere = anywhere or place
        return anywhere


@dataclass(frozen=True)
class Place:
    """Where words stand in the source, and what is beside them on their line or in their cell."""

    page: int
    line: str
    whole_line: str
    before: str
    after: str

    @property
    def row(self) -> str:
        """Return the row of a table that it is in; "" where it is in none."""
        return self.whole_line if BAR in self.whole_line else ""


def place_at(page: Page, first: int, last: int) -> Place:
    """Return the place of a stretch of a page's text."""
    start = page.text.rfind("\n", 0, first) + 1
    end = page.text.find("\n", last)
    end = len(page.text) if end < 0 else end
    before = page.text[start:first].rsplit("|", 1)[-1][-BESIDE:]
    after = page.text[last + 1 : end].split("|", 1)[0][:BESIDE]
    return Place(page.number, line_at(page.text, first, last), page.text[start:end], before, after)


def _places(wanted: str, text: str, places: Sequence[int], original: str) -> Iterator[int]:
    """Yield where the folded words begin in the folded page, at the edges of words and numbers."""
    at = text.find(wanted)
    while at >= 0:
        first, last = places[at], places[at + len(wanted) - 1]
        joined = _joined(original, first, -1) or _joined(original, last, +1)
        if not joined or (len(wanted) > SHORT_VALUE and not _numeric(wanted)):
            yield at
        at = text.find(wanted, at + 1)


def _joined(text: str, place: int, step: int) -> bool:
    """Tell whether the word or number goes on beside a place: letters join letters, digits join digits and 1,200."""
    own, beside, beyond = text[place], text[max(0, place + step) :][:1], text[max(0, place + 2 * step) :][:1]
    if place + step < 0:
        return False
    if own.isdigit() and beside in GROUPING:
        return place + 2 * step >= 0 and beyond.isdigit()
    if beside.isdigit() and not beside.isdecimal():
        return False  # a raised figure is the mark of a note: 1,240³
    return beside.isalnum() and beside.isdigit() == own.isdigit()


def _numeric(wanted: str) -> bool:
    return sum(map(str.isdigit, wanted)) * 2 > len(wanted)


def line_at(text: str, first: int, last: int) -> str:
    """Return the line around a stretch of text, cut to a readable length."""
    start = text.rfind("\n", 0, first) + 1
    end = text.find("\n", last)
    end = len(text) if end < 0 else end
    start = max(start, first - WORDS_CHARACTERS // 2)
    end = min(end, max(last + 1, start + WORDS_CHARACTERS))
    return " ".join(text[start:end].split())


def records_of(answer: str) -> list[dict[str, Any]]:
    """Return the records of the model's JSON; of an answer that was cut short, those that are whole."""
    start = re.search(r'"records"\s*:\s*\[', answer)
    if not start:
        return []
    decoder, records, at = json.JSONDecoder(), [], start.end()
    while (brace := answer.find("{", at)) >= 0:
        try:
            record, at = decoder.raw_decode(answer, brace)
        except json.JSONDecodeError:
            break
        records.append(record)
    return [record for record in records if isinstance(record, dict)]


def verify_records(
    record: Mapping[str, Any], fields: Sequence[Field], source: PageText, near: tuple[int, str] = (0, ""), *,
    french: bool,
) -> Record:  # fmt: skip
    """Return each field's value if its words stand in the source and read as its kind; else null, with the claim.

    Where most of a record stands in one row of a table, what stands in another row is not of it. `near` is the page
    and the row that it was taken from, where that is known.
    """
    page = near[0]
    row = near[1] or row_of(record, fields, source)
    checked: Record = {}
    for field in fields:
        value = check_value(record.get(field.name), field, source, (page, row), french=french)
        page = value.page or page
        checked[field.name] = value
    return checked


def row_of(record: Mapping[str, Any], fields: Sequence[Field], source: PageText) -> str:
    """Return the row of a table that has most of a record's values; "" where none has two of them."""
    words = [str(record.get(field.name) or "") for field in fields]
    places = [place for one in words if one.strip() and (place := source.place(one))]
    rows = Counter({place.row: sum(has_cell(place.row, one) for one in words) for place in places if place.row})
    row, count = rows.most_common(1)[0] if rows else ("", 0)
    return row if count > 1 else ""


def has_cell(row: str, words: str) -> bool:
    """Tell whether a row of a table has words as a cell or at the beginning of one."""
    wanted = letters_only(words)
    return bool(wanted) and any(letters_only(cell).startswith(wanted) for cell in row.split("|"))


def check_value(
    words: Any, field: Field, source: PageText, near: tuple[int, str] = (0, ""), *, french: bool
) -> ExtractedValue:
    """Check one value; the rest of its record stands near: on a page, and perhaps in a row of a table."""
    row = near[1]
    said = " ".join(str(words).split()) if words is not None else ""
    if is_absent(said):
        return ExtractedValue(None)
    if field.kind == "boolean" and is_sign(said):
        return ExtractedValue(read_value(said, field, french=french), *source.line(*near))
    place = source.place(said, *near)
    where = (place.page, place.line) if place else (0, "")
    if field.kind in {"choice", "boolean"}:  # may be concluded: it is marked where the very word is missing
        value = read_value(said, field, french=french) if field.kind == "choice" else _boolean(said, field)
        return ExtractedValue(value, *where, claimed="" if place else said)
    if not place or (row and place.row and place.row != row):
        return ExtractedValue(None, claimed=said)
    habit = source.habit(french=french)
    try:
        value = read_value(in_context(said, place, field), field, french=french, habit=habit)
    except NotAValue:
        return ExtractedValue(None, *where, claimed=said)
    return ExtractedValue(value, *where, ambiguous=field.kind == "date" and is_ambiguous(said, habit))


def in_context(said: str, place: Place, field: Field) -> str:
    """Return a number with what its copy may have lost of the signs beside it: brackets, minus, currency, "million"."""
    if field.kind not in {"number", "integer"} or not any(map(str.isdigit, said)):
        return said
    before = place.before[len(place.before.rstrip("(-−–€$£ \u00a0\u202f")) :]
    return f"{before}{said}{place.after}"


def _boolean(said: str, field: Field) -> Value:
    try:
        return read_value(said, field, french=False)
    except NotAValue:
        return None


ABSENT = {"", "null", "none", "na", "notfound", "notavailable", "notspecified", "notmentioned", "unknown", "inconnu",
          "nonspecifie", "nonprecise", "absent", "aucun", "notapplicable", "nonapplicable", "sansobjet", "neant", "tbd",
          "tba", "tobedetermined", "tobeconfirmed", "adefinir", "aconfirmer", "nonrenseigne", "nonindique",
          "nichtzutreffend", "keineangabe"}  # fmt: skip
ABBREVIATED = re.compile(r"n[./\s]?\s?[acdr]\.?|s\.\s?o\.?|k\.\s?a\.?", re.IGNORECASE)  # n/a, n.c., s.o., k. A.


def is_absent(said: str) -> bool:
    """Tell whether words say that there is no value; NC without its dots may be a state."""
    if is_sign(said):
        return False
    short = bool(ABBREVIATED.fullmatch(said)) and not said.isalpha()
    return not said or letters_only(said) in ABSENT or short


def is_sign(said: str) -> bool:
    """Tell whether this is a tick, a cross or an empty box."""
    return bool(said) and set(said) <= TICKS | CROSSES | {" "}


def merged_records(records: Sequence[Record]) -> list[Record]:
    """Drop empty and repeated records and mere labels; join those that fill each other's gaps without contradiction."""
    kept: list[Record] = []
    for record in records:
        if not filled(record):
            continue
        for index, other in enumerate(kept):
            if joined := joined_lines(other, record):
                kept[index] = joined
                break
        else:
            kept.append(record)
    return without_labels(kept)


def without_labels(records: Sequence[Record]) -> list[Record]:
    """Drop the records with one value where another has several: labels that a model took for rows of the table."""
    fullest = max(map(filled, records), default=0)
    return [record for record in records if fullest < FULL or filled(record) > 1]


def filled(record: Record) -> int:
    """Count the fields for which something was found or claimed."""
    return sum(found.value is not None or bool(found.claimed) for found in record.values())


def joined_lines(one: Record, other: Record) -> Record | None:
    """Return both as one record; None where they contradict each other or have nothing in common to say so."""
    both = [name for name in one if one[name].value is not None and other[name].value is not None]
    if any(letters_only(str(one[name].value)) != letters_only(str(other[name].value)) for name in both):
        return None
    pages = {found.page for record in (one, other) for found in record.values() if found.page}
    if not both and len(pages) < 2:
        return None
    return {name: one[name] if one[name].value is not None else other[name] for name in one}


def pages_that_fit(pages: Sequence[Page], counts: Sequence[int], limit_tokens: int) -> list[list[Page]]:
    """Group pages, in order, into stretches of at most so many tokens; a page that is longer stands alone."""
    totals = [0]
    groups: list[list[Page]] = []
    for page, count in zip(pages, counts, strict=True):
        if not groups or totals[-1] + count > limit_tokens:
            groups.append([])
            totals.append(0)
        groups[-1].append(page)
        totals[-1] += count
    return groups
