"""Numbers and dates as documents write them."""

import calendar
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.extraction.habit import Habit
from handlers.extraction.schema import Field
from handlers.extraction.values import NotAValue, is_ambiguous, read_date, read_number, read_value, value_text


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


SIGNED = [
    "({}1,250.00)",
    "-{}1,250.00",
    "{}-1,250.00",
    "1,250.00-",
    "–{}1,250.00",
    "−1,250.00 {}",
    "(1,250.00 {})",
    "{}1,250.00 CR",
]


@pytest.mark.parametrize("written", SIGNED)
@pytest.mark.parametrize("currency", ["", "$", "€", "EUR ", "US$", "£"])
def test_a_sign_on_either_side_counts_whatever_the_currency(written: str, currency: str) -> None:
    assert read_number(written.format(currency), french=False) == -1250


@pytest.mark.parametrize("written", ["10-45", "INV-45", "room (45", "2025–45", "45-day", "45) done", "section 45 (b)"])
def test_what_is_no_sign_is_none(written: str) -> None:
    assert read_number(written, french=False) > 0


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.2 million", 1.2e6), ("1,2 million d'euros", 1.2e6), ("3 k€", 3000), ("2 milliards", 2e9), ("4.5 bn", 4.5e9),
     ("12 m", 12), ("12 kg", 12), ("1,2 M€", 1.2e6), ("45 thousand", 45000)],
)  # fmt: skip
def test_a_scale_behind_a_number_counts(written: str, value: float) -> None:
    assert read_number(written, french="," in written) == pytest.approx(value)


@given(st.integers(0, 999), st.booleans(), st.sampled_from(",."))
def test_a_number_below_one_is_no_thousand(digits: int, french: bool, mark: str) -> None:
    assert read_number(f"0{mark}{digits:03}", french=french) == pytest.approx(digits / 1000)


@pytest.mark.parametrize(
    ("text", "value"), [("1.234,50 and 7,20", 12.345), ("1,234.50 and 7.20", 12345), ("none", 12345)]
)
def test_an_amount_is_read_as_the_others_of_its_document(text: str, value: float) -> None:
    assert read_number("12,345", french=False, habit=Habit.of(text, french=False)) == value


@given(st.dates())
def test_a_date_is_read_in_every_way_of_writing(day: date) -> None:
    if day.year < 1000:
        return
    name = calendar.month_name[day.month]
    for written in (
        day.isoformat(), f"{day.isoformat()}T10:00:00Z", f"{day.day} {name} {day.year}",
        f"{name} {day.day}, {day.year}",
        f"the {day.day}th of {name} {day.year}", f"{day.day:02}/{day.month:02}/{day.year}",
        f"Mar. {day.day} {name[:3]} {day.year}",
    ):  # fmt: skip
        assert read_date(written, french=False, habit=Habit(month_first=False)) == day.isoformat(), written
    assert (
        read_date(f"{day.month:02}/{day.day:02}/{day.year}", french=False, habit=Habit(month_first=True))
        == day.isoformat()
    )


@pytest.mark.parametrize(("other", "iso"), [("05/14/2026", "2026-06-03"), ("14/05/2026", "2026-03-06")])
def test_another_date_of_the_document_tells_the_order(other: str, iso: str) -> None:
    habit = Habit.of(f"Invoice date: {other}, due date: 06/03/2026", french=False)
    assert read_date("06/03/2026", french=False, habit=habit) == iso
    assert not is_ambiguous("06/03/2026", habit)


def test_a_date_that_nothing_tells_is_ambiguous() -> None:
    assert is_ambiguous("06/03/2026", Habit())
    assert not is_ambiguous("06/06/2026", Habit())
    assert not is_ambiguous("06/03/2026", Habit(french=True))
    assert not is_ambiguous("2026-06-03", Habit())


@pytest.mark.parametrize(("written", "year"), [("12/05/98", "1998"), ("12/05/26", "2026"), ("12 May 85", "1985")])
def test_two_digits_of_a_year_are_of_the_nearer_century(written: str, year: str) -> None:
    assert read_date(written, french=False).startswith(year)


US_INVOICES = [
    "Redwood Supply, 12 Oak Street, Portland, OR 97205\nInvoice date 12/05/2026\nTotal due $1,849.25",
    "EIN 12-3456789\nDate: 12/05/2026\nSales tax 8.25 %",
    "United States\nDue 12/05/2026\nAmount USD 40.00",
]


@pytest.mark.parametrize("text", US_INVOICES)
def test_a_date_of_an_american_paper_has_its_month_first(text: str) -> None:
    habit = Habit.of(text, french=False)
    assert read_date("12/05/2026", french=False, habit=habit) == "2026-12-05"
    assert not is_ambiguous("12/05/2026", habit)


@pytest.mark.parametrize(
    ("text", "french", "ambiguous"),
    [("Facture du 12/05/2026\nTotal 1 849,25 €", True, False), ("Invoice 12/05/2026, VAT, £ 40.00", False, True),
     ("Invoice 12/05/2026, total $40.00", False, True), ("12/05/2026 USD 40.00, IBAN FR76", False, True),
     ("TX 75001, EIN 1: 12/05/2026, delivered 25/04/2026", False, False)],
)  # fmt: skip
def test_elsewhere_the_day_is_first(text: str, french: bool, ambiguous: bool) -> None:
    habit = Habit.of(text, french=french)
    assert read_date("12/05/2026", french=french, habit=habit) == "2026-05-12"
    assert is_ambiguous("12/05/2026", habit) is ambiguous


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.234,- €", 1234), ("EUR 1.234,--", 1234), ("35,– €", 35), ("(120.00)", -120), ("($120.00)", -120),
     ("1.234,56 €", 1234.56), ("$1,234.56", 1234.56), ("1’234.50", 1234.5), ("1,23,456.00", 123456)],
)  # fmt: skip
@pytest.mark.parametrize("french", [True, False])
def test_an_amount_is_the_same_in_both_languages(written: str, value: float, french: bool) -> None:
    assert read_number(written, french=french) == value
