"""Field lists as people write them."""

import contextlib
import time

import pytest

from handlers.extraction.schema import BadFields, Field, parse_fields, schema_of, split_source


def test_the_list_of_the_help_is_understood() -> None:
    fields, name = split_source("supplier, invoice number, date:date, total:number from invoice.pdf")
    assert name == "invoice.pdf"
    assert parse_fields(fields) == (
        Field("supplier"), Field("invoice number"), Field("date", "date"), Field("total", "number"),
    )  # fmt: skip


def test_french_is_understood() -> None:
    fields, name = split_source("fournisseur, numéro de facture, échéance:date, total:montant depuis facture mars.pdf")
    assert name == "facture mars.pdf"
    assert [(field.name, field.kind) for field in parse_fields(fields)] == [
        ("fournisseur", "text"), ("numéro de facture", "text"), ("échéance", "date"), ("total", "number"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["from, to, subject", "from", "days from order, price in euros"])
def test_from_may_be_a_field(text: str) -> None:
    """Only what stands last and looks like a name is a document."""
    assert split_source(text) == (text, "")


@pytest.mark.parametrize(
    "text", ["who, when:date from this thread", "who, when:date in the document", "who, when:date de ce fil"]
)
def test_this_thread_is_not_a_field(text: str) -> None:
    fields, name = split_source(text)
    assert [field.name for field in parse_fields(fields)] == ["who", "when"]
    assert not name


@pytest.mark.parametrize(
    "text",
    [
        "a from" + " " * 5000 + ":",
        "a from" + " " * 140 + ":",
        "a from the" + " " * 5000 + "x.pdf" + " " * 5000 + ":",
        "a" + " " * 5000 + "from this" + " " * 5000 + "thread" + " " * 5000 + ":",
        "a" + "\n" * 5000 + "b" + "\t " * 5000 + "(date",
        "from a " * 5000 + ":",
    ],
)
def test_blanks_cost_no_time(text: str) -> None:
    """The event loop, and with it everybody, waits for this."""
    began = time.monotonic()
    fields, _ = split_source(text)
    with contextlib.suppress(BadFields):
        parse_fields(fields)
    with contextlib.suppress(BadFields):
        parse_fields(text)
    assert time.monotonic() - began < 0.5


def test_lines_separate_fields() -> None:
    fields, name = split_source("supplier \n\n  invoice   number\n\tdate:date from   invoice.pdf ")
    assert [field.name for field in parse_fields(fields)] == ["supplier", "invoice number", "date"]
    assert name == "invoice.pdf"


def test_a_field_may_begin_like_a_preposition() -> None:
    assert split_source("description from invoice.pdf") == ("description", "invoice.pdf")


def test_choices_and_brackets() -> None:
    assert parse_fields("status:paid|open, amount (number)") == (
        Field("status", "choice", ("paid", "open")), Field("amount", "number"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" , ;", "empty"),
        ("date, Date", "twice"),
        ("prénom, Prenom", "twice"),
        ("total:banana", "unknown_kind"),
        ("42", "no_name"),
        ("can you please tell me what this document says?", "sentence"),
        (", ".join(f"field {number}a" for number in range(21)), "too_many"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadFields) as refused:
        parse_fields(text)
    assert refused.value.reason == reason


def test_the_schema_lets_nothing_else_through() -> None:
    schema = schema_of(parse_fields("name, status:paid|open"))
    record = schema["properties"]["records"]["items"]
    assert record["required"] == ["name", "status"]
    assert record["additionalProperties"] is False
    assert record["properties"]["status"] == {"enum": ["paid", "open", None]}


@pytest.mark.parametrize(
    ("wish", "names"),
    [("supplier and total due", ["supplier", "total due"]), ("a, b and c:date", ["a", "b", "c"]),
     ("fournisseur et total", ["fournisseur", "total"]), ("nom et prénom, date", ["nom et prénom", "date"]),
     ("terms and conditions", ["terms and conditions"]), ("brand, land", ["brand", "land"])],
)  # fmt: skip
def test_the_last_two_fields_may_be_joined_by_and(wish: str, names: list[str]) -> None:
    assert [field.name for field in parse_fields(wish)] == names
