"""What the model read is checked against the source."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.extraction.schema import parse_fields
from handlers.extraction.verify import (
    ExtractedValue,
    PageText,
    merged_records,
    pages_that_fit,
    records_of,
    verify_records,
)
from handlers.text.normalize import letters_only, letters_with_offsets
from indexing.library import Page

PAGES = [
    Page(number=1, text="ACME Supplies Ltd.\nInvoice no. INV-2026-0042\nDate: 14 March 2026"),
    Page(number=2, text="Total due EUR 1,200.88\nRéglé par chèque\nClients: 12"),
]
FIELDS = parse_fields("supplier, date:date, total:number, phone")


def found(record: dict[str, object]) -> dict[str, ExtractedValue]:
    return verify_records(record, FIELDS, PageText(PAGES), french=False)


def test_a_value_comes_with_its_page_and_its_line() -> None:
    checked = found({"supplier": "acme supplies ltd", "date": "14 March 2026", "total": "1,200.88", "phone": None})
    assert checked["supplier"] == ExtractedValue("acme supplies ltd", 1, "ACME Supplies Ltd.")
    assert checked["date"] == ExtractedValue("2026-03-14", 1, "Date: 14 March 2026")
    assert checked["total"] == ExtractedValue(1200.88, 2, "Total due EUR 1,200.88")
    assert checked["phone"] == ExtractedValue(None)


def test_an_invented_value_is_null_and_marked() -> None:
    checked = found({"supplier": "Globex", "date": "15 March 2026", "total": "99", "phone": "not found"})
    assert checked["supplier"] == ExtractedValue(None, claimed="Globex")
    assert checked["date"].value is None
    assert checked["total"].value is None
    assert checked["phone"] == ExtractedValue(None)


@pytest.mark.parametrize(
    "said", ["N/A", "n.a.", "n/d", "N/C", "s.o.", "—", "-", "TBD", "Not applicable", "sans objet", "Néant", "à définir",
             "k. A.", "non renseigné"]
)  # fmt: skip
@pytest.mark.parametrize("kind", ["", ":number", ":date", ":boolean"])
def test_what_says_that_there_is_nothing_is_no_value(said: str, kind: str) -> None:
    fields = parse_fields(f"total{kind}")
    pages = PageText([Page(number=1, text=f"Total: {said}\nOther: 12.00")])
    assert verify_records({"total": said}, fields, pages, french=True)["total"] == ExtractedValue(None)


def test_the_name_of_a_state_is_a_value() -> None:
    pages = PageText([Page(number=1, text="State: NC")])
    assert verify_records({"state": "NC"}, parse_fields("state"), pages, french=False)["state"].value == "NC"


def test_words_that_are_no_number_are_marked() -> None:
    assert found({"total": "Total due EUR"})["total"] == ExtractedValue(
        None, 2, "Total due EUR 1,200.88", "Total due EUR"
    )


def test_a_part_of_a_number_is_not_the_number() -> None:
    """ "2" stands in 12 and 2026, but not as a number of its own."""
    source = PageText(PAGES)
    assert source.find("2") is None
    assert source.find("200") is None
    assert source.find("12") == (2, "Clients: 12")


def test_accents_and_spaces_do_not_matter() -> None:
    assert PageText(PAGES).find("regle par cheque") == (2, "Réglé par chèque")


def test_the_page_of_the_other_values_is_looked_at_first() -> None:
    twice = [Page(number=1, text="Paris"), Page(number=2, text="Paris")]
    assert PageText(twice).find("Paris", near=2) == (2, "Paris")


def test_an_answer_that_was_cut_short_keeps_its_whole_records() -> None:
    whole = json.dumps({"records": [{"a": "1"}, {"a": "{2}"}, {"a": "3"}]})
    assert records_of(whole) == [{"a": "1"}, {"a": "{2}"}, {"a": "3"}]
    assert records_of(whole[:-8]) == [{"a": "1"}, {"a": "{2}"}]
    assert records_of("no JSON") == []


def test_records_of_two_pages_that_fill_each_other_are_one() -> None:
    fields = parse_fields("supplier, total")
    source = PageText(PAGES)
    first = verify_records({"supplier": "ACME Supplies Ltd.", "total": None}, fields, source, french=False)
    second = verify_records({"supplier": None, "total": "1,200.88"}, fields, source, french=False)
    assert [{name: one.value for name, one in record.items()} for record in merged_records([first, second, first])] == [
        {"supplier": "ACME Supplies Ltd.", "total": "1,200.88"}
    ]


def test_records_that_contradict_each_other_stay_apart() -> None:
    rows = [
        {"a": ExtractedValue("x", 1, "x 1"), "b": ExtractedValue("1", 1, "x 1")},
        {"a": ExtractedValue("y", 1, "y 1"), "b": ExtractedValue("1", 1, "y 1")},
    ]
    assert merged_records(rows) == rows


def test_labels_of_a_page_are_no_rows_of_its_table() -> None:
    """A small model goes on after the last row with whatever else stands on an invoice."""
    nothing = ExtractedValue(None)
    row = {
        "product": ExtractedValue("Desk", 1, ""),
        "count": ExtractedValue(2, 1, ""),
        "price": ExtractedValue(80.0, 1, ""),
    }
    label = {"product": ExtractedValue("Customer", 1, ""), "count": nothing, "price": nothing}
    assert merged_records([row, label]) == [row]
    assert (
        merged_records([label, label | {"product": ExtractedValue("Supplier", 1, "")}]) != []
    )  # a list of names alone is one
    doubtful = label | {"count": ExtractedValue(None, claimed="seven")}
    assert merged_records([row, doubtful]) == [row, doubtful]  # marked, for the person to judge


def test_pages_are_grouped_in_order_below_the_limit() -> None:
    pages = [Page(number=number, text="") for number in range(1, 5)]
    groups = pages_that_fit(pages, [50, 60, 200, 10], 120)
    assert [[page.number for page in group] for group in groups] == [[1, 2], [3], [4]]


@given(st.text())
def test_every_folded_character_knows_where_it_comes_from(text: str) -> None:
    kept, places = letters_with_offsets(text)
    assert len(kept) == len(places)
    assert places == sorted(places)
    assert all(letters_only(text[place]).find(character) >= 0 for character, place in zip(kept, places, strict=True))


@given(st.text(st.characters(categories=("L", "N")), min_size=4), st.text(max_size=20), st.text(max_size=20))
def test_what_stands_in_the_text_is_found(words: str, before: str, after: str) -> None:
    page = Page(number=1, text=f"{before} \n {words} \n {after}")
    assert PageText([page]).find(words) is not None or not letters_only(words)
