"""Records of a table come from its rows, whole; what a model mixes is marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.extraction.rows import records_in_rows
from handlers.extraction.schema import parse_fields
from handlers.extraction.verify import PageText, verify_records
from indexing.library import Page

HEAD = "Item | Description | Quantity | Unit price | Amount"
ROWS = ["10 | O-ring 40 mm | 200 | 0.85 | 170.00", "20 | Shaft seal | 12 | 19.90 | 238.80",
        "40 | Return | -2 | 44.00 | (88.00)"]  # fmt: skip
PAGE = Page(number=1, text="\n".join(["Purchase order", HEAD, *ROWS, "| Total | | | 320.80", "Delivery in May."]))
FIELDS = parse_fields("item, description, quantity:integer, amount:number")


def test_rows_are_records() -> None:
    records = records_in_rows([PAGE], FIELDS)
    source = PageText([PAGE])
    values = [[value.value for value in verify_records(one, FIELDS, source, french=False).values()] for one in records]
    assert values == [["10", "O-ring 40 mm", 200, 170.0], ["20", "Shaft seal", 12, 238.8], ["40", "Return", -2, -88.0]]


def test_a_table_that_goes_on_over_the_page_is_one() -> None:
    pages = [Page(number=1, text="\n".join([HEAD, *ROWS[:2]])), Page(number=2, text="\n".join([HEAD, ROWS[2]]))]
    assert [record["item"] for record in records_in_rows(pages, FIELDS)] == ["10", "20", "40"]


@pytest.mark.parametrize("wish", ["item", "item, order number", "item, price from"])
def test_fields_that_are_no_columns_are_left_to_the_model(wish: str) -> None:
    assert records_in_rows([PAGE], parse_fields(wish)) == []


def test_a_head_in_other_words_is_the_column() -> None:
    fields = parse_fields("quantité:entier, unit price:number")
    assert records_in_rows([PAGE], fields)[0] == {"quantité": "200", "unit price": "0.85"}


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{4,8}", fullmatch=True), st.integers(1, 9999)), min_size=2, unique_by=(
    lambda row: row[0], lambda row: row[1])))  # fmt: skip
def test_no_value_changes_its_row(rows: list[tuple[str, int]]) -> None:
    text = "\n".join(["name | count", *(f"{name} | {count}" for name, count in rows)])
    fields = parse_fields("name, count:integer")
    records = records_in_rows([Page(number=1, text=text)], fields)
    assert [(record["name"], int(record["count"])) for record in records] == rows


def test_what_a_model_takes_from_another_row_is_marked() -> None:
    mixed = {"item": "10", "description": "Shaft seal", "quantity": "200", "amount": "170.00"}
    checked = verify_records(mixed, FIELDS, PageText([PAGE]), french=False)
    assert checked["description"].value is None
    assert checked["description"].claimed == "Shaft seal"
    assert checked["amount"].value == 170.0
