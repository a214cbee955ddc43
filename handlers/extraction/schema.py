"""The fields a person wants, as they wrote them, and the JSON schema that the model's answer must fit."""

import re
from dataclasses import dataclass
from typing import Any

from handlers.text.normalize import letters_only

MOST_FIELDS = 20
NAME_CHARACTERS = 48
NAME_WORDS = 6  # a longer one is a sentence
MOST_RECORDS = 60

KINDS = {
    "text": ("text", "string", "str", "texte", "chaine", "mot", "nom"),
    "number": ("number", "float", "decimal", "amount", "money", "price", "nombre", "montant", "prix", "decimale"),
    "integer": ("integer", "int", "count", "whole", "entier", "quantite"),
    "date": ("date", "day", "jour"),
    "boolean": ("boolean", "bool", "yesno", "yes/no", "booleen", "oui/non", "ouinon"),
}
PAIRS = {  # one field, though there is an "and" in it
    letters_only(name)
    for name in (
        "nom et prénom", "prénom et nom", "nom et adresse", "date et heure", "lieu et date", "date et lieu",
        "eau et électricité", "frais et honoraires", "terms and conditions", "name and address", "date and time",
        "time and date", "place and date", "date and place", "first and last name", "room and board",
        "research and development", "recherche et développement", "postage and packing", "shipping and handling",
    )
}  # fmt: skip
PATTERNS = {
    "number": r"^[-(]?[0-9]([0-9.,' ]*[0-9])?[)]?$",
    "integer": r"^-?[0-9]([0-9.,' ]*[0-9])?$",
    "date": r"^[A-Za-zÀ-ÿ .,/-]*[0-9]+[A-Za-zÀ-ÿ0-9 .,/-]*$",
}
BLANKS = re.compile(r"\s+")
LONGEST_SOURCE = 400  # characters at the end of a text: a longer file name can't be
EXTENSIONS = (
    ".pdf",
    ".docx",
    ".docm",
    ".txt",
    ".md",
    ".markdown",
    ".pptx",
    ".xlsx",
    ".ods",
    ".odt",
    ".rtf",
    ".csv",
    ".eml",
    ".msg",
    ".html",
    ".epub",
    ".png",
    ".jpg",
    ".jpeg",
    ".tiff",
    ".heic",
)
SOURCE = re.compile(
    r"(?:^|\s)(?:(?:from|out of|in|depuis|dans|de)\s+|d')"
    r"(?:the |this |le |la |ce |cette |l')?(?:document |file |fichier )?"
    rf"[\"«“]?\s*(?P<name>[^,\n\"»”]*(?:{'|'.join(map(re.escape, EXTENSIONS))}))\s*[\"»”]?\s*$",
    re.IGNORECASE,
)
# Without an extension only the words that hardly stand inside a field's name: `total:number from invoice`.
TITLE = re.compile(
    r"\s(?:from|out of|depuis)\s+(?:the |this |le |la |ce |cette |l')?(?:document |file |fichier )?"
    r"[\"«“]?\s*(?P<name>[^,:\n\"»”]+?)\s*[\"»”]?\s*$",
    re.IGNORECASE,
)
HERE = re.compile(
    r"\s+(?:from|of|in|depuis|dans|de)\s+(?:this|the|these|ce|cette|ces|le|la)\s+"
    r"(?:thread|message|messages|document|file|fil|discussion|conversation|fichier|page)\s*[.!]?$",
    re.IGNORECASE,
)


class BadFields(ValueError):
    """The list makes no sense; `reason` is a key of texts/extract.toml."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


@dataclass(frozen=True)
class Field:
    """One thing to look for."""

    name: str
    kind: str = "text"  # a key of KINDS, or "choice"
    choices: tuple[str, ...] = ()


def split_source(text: str) -> tuple[str, str]:
    """Return the list of fields and the name of the document: `a, b from invoice.pdf`; "" where none is named.

    A name without an extension may be none after all: `supplier, days from order`.
    """
    text = tidied(text)
    end = max(0, len(text) - LONGEST_SOURCE)
    here = HERE.search(text, end)
    if here:
        return text[: here.start()].strip(), ""
    named = SOURCE.search(text, end) or TITLE.search(text, end)
    return (text[: named.start()].strip(" ,:"), named["name"].strip()) if named else (text, "")


def tidied(text: str) -> str:
    """Return a text without back quotes around it, each run of blanks as one: on long runs the patterns take hours."""
    return BLANKS.sub(lambda run: "\n" if "\n" in run[0] else " ", text).strip(" \n`")


def parse_fields(text: str) -> tuple[Field, ...]:
    """Read `supplier, date:date, total:number, status:paid|open`; raise BadFields."""
    parts = [part.strip() for part in re.split(r"[,;\n]", tidied(text)) if part.strip()]
    parts = [*parts[:-1], *split_last(parts[-1])] if parts else []
    if not parts:
        raise BadFields("empty")
    if len(parts) > MOST_FIELDS:
        raise BadFields("too_many", count=len(parts), limit=MOST_FIELDS)
    fields = tuple(parse_field(part) for part in parts)
    seen: set[str] = set()
    for field in fields:
        if letters_only(field.name) in seen:
            raise BadFields("twice", name=field.name)
        seen.add(letters_only(field.name))
    return fields


def split_last(text: str) -> list[str]:
    """Cut the end of a list at its "and": `supplier and total`; what is one field with that word in it stays one."""
    if letters_only(text.partition(":")[0]) in PAIRS:
        return [text]
    return [part.strip() for part in re.split(r"\s+(?:and|et|&)\s+", text) if part.strip()]


def parse_field(text: str) -> Field:
    """Read one `name`, `name:kind`, `name (kind)` or `name:one|other`; raise BadFields."""
    bracketed = re.fullmatch(r"(.+?)\s*\(\s*([^()]+?)\s*\)", text)
    name, _, kind = (bracketed[1], "", bracketed[2]) if bracketed else text.partition(":")
    name, kind = " ".join(name.split()), kind.strip()
    if not re.search(r"[^\W\d_]", name):
        raise BadFields("no_name", name=text[:NAME_CHARACTERS])
    if len(name) > NAME_CHARACTERS or len(name.split()) > NAME_WORDS or re.search(r"[?!]", name):
        raise BadFields("sentence", name=name[:NAME_CHARACTERS])
    if "|" in kind:
        choices = tuple(choice.strip() for choice in kind.split("|") if choice.strip())
        return Field(name, "choice", choices)
    return Field(name, field_type(kind, name) if kind else "text")


def field_type(kind: str, name: str) -> str:
    """Return the kind that a word names; raise BadFields."""
    for known, names in KINDS.items():
        if letters_only(kind) in {letters_only(other) for other in names}:
            return known
    raise BadFields("unknown_kind", kind=kind[:NAME_CHARACTERS], name=name)


def schema_of(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the JSON schema of the answer: records whose values are copied from the text, or null.

    Every value is a string here: the model copies what is written, and our code reads dates and numbers.
    """
    properties = {field.name: schema_of_value(field) for field in fields}
    record = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"records": {"type": "array", "items": record, "maxItems": MOST_RECORDS}},
        "required": ["records"],
        "additionalProperties": False,
    }


def schema_of_value(field: Field) -> dict[str, Any]:
    """Return the schema of one value: what is asked for decides which characters may come."""
    if field.kind == "choice":
        return {"enum": [*field.choices, None]}
    copied: dict[str, Any] = {"type": "string", "minLength": 1}
    if field.kind in PATTERNS:
        copied = {"type": "string", "pattern": PATTERNS[field.kind]}
    return {"anyOf": [copied, {"type": "null"}]}
