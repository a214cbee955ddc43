"""What the model read, checked against the source: each value with the page and the words it comes from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.extraction.schema import Field
from handlers.extraction.values import NotAValue, Value, read_value
from handlers.text.normalize import letters_only, letters_with_offsets
from indexing.library import Page

FULL = 3  # values of a record that is a row of a table
WORDS_CHARACTERS = 160
GROUPING = tuple(".,'’\u00a0\u202f")
SHORT_VALUE = 3  # folded characters; a shorter one must stand as a word of its own


@dataclass(frozen=True)
class ExtractedValue:
    """One value with where it stands; without a page it does not occur in the source."""

    value: Value
    page: int = 0
    words: str = ""  # the line of the source
    claimed: str = ""  # what the model said, where the source does not have it


Record = dict[str, ExtractedValue]


class PageText:
    """Pages, searchable for words as the model may have copied them."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = [(page, *letters_with_offsets(page.text)) for page in pages]

    def find(self, words: str, near: int = 0) -> tuple[int, str] | None:
        """Return the page and the line where the words stand, on page `near` first; None where they do not occur."""
        wanted = letters_only(words)
        if not wanted:
            return None
        for page, text, places in sorted(self._pages, key=lambda one: one[0].number != near):
            at = _place(wanted, text, places, page.text)
            if at >= 0:
                return page.number, line_at(page.text, places[at], places[at + len(wanted) - 1])
        return None


def _place(wanted: str, text: str, places: Sequence[int], original: str) -> int:
    """Return where the folded words begin in the folded page, at the edges of words and numbers; -1 if nowhere."""
    at = text.find(wanted)
    while at >= 0:
        first, last = places[at], places[at + len(wanted) - 1]
        joined = _joined(original, first, -1) or _joined(original, last, +1)
        if not joined or (len(wanted) > SHORT_VALUE and not _numeric(wanted)):
            return at
        at = text.find(wanted, at + 1)
    return -1


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


def verify_records(record: Mapping[str, Any], fields: Sequence[Field], source: PageText, *, french: bool) -> Record:
    """Return each field's value if its words stand in the source and read as its kind; else null, with the claim."""
    page = 0
    checked: Record = {}
    for field in fields:
        found = check_value(record.get(field.name), field, source, page, french=french)
        page = found.page or page
        checked[field.name] = found
    return checked


def check_value(words: Any, field: Field, source: PageText, near: int, *, french: bool) -> ExtractedValue:
    """Check one value."""
    said = " ".join(str(words).split()) if words is not None else ""
    if not said or letters_only(said) in ABSENT:
        return ExtractedValue(None)
    place = source.find(said, near)
    if field.kind in {"choice", "boolean"}:  # may be concluded: it is marked where the very word is missing
        value = read_value(said, field, french=french) if field.kind == "choice" else _boolean(said, field)
        return ExtractedValue(value, *(place or (0, "")), claimed="" if place else said)
    if not place:
        return ExtractedValue(None, claimed=said)
    try:
        return ExtractedValue(read_value(said, field, french=french), *place)
    except NotAValue:
        return ExtractedValue(None, *place, claimed=said)


def _boolean(said: str, field: Field) -> Value:
    try:
        return read_value(said, field, french=False)
    except NotAValue:
        return None


ABSENT = {"", "null", "none", "na", "notfound", "notavailable", "notspecified", "notmentioned", "unknown", "inconnu",
          "nonspecifie", "nonprecise", "absent", "aucun"}  # fmt: skip


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
