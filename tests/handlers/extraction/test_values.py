"""Numbers and dates as documents write them."""

import pytest

from handlers.extraction.schema import Field
from handlers.extraction.values import NotAValue, read_date, read_number, read_value, value_text


@pytest.mark.parametrize(
    ("words", "french", "value"),
    [
        ("1,234.56", False, 1234.56),
        ("1 234,56 €", True, 1234.56),
        ("1.234,56", True, 1234.56),
        ("1\u202f234,5", True, 1234.5),
        ("1'234.50 CHF", True, 1234.5),
        ("EUR 200.88", False, 200.88),
        ("12,345", False, 12345),
        ("12,345", True, 12.345),
        ("1,234,567", False, 1234567),
        ("12,5", False, 12.5),
        ("(1,200.00)", False, -1200),
        ("-7", True, -7),
        ("42", False, 42),
    ],
)
def test_numbers(words: str, french: bool, value: float) -> None:
    assert read_number(words, french=french) == value


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("2026-03-14", "2026-03-14"),
        ("14 March 2026", "2026-03-14"),
        ("March 14, 2026", "2026-03-14"),
        ("14 mars 2026", "2026-03-14"),
        ("le 1er août 2026", "2026-08-01"),
        ("14/03/2026", "2026-03-14"),
        ("03/14/2026", "2026-03-14"),
        ("14.03.26", "2026-03-14"),
        ("2 févr. 2026", "2026-02-02"),
    ],
)
def test_dates(words: str, iso: str) -> None:
    assert read_date(words, french=False) == iso


@pytest.mark.parametrize("words", ["soon", "31/02/2026", "March", "2026", ""])
def test_what_is_no_date_is_not_read(words: str) -> None:
    with pytest.raises(NotAValue):
        read_date(words, french=True)


def test_a_part_is_no_whole_number() -> None:
    with pytest.raises(NotAValue):
        read_value("2.5", Field("count", "integer"), french=False)


@pytest.mark.parametrize(("words", "value"), [("Oui", True), ("no", False), ("vrai", True)])
def test_yes_and_no(words: str, value: bool) -> None:
    assert read_value(words, Field("paid", "boolean"), french=True) is value


def test_values_are_written_for_people() -> None:
    assert value_text(1234.5, "fr") == "1\u202f234,50"
    assert value_text(1234.0, "en") == "1,234"
    assert value_text(True, "fr") == "oui"
    assert value_text(None, "en") == "—"
