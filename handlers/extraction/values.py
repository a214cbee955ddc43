"""Values as they are written in documents: numbers and dates in English and French, read into what JSON has."""

import re
from datetime import date
from typing import Any

from handlers.extraction.schema import Field
from handlers.text.normalize import letters_only

Value = str | float | int | bool | None

MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january janvier jan janv", "february fevrier feb fev fevr", "march mars mar", "april avril apr avr",
            "may mai", "june juin jun", "july juillet jul juil", "august aout aug", "september septembre sep sept",
            "october octobre oct", "november novembre nov", "december decembre dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
YES = {"yes", "true", "oui", "vrai", "x", "y", "o"}
NO = {"no", "false", "non", "faux", "n"}
NUMBER = re.compile(r"[-−(]?\s*\d[\d\s.,'’\u00a0\u202f]*")


class NotAValue(ValueError):
    """The words are not a value of that kind."""


def read_value(words: str, field: Field, *, french: bool) -> Value:
    """Return the value of the words that stand in the document; raise Unreadable."""
    if field.kind == "number":
        return read_number(words, french=french)
    if field.kind == "integer":
        number = read_number(words, french=french)
        if number != int(number):
            raise NotAValue(words)
        return int(number)
    if field.kind == "date":
        return read_date(words, french=french)
    if field.kind == "boolean":
        return read_boolean(words)
    return " ".join(words.split())


def read_number(words: str, *, french: bool) -> float:
    """Read 1,234.56, 1 234,56, 1.234,56 or (12): the last separator before one or two digits is the decimal one.

    One followed by three digits is read as the language does: a French comma is decimal, an English one is not.
    """
    found = NUMBER.search(words)
    if not found:
        raise NotAValue(words)
    text = re.sub(r"[\s'’\u00a0\u202f]", "", found[0]).rstrip(".,")
    negative = text.startswith(("-", "−", "("))
    text = text.lstrip("-−(")
    mark = decimal_mark(text, french=french)
    whole, _, part = text.rpartition(mark) if mark else (text, "", "")
    digits = re.sub(r"[.,]", "", whole) + ("." + part if part else "")
    return -float(digits) if negative else float(digits)


def decimal_mark(text: str, *, french: bool) -> str:
    """Return which of the two marks, if any, stands before the decimals."""
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    mark = "," if comma >= 0 else "." if point >= 0 else ""
    if not mark or text.count(mark) > 1:
        return ""
    if len(text) - text.rfind(mark) == 4:
        return mark if (mark == ",") == french else ""
    return mark


def read_date(words: str, *, french: bool) -> str:
    """Read a date into ISO 8601; 03/04/2026 is the third of April, but in English where that can't be, March 4."""
    del french  # both write the day first in Europe; an impossible month turns it around
    year, month, day = _parts(words)
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise NotAValue(words) from None


def _parts(words: str) -> tuple[int, int, int]:
    iso = re.search(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b", words)
    if iso:
        return int(iso[1]), int(iso[2]), int(iso[3])
    digits = re.search(r"\b(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})\b", words)
    if digits:
        first, second, year = int(digits[1]), int(digits[2]), _year(digits[3])
        return (year, first, second) if second > 12 else (year, second, first)
    month = next(
        (MONTHS[letters_only(word)] for word in re.findall(r"[^\W\d_]+", words) if letters_only(word) in MONTHS), 0
    )
    numbers = re.findall(r"\d+", words)
    if not month or len(numbers) < 2:
        raise NotAValue(words)
    year = next((number for number in numbers if len(number) == 4), numbers[-1])
    day = next((number for number in numbers if number != year and len(number) <= 2), "0")
    return _year(year), month, int(day)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def read_boolean(words: str) -> bool:
    """Read yes or no."""
    word = letters_only(words)
    if word in YES | NO:
        return word in YES
    raise NotAValue(words)


def value_text(value: Any, language: str) -> str:
    """Write a value for people."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return {"fr": ("non", "oui")}.get(language, ("no", "yes"))[value]
    if isinstance(value, float):
        text = f"{value:,.2f}" if value != int(value) else f"{int(value):,}"
        return text.replace(",", "\u202f").replace(".", ",") if language == "fr" else text
    return str(value)
