"""How one document writes its dates and numbers: what could be read in two ways is read as the rest."""

import re
from dataclasses import dataclass

NUMERIC_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\d/])")
CENTS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:[ .,'’\u00a0\u202f]\d{3})+|\d+)([.,])\d{2}(?![\d.,/-]*\d)")
LAST_MONTH = 12


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
        return cls(french, orders.pop() if len(orders) == 1 else None, decimal)


def order_of(match: re.Match[str]) -> bool | None:
    """Tell whether a date has its month first; None where it may be either."""
    first, second = int(match[1]), int(match[3])
    if first > LAST_MONTH >= second:
        return False
    return True if second > LAST_MONTH >= first else None
