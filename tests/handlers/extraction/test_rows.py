"""Records of a table come from its rows, whole; what a model mixes is marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.extraction.rows import records_in_rows
from handlers.extraction.schema import parse_fields
from handlers.extraction.verify import ExtractedValue, PageText, verify_records
from indexing.library import Page

HEAD = "Item | Description | Quantity | Unit price | Amount"
ROWS = ["10 | O-ring 40 mm | 200 | 0.85 | 170.00", "20 | Shaft seal | 12 | 19.90 | 238.80",
        "40 | Return | -2 | 44.00 | (88.00)"]  # fmt: skip
PAGE = Page(number=1, text="\n".join(["Purchase order", HEAD, *ROWS, "| Total | | | 320.80", "Delivery in May."]))
FIELDS = parse_fields("item, description, quantity:integer, amount:number")


def test_rows_are_records() -> None:
    records = records_in_rows([PAGE], FIELDS)
    source = PageText([PAGE])
    values = [
        [value.value for value in verify_records(one.values, FIELDS, source, french=False).values()] for one in records
    ]
    assert values == [["10", "O-ring 40 mm", 200, 170.0], ["20", "Shaft seal", 12, 238.8], ["40", "Return", -2, -88.0]]


def test_a_table_that_goes_on_over_the_page_is_one() -> None:
    pages = [Page(number=1, text="\n".join([HEAD, *ROWS[:2]])), Page(number=2, text="\n".join([HEAD, ROWS[2]]))]
    rows = records_in_rows(pages, FIELDS)
    assert [(row.page, row.values["item"]) for row in rows] == [(1, "10"), (1, "20"), (2, "40")]


@pytest.mark.parametrize("wish", ["item", "item, order number", "item, price from"])
def test_fields_that_are_no_columns_are_left_to_the_model(wish: str) -> None:
    assert records_in_rows([PAGE], parse_fields(wish)) == []


def test_a_head_in_other_words_is_the_column() -> None:
    fields = parse_fields("quantité:entier, unit price:number")
    assert records_in_rows([PAGE], fields)[0].values == {"quantité": "200", "unit price": "0.85"}


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{4,8}", fullmatch=True), st.integers(1, 9999)), min_size=2, unique_by=(
    lambda row: row[0], lambda row: row[1])))  # fmt: skip
def test_no_value_changes_its_row(rows: list[tuple[str, int]]) -> None:
    text = "\n".join(["name | count", *(f"{name} | {count}" for name, count in rows)])
    fields = parse_fields("name, count:integer")
    records = records_in_rows([Page(number=1, text=text)], fields)
    assert [(record.values["name"], int(record.values["count"])) for record in records] == rows


PLANS = """Service | Basic | Premium | Weekend
Hotline | x |  | ☐
Inspection |  | x | ☒
Spare parts | | x |"""


def checked(text: str, wish: str) -> list[list[ExtractedValue]]:
    fields, pages = parse_fields(wish), [Page(number=1, text=text)]
    source = PageText(pages)
    return [
        list(verify_records(row.values, fields, source, row.place, french=False).values())
        for row in records_in_rows(pages, fields)
    ]


@pytest.mark.parametrize("tick", ["x", "X", "✓", "✔", "☒", "☑", "●"])
def test_a_ticked_column_is_the_choice(tick: str) -> None:
    rows = checked(PLANS.replace(" x ", f" {tick} "), "service, plan:Basic|Premium, weekend:boolean")
    assert [[value.value for value in row] for row in rows] == [
        ["Hotline", "Basic", False], ["Inspection", "Premium", True], ["Spare parts", "Premium", False],
    ]  # fmt: skip
    assert not any(value.claimed for row in rows for value in row)
    assert rows[1][2].words == f"Inspection | | {tick} | ☒"


@pytest.mark.parametrize("cross", ["✗", "✘", "☐", "○"])
def test_a_cross_or_an_empty_box_is_no(cross: str) -> None:
    rows = checked(f"Service | Included\nHotline | ✓\nRepair | {cross}", "service, included:boolean")
    assert [row[1].value for row in rows] == [True, False]


def test_two_ticks_are_no_choice_and_words_are_no_ticks() -> None:
    rows = checked(PLANS.replace("x |  |", "x | x |"), "service, plan:Basic|Premium, weekend:boolean")
    assert [row[1].value for row in rows] == [None, "Premium", "Premium"]
    assert checked(PLANS.replace(" x ", " from May "), "service, plan:Basic|Premium") == []


def test_what_a_model_takes_from_another_row_is_marked() -> None:
    mixed = {"item": "10", "description": "Shaft seal", "quantity": "200", "amount": "170.00"}
    checked = verify_records(mixed, FIELDS, PageText([PAGE]), french=False)
    assert checked["description"].value is None
    assert checked["description"].claimed == "Shaft seal"
    assert checked["amount"].value == 170.0
