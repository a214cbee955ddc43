"""Field lists as people write them."""

import pytest

from handlers.fields import BadFields, Field, parse_fields, schema_of, split_source


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
