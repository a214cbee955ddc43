"""Where words of an answer stand among the letters of a page: by letters and digits alone; pure."""

import re
import unicodedata

Places = frozenset[int]  # of letters

BREAK = re.compile(r"\s*(?:\u2026|\.\.\.)\s*")  # an ellipsis: words were left out
CELLS = re.compile(r"[\n;:\u2013\u2014|]+")  # between what stands in cells of a table: "Hotel - Limit: 160 euros"
END = 40  # letters of a long sentence that are looked for alone where the whole is not found
LEAST = 4  # letters of a cell


def places_of(words: str, letters: str) -> Places:
    """Return the places of the letters that words stand at; of what is not found as a whole, of its parts."""
    page = plain(letters)
    found: set[int] = set()
    for part in BREAK.split(words):
        found |= _whole(part, page) or _between(part, page) or _cells(part, page)
    return frozenset(found)


def plain(text: str) -> list[tuple[str, int]]:
    """Return the letters and digits of a text without case, accents and ligatures, each with its place."""
    return [
        (sign, place)
        for place, letter in enumerate(text)
        for sign in unicodedata.normalize("NFKD", letter).casefold()
        if sign.isalnum()
    ]


def _whole(words: str, page: list[tuple[str, int]]) -> set[int]:
    wanted, there = _signs(plain(words)), _signs(page)
    at = there.find(wanted) if wanted else -1
    return _stretch(page[at : at + len(wanted)]) if at >= 0 else set()


def _between(words: str, page: list[tuple[str, int]]) -> set[int]:
    """Return what stands from the beginning of a long sentence to its end, where something odd is in between."""
    wanted, there = _signs(plain(words)), _signs(page)
    if len(wanted) < 2 * END:
        return set()
    first = there.find(wanted[:END])
    last = there.find(wanted[-END:], first + END) if first >= 0 else -1
    if last < 0 or last + END - first > 1.5 * len(wanted):
        return set()
    return _stretch(page[first : last + END])


def _stretch(found: list[tuple[str, int]]) -> set[int]:
    """Return all places from the first letter to the last, with what is between the words."""
    return set(range(found[0][1], found[-1][1] + 1))


def _cells(words: str, page: list[tuple[str, int]]) -> set[int]:
    """Return the cells of a row that stand on the page once."""
    there = _signs(page)
    cells = [cell for cell in CELLS.split(words) if len(_signs(plain(cell))) >= LEAST]
    once = [cell for cell in cells if there.count(_signs(plain(cell))) == 1]
    return {place for cell in once for place in _whole(cell, page)}


def _signs(text: list[tuple[str, int]]) -> str:
    return "".join(sign for sign, _ in text)
