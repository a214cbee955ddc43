"""Values as they are written in documents: numbers and dates in English and French, read into what JSON has."""

import re
from datetime import date
from typing import Any

from handlers.extraction.habit import LAST_MONTH, Habit
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
TICKS, CROSSES = frozenset("☒☑✓✔✅●■"), frozenset("☐✗✘✖×❌○□")  # ☒ is a box that is ticked, ✗ alone says no
CURRENCY = r"(?:[€$£¥₹]|(?:US|CA|AU|C|A)\$|EUR|USD|GBP|CHF|CAD|AUD|JPY|SEK|NOK|DKK|PLN|kr|zł|Fr\.?)"
DIGITS = re.compile(r"\d(?:[\d.,'’\u00a0\u202f]|\s(?=\d{3}(?!\d)))*")
BEFORE = re.compile(rf"(?:(?<![\w)])([-−–])|(\())?\s*{CURRENCY}?\s*(?:(?<![\w)])([-−–]))?\s*$", re.IGNORECASE)
AFTER = re.compile(rf"^\s*{CURRENCY}?\s*(?:([-−–](?!\s*\w))|(\))|(CR)\b)?")
SCALE = re.compile(
    rf"^\s*(?:(k)(?=\s?{CURRENCY})|(thousand|mille|tsd)\b|(M)(?=\s?{CURRENCY})|(millions?|mio|mn)\b|"
    rf"(Mds?)(?=\s?{CURRENCY})|(billions?|bn|milliards?)\b)",
    re.IGNORECASE,
)
SCALES = (1e3, 1e3, 1e6, 1e6, 1e9, 1e9)
THIS_CENTURY = 50  # two digits of a year: up to here they are of this century
ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
NUMERIC = re.compile(r"(?<!\d)(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})(?!\d)")
WORD = r"([^\W\d_]+)\.?"
DAY = r"(\d{1,2})(?:er|st|nd|rd|th|\.|º)?"
YEAR = r"['’]?(\d{4}|\d{2})(?!\d)"
DAY_MONTH = re.compile(rf"(?<!\d){DAY}[\s-]*(?:of\s+|de\s+)?{WORD},?[\s-]*(?:de\s+)?{YEAR}", re.IGNORECASE)
MONTH_DAY = re.compile(rf"\b{WORD}\s*{DAY},?\s+{YEAR}", re.IGNORECASE)


class NotAValue(ValueError):
    """The words are not a value of that kind."""


def read_value(words: str, field: Field, *, french: bool, habit: Habit | None = None) -> Value:
    """Return the value of the words that stand in the document; raise NotAValue.

    The words may have around them what stands beside them on their line: a sign, a currency, "million".
    """
    if field.kind == "number":
        return read_number(words, french=french, habit=habit)
    if field.kind == "integer":
        number = read_number(words, french=french, habit=habit)
        if number != int(number):
            raise NotAValue(words)
        return int(number)
    if field.kind == "date":
        return read_date(words, french=french, habit=habit)
    if field.kind == "boolean":
        return read_boolean(words)
    return " ".join(words.split())


def read_number(words: str, *, french: bool, habit: Habit | None = None) -> float:
    """Read 1,234.56, 1 234,56, 1.234,56, ($12.00), 45.00- or 1.2 million; raise NotAValue.

    The last separator before one or two digits is the decimal one. One that is followed by three digits is read as the
    document writes its other amounts, else as the language does: a French comma is decimal, an English one is not.
    """
    match = DIGITS.search(words)
    if not match:
        raise NotAValue(words)
    return number_in(words[: match.start()], match[0], words[match.end() :], habit or Habit(french))


def number_in(before: str, digits: str, after: str, habit: Habit) -> float:
    """Return the number of some digits with what stands to their left and to their right."""
    text = re.sub(r"[\s'’\u00a0\u202f]", "", digits).rstrip(".,")
    mark = decimal_mark(text, habit)
    whole, _, part = text.rpartition(mark) if mark else (text, "", "")
    number = float(re.sub(r"[.,]", "", whole) + ("." + part if part else ""))
    if scale := SCALE.match(after):
        number *= SCALES[(scale.lastindex or 1) - 1]
    is_round = digits.endswith((",", ".")) and after.startswith(("-", "–", "—"))  # 1.234,- has no cents
    return -number if is_negative(before, "" if is_round else after) else number


def is_negative(before: str, after: str) -> bool:
    """Tell whether a minus stands on either side of a number, or brackets on both, currencies between them."""
    left, right = BEFORE.search(before), AFTER.match(after)
    minus = bool(left and (left[1] or left[3])) or bool(right and (right[1] or right[3]))
    return minus or bool(left and left[2] and right and right[2])


def decimal_mark(text: str, habit: Habit) -> str:
    """Return which of the two marks, if any, stands before the decimals."""
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    mark = "," if comma >= 0 else "." if point >= 0 else ""
    if not mark or text.count(mark) > 1:
        return ""
    if text.startswith("0") or len(text) - text.rfind(mark) != 4:
        return mark
    usual = habit.decimal or ("," if habit.french else ".")
    return mark if mark == usual and (habit.decimal or habit.french) else ""


def read_date(words: str, *, french: bool, habit: Habit | None = None) -> str:
    """Read a date into ISO 8601; 03/04/2026 is in April, but where the document's other dates have the month first."""
    year, month, day = _parts(words, habit or Habit(french))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise NotAValue(words) from None


def _parts(words: str, habit: Habit) -> tuple[int, int, int]:
    if iso := ISO.search(words):
        return int(iso[1]), int(iso[2]), int(iso[3])
    if digits := NUMERIC.search(words):
        first, second, year = int(digits[1]), int(digits[2]), _year(digits[3])
        if second > LAST_MONTH or (habit.month_first and first <= LAST_MONTH):
            return year, first, second
        return year, second, first
    for pattern, day, month in ((DAY_MONTH, 1, 2), (MONTH_DAY, 2, 1)):
        for match in pattern.finditer(words):
            if letters_only(match[month]) in MONTHS:
                return _year(match[3]), MONTHS[letters_only(match[month])], int(match[day])
    raise NotAValue(words)


def is_ambiguous(words: str, habit: Habit) -> bool:
    """Tell whether a date may be read in two ways, and nothing in its document tells which."""
    digits = None if ISO.search(words) else NUMERIC.search(words)
    if not digits or habit.french or habit.month_first is not None:
        return False
    return digits[1] != digits[2] and max(int(digits[1]), int(digits[2])) <= LAST_MONTH


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    return (2000 if int(text) <= THIS_CENTURY else 1900) + int(text)


def read_boolean(words: str) -> bool:
    """Read yes or no."""
    if signs := TICKS.union(CROSSES).intersection(words):
        return not signs <= CROSSES
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
