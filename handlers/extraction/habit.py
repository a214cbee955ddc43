"""How one document writes its dates and numbers: what could be read in two ways is read as the rest."""

import re
from dataclasses import dataclass

NUMERIC_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\d/])")
CENTS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:[ .,'’\u00a0\u202f]\d{3})+|\d+)([.,])\d{2}(?![\d.,/-]*\d)")
LAST_MONTH = 12
# What only papers from the United States have: a state before a ZIP code, their numbers and taxes, their name.
STATES = ("A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|"
          "V[AT]|W[AIVY]")  # fmt: skip
AMERICAN = re.compile(
    rf"\b(?:{STATES})[ ,]{{1,2}}\d{{5}}(?:-\d{{4}})?\b|\b(?:EIN|FEIN|SSN|USD|USA)\b|\bU\.S\.A?|\bUS\$|"
    r"(?i:\bsales tax\b|\bzip(?: code)?\b|\bUnited States\b|\brouting (?:no|number|#)|\bform (?:W-9|1099)\b)"
)
ELSEWHERE = re.compile(r"[€£]|\b(?:VAT|TVA|IBAN|GST|HST|ABN|EUR|GBP|CHF|CAD|AUD|SIRET|SIREN)\b")
DOLLAR = re.compile(r"(?<![A-Z])\$\s?\d")
LEAST_SIGNS = 2  # of America; one is enough beside a dollar


@dataclass(frozen=True)
class Habit:
    """What is known of a document's way to write."""

    french: bool = False
    month_first: bool | None = None  # None: none of its dates tells
    decimal: str = ""  # the mark before cents; "" where none of its numbers tells

    @classmethod
    def of(cls, text: str, *, french: bool) -> "Habit":
        """Look at all dates and amounts of a document."""
        orders = {order for match in NUMERIC_DATE.finditer(text) if (order := order_of(match)) is not None}
        marks = [match[1] for match in CENTS.finditer(text)]
        points, commas = marks.count("."), marks.count(",")
        decimal = "." if points > 2 * commas else "," if commas > 2 * points else ""
        proved = orders.pop() if len(orders) == 1 else None
        return cls(french, True if proved is None and not french and is_american(text) else proved, decimal)


def is_american(text: str) -> bool:
    """Tell whether a document was written in the United States: its dates have the month first."""
    signs = len({match[0].casefold() for match in AMERICAN.finditer(text)}) + bool(DOLLAR.search(text))
    return signs >= LEAST_SIGNS and not ELSEWHERE.search(text)


def order_of(match: re.Match[str]) -> bool | None:
    """Tell whether a date has its month first; None where it may be either."""
    first, second = int(match[1]), int(match[3])
    if first > LAST_MONTH >= second:
        return False
    return True if second > LAST_MONTH >= first else None
