"""How extracted records are shown in the thread and handed over as files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handlers.extraction.schema import Field
from handlers.extraction.values import value_text
from handlers.extraction.verify import ExtractedValue, Record
from handlers.output.tables import markdown_table, write_csv
from handlers.pieces import Attachment, Piece, Source, Sources, Text
from handlers.text.messages import say
from indexing.document import IMAGE, Document, Passage
from indexing.library import Page

SHOWN_RECORDS = 30
SHOWN_SOURCES = 10


@dataclass(frozen=True)
class Material:
    """What is to be read."""

    name: str
    pages: tuple[Page, ...]
    document: Document | None = None  # None for messages

    def place(self, page: int) -> str:
        """Return what people call a page."""
        return self.document.place(page) if self.document else f"p. {page}"

    def is_from_picture(self, found: ExtractedValue) -> bool:
        """Tell whether OCR read a value: from a scanned page, or from a picture on a page."""
        return bool(self.document and found.page in self.document.scans) or found.words.startswith(IMAGE)


def report_pieces(
    material: Material, fields: Sequence[Field], records: Sequence[Record], read: Sequence[int], language: str
) -> Iterator[Piece]:
    """Show the records as a table with their sources, and hand them over as JSON and CSV."""
    if not records:
        yield Text(say("extract.found_nothing", language, name=material.name))
        return
    sources = sources_of(material, records) if material.document else []
    numbers = {(source.passage.page, source.quote): source.number for source in sources}
    shown = (
        one_record(records[0], fields, numbers, material, language)
        if len(records) == 1
        else rows(records, fields, material, language)
    )
    yield Text("\n\n".join(part for part in (heading(material, records, language), shown,
                                             *remarks(material, records, read, language)) if part))  # fmt: skip
    stem = f"extract-{Path(material.name).stem}".replace(" ", "-")
    yield Attachment(f"{stem}.json", as_json(material, records))
    yield Attachment(f"{stem}.csv", as_csv(fields, records))
    if sources:
        yield Sources(tuple(sources))


def heading(material: Material, records: Sequence[Record], language: str) -> str:
    """Say where the values come from and how many records there are."""
    return say("extract.heading" if len(records) == 1 else "extract.heading_several", language,
               name=material.name, count=len(records))  # fmt: skip


def one_record(
    record: Record, fields: Sequence[Field], numbers: dict[tuple[int, str], int], material: Material, language: str
) -> str:
    """Return a table with one row a field."""
    columns = [say(f"extract.{name}", language) for name in ("field", "value", "words")]
    lines = []
    for field in fields:
        found = record[field.name]
        number = numbers.get((found.page, found.words))
        place = material.place(found.page) if found.page else ""
        words = f"{place} [{number}]" if number else f"{place} {found.words}".strip()
        lines.append([field.name, shown_value(found, language), words])
    return markdown_table(columns, lines)


def rows(records: Sequence[Record], fields: Sequence[Field], material: Material, language: str) -> str:
    """Return a table with one row a record."""
    columns = [*(field.name for field in fields), say("extract.page", language)]
    lines = []
    for record in records[:SHOWN_RECORDS]:
        pages = sorted({value.page for value in record.values() if value.page})
        values = [shown_value(record[field.name], language) for field in fields]
        lines.append([*values, ", ".join(map(material.place, pages))])
    return markdown_table(columns, lines)


def shown_value(value: ExtractedValue, language: str) -> str:
    """Return a value for the table; what the source does not have is marked."""
    if not value.claimed:
        return f"{'⚠ ' * value.ambiguous}{value_text(value.value, language)}"
    if value.value is not None:
        return f"⚠ {value_text(value.value, language)}"
    return f"⚠ {say('extract.unverified', language, claimed=value.claimed[:80])}"


def remarks(material: Material, records: Sequence[Record], read: Sequence[int], language: str) -> list[str]:
    """Return the sentences below the table: marks explained, pages and rows that were left out."""
    sentences = []
    if any(value.claimed for record in records for value in record.values()):
        sentences.append(say("extract.mark", language))
    if any(value.ambiguous for record in records for value in record.values()):
        sentences.append(say("extract.ambiguous", language))
    if any(value.page and material.is_from_picture(value) for record in records for value in record.values()):
        sentences.append(say("extract.scan", language))
    missing = {page.number for page in material.pages if page.text.strip()} - set(read)
    if missing:
        sentences.append(say("extract.pages_read", language, read=ranges(read), total=len(material.pages)))
    if len(records) > SHOWN_RECORDS:
        sentences.append(say("extract.more_rows", language, shown=SHOWN_RECORDS, total=len(records)))
    return sentences


def ranges(numbers: Sequence[int]) -> str:
    """Write page numbers as people do: 1-3, 7."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def sources_of(material: Material, records: Sequence[Record]) -> list[Source]:
    """Return one source for each line of the document that values come from."""
    assert material.document
    lines = dict.fromkeys((f.page, f.words) for record in records for f in record.values() if f.page)
    permalink = material.document.shares[0].permalink if material.document.shares else ""
    empty = Passage(id="", document_id=material.document.id, document=material.document.name, text="", page=0,
                    last_page=0, heading="", permalink=permalink, score=0.0, relevance=1.0)  # fmt: skip
    return [
        Source(
            number,
            replace(
                empty,
                id=f"{empty.document_id}:{page}",
                text=words,
                page=page,
                last_page=page,
                label=material.document.label(page),
            ),
            words,
        )
        for number, (page, words) in enumerate(list(lines)[:SHOWN_SOURCES], start=1)
    ]


def as_json(material: Material, records: Sequence[Record]) -> bytes:
    """Return the records as JSON, each value with its page and words."""
    entries = [{name: json_value(value) for name, value in record.items()} for record in records]
    whole: dict[str, Any] = {"source": material.name, "records": entries}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def json_value(value: ExtractedValue) -> dict[str, Any]:
    """Return a value with where it stands; that it may be read in two ways is said only where it may."""
    entries = value.__dict__ | {"page": value.page or None}
    return entries if value.ambiguous else {name: entry for name, entry in entries.items() if name != "ambiguous"}


def as_csv(fields: Sequence[Field], records: Sequence[Record]) -> bytes:
    """Return the records as CSV: each field with its page and its mark."""
    columns = [name for field in fields for name in (field.name, f"{field.name} (page)", f"{field.name} (unverified)")]
    lines = [[cell for field in fields for cell in cells(record[field.name])] for record in records]
    return write_csv(columns, lines)


def cells(value: ExtractedValue) -> list[object]:
    """Return a value, its page, and what was claimed without support."""
    return [value.value, value.page or None, value.claimed or None]
