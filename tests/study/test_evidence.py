"""What the model read is checked against the source."""

import json

from hypothesis import given
from hypothesis import strategies as st

from handlers.evidence import Found, Source, check, merged, pages_that_fit, records_of
from handlers.fields import parse_fields
from handlers.folding import folded, folded_with_places
from indexing.library import Page

PAGES = [
    Page(number=1, text="ACME Supplies Ltd.\nInvoice no. INV-2026-0042\nDate: 14 March 2026"),
    Page(number=2, text="Total due EUR 1,200.88\nRéglé par chèque\nClients: 12"),
]
FIELDS = parse_fields("supplier, date:date, total:number, phone")


def found(record: dict[str, object]) -> dict[str, Found]:
    return check(record, FIELDS, Source(PAGES), french=False)


def test_a_value_comes_with_its_page_and_its_line() -> None:
    checked = found({"supplier": "acme supplies ltd", "date": "14 March 2026", "total": "1,200.88", "phone": None})
    assert checked["supplier"] == Found("acme supplies ltd", 1, "ACME Supplies Ltd.")
    assert checked["date"] == Found("2026-03-14", 1, "Date: 14 March 2026")
    assert checked["total"] == Found(1200.88, 2, "Total due EUR 1,200.88")
    assert checked["phone"] == Found(None)


def test_an_invented_value_is_null_and_marked() -> None:
    checked = found({"supplier": "Globex", "date": "15 March 2026", "total": "99", "phone": "not found"})
    assert checked["supplier"] == Found(None, claimed="Globex")
    assert checked["date"].value is None
    assert checked["total"].value is None
    assert checked["phone"] == Found(None)


def test_words_that_are_no_number_are_marked() -> None:
    assert found({"total": "Total due EUR"})["total"] == Found(None, 2, "Total due EUR 1,200.88", "Total due EUR")


def test_a_part_of_a_number_is_not_the_number() -> None:
    """ "2" stands in 12 and 2026, but not as a number of its own."""
    source = Source(PAGES)
    assert source.find("2") is None
    assert source.find("200") is None
    assert source.find("12") == (2, "Clients: 12")


def test_accents_and_spaces_do_not_matter() -> None:
    assert Source(PAGES).find("regle par cheque") == (2, "Réglé par chèque")


def test_the_page_of_the_other_values_is_looked_at_first() -> None:
    twice = [Page(number=1, text="Paris"), Page(number=2, text="Paris")]
    assert Source(twice).find("Paris", near=2) == (2, "Paris")


def test_an_answer_that_was_cut_short_keeps_its_whole_records() -> None:
    whole = json.dumps({"records": [{"a": "1"}, {"a": "{2}"}, {"a": "3"}]})
    assert records_of(whole) == [{"a": "1"}, {"a": "{2}"}, {"a": "3"}]
    assert records_of(whole[:-8]) == [{"a": "1"}, {"a": "{2}"}]
    assert records_of("no JSON") == []


def test_records_of_two_pages_that_fill_each_other_are_one() -> None:
    fields = parse_fields("supplier, total")
    source = Source(PAGES)
    first = check({"supplier": "ACME Supplies Ltd.", "total": None}, fields, source, french=False)
    second = check({"supplier": None, "total": "1,200.88"}, fields, source, french=False)
    assert [{name: one.value for name, one in record.items()} for record in merged([first, second, first])] == [
        {"supplier": "ACME Supplies Ltd.", "total": "1,200.88"}
    ]


def test_records_that_contradict_each_other_stay_apart() -> None:
    rows = [
        {"a": Found("x", 1, "x 1"), "b": Found("1", 1, "x 1")},
        {"a": Found("y", 1, "y 1"), "b": Found("1", 1, "y 1")},
    ]
    assert merged(rows) == rows


def test_labels_of_a_page_are_no_rows_of_its_table() -> None:
    """A small model goes on after the last row with whatever else stands on an invoice."""
    nothing = Found(None)
    row = {"product": Found("Desk", 1, ""), "count": Found(2, 1, ""), "price": Found(80.0, 1, "")}
    label = {"product": Found("Customer", 1, ""), "count": nothing, "price": nothing}
    assert merged([row, label]) == [row]
    assert merged([label, label | {"product": Found("Supplier", 1, "")}]) != []  # a list of names alone is one
    doubtful = label | {"count": Found(None, claimed="seven")}
    assert merged([row, doubtful]) == [row, doubtful]  # marked, for the person to judge


def test_pages_are_grouped_in_order_below_the_limit() -> None:
    pages = [Page(number=number, text="") for number in range(1, 5)]
    groups = pages_that_fit(pages, [50, 60, 200, 10], 120)
    assert [[page.number for page in group] for group in groups] == [[1, 2], [3], [4]]


@given(st.text())
def test_every_folded_character_knows_where_it_comes_from(text: str) -> None:
    kept, places = folded_with_places(text)
    assert len(kept) == len(places)
    assert places == sorted(places)
    assert all(folded(text[place]).find(character) >= 0 for character, place in zip(kept, places, strict=True))


@given(st.text(st.characters(categories=("L", "N")), min_size=4), st.text(max_size=20), st.text(max_size=20))
def test_what_stands_in_the_text_is_found(words: str, before: str, after: str) -> None:
    page = Page(number=1, text=f"{before} \n {words} \n {after}")
    assert Source([page]).find(words) is not None or not folded(words)
