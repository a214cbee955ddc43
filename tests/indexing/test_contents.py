"""What is known of documents without a search by meaning: outline, exact words, names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexing.audience import Audience
from indexing.contents import Phrase, outline_of_chunks, sections_of
from indexing.document import Share
from indexing.library import Library
from indexing.migrations import index_records
from indexing.stored import OUTLINE_PAGE, part_id
from tests.indexing.test_library import C2
from tests.pdfs import make_pdf

C1 = Audience(frozenset({"C1"}))
MakeShare = Callable[..., Share]
TEXTS = ["1. Hours\nThe office opens at 7:30.", "2. Leave\nEverybody gets 27 days.\n2.1 Sickness\nCall before ten.",
         "It goes on here.", "3. Travel\nBook early."]  # fmt: skip


def titles(sections: list) -> list[tuple[str, int, int]]:  # type: ignore[type-arg]
    return [(section.title, section.page, section.last_page) for section in sections]


async def test_an_outline_has_every_section_however_short(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    receipt = await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    sections = await library.outline(receipt.document.id, readable_by=C1)
    assert titles(sections) == [("1. Hours", 1, 1), ("2. Leave", 2, 2), ("2.1 Sickness", 2, 3), ("3. Travel", 4, 4)]
    assert [section.level for section in sections] == [0, 0, 1, 0]
    assert await library.outline(receipt.document.id, readable_by=C2) == []


async def test_a_document_of_an_older_version_has_the_outline_of_its_passages(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    receipt = await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    record = await library._records.get(receipt.document.id)
    assert record
    await library._index.remove([part_id(record.document_id, record.ingest, "page", OUTLINE_PAGE)])
    sections = await library.outline(receipt.document.id, readable_by=C1)
    assert [section.title for section in sections][:2] == ["1. Hours", "2. Leave"]


async def test_the_outline_goes_with_the_document(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    receipt = await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    record = await library._records.get(receipt.document.id)
    assert record
    await library.unshare(channel="C1")
    assert not await library._index.fetch([part_id(record.document_id, record.ingest, "page", OUTLINE_PAGE)])


async def test_pages_are_read_without_the_outline(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    receipt = await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    assert [page.number for page in await library.pages(receipt.document.id, readable_by=C1)] == [1, 2, 3, 4]


async def test_passages_with_the_very_words_are_found_where_they_may_be_read(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    (passage,), is_all = await library.mentions("book early", readable_by=C1, limit=50)
    assert (passage.page, passage.document, is_all) == (4, "handbook.pdf", True)
    assert await library.mentions("early book", readable_by=C1, limit=50) == ([], True)
    assert await library.mentions("book early", readable_by=C2, limit=50) == ([], True)
    assert await library.mentions("the of and", readable_by=C1, limit=50) == ([], True)


async def test_that_not_all_passages_were_looked_at_is_told(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    await library.add(make_pdf(tmp_path / "a.pdf", ["The deposit is due."] * 4), shared())
    passages, is_all = await library.mentions("deposit", readable_by=C1, limit=2)
    assert (len(passages), is_all) == (2, False)


async def test_a_document_is_looked_up_by_a_word_of_its_names(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared("Règlement_2026.pdf"))
    (document,) = await library.documents_called("reglement", readable_by=C1, limit=5)
    assert document.name == "Règlement_2026.pdf"
    assert await library.documents_called("2026", readable_by=C1, limit=5) == [document]
    assert await library.documents_called("reglement", readable_by=C2, limit=5) == []


async def test_a_record_that_an_older_version_wrote_gets_the_words_of_its_name(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    receipt = await library.add(make_pdf(tmp_path / "a.pdf", TEXTS), shared())
    (payload,) = await library._index.find({"kind": "document"})
    del payload["name_words"]
    record = await library._records.get(receipt.document.id)
    assert record
    await library._index.replace_if(record.point().id, payload, "revision", record.revision)
    assert await library.documents_called("handbook", readable_by=C1, limit=5) == []
    await index_records(library._index)
    assert await library.documents_called("handbook", readable_by=C1, limit=5)


@pytest.mark.parametrize(
    ("words", "text", "stands"),
    [
        ("deposit", "A DEPOSIT is due", True), ("deposit", "two deposits", True), ("deposit", "depositary", False),
        ("congé payé", "des CONGES\nPAYES", False), ("congés payés", "des CONGÉS\nPAYÉS.", True),
        ("E-4311", "error E4311", False), ("E-4311", "error E-4311:", True), ("", "anything", False),
        ("a(b", "a(b", True),
    ],
)  # fmt: skip
def test_words_stand_in_a_text_one_after_the_other(words: str, text: str, stands: bool) -> None:
    assert Phrase(words).stands_in(text) is stands


def test_a_table_of_contents_is_no_section_and_a_running_head_none_either() -> None:
    contents = [(1, "1 Setup 2", 1), (1, "2 Use 3", 1), (1, "3 Care 4", 1)]
    real = [(1, "1 Setup", 2), (1, "1 Setup", 3), (1, "2 Use", 3), (2, "2.1 Daily", 3), (1, "3 Care", 4)]
    sections = sections_of((*contents, *real), 5)
    assert titles(sections) == [("1 Setup", 2, 2), ("2 Use", 3, 3), ("2.1 Daily", 3, 3), ("3 Care", 4, 5)]


def test_a_title_may_come_again_in_another_chapter() -> None:
    entries = ((0, "A", 1), (1, "Summary", 2), (0, "B", 3), (1, "Summary", 4))
    assert [section.title for section in sections_of(entries, 4)] == ["A", "Summary", "B", "Summary"]


def test_titles_above_chunks_make_an_outline() -> None:
    chunks = [
        {"position": 1, "heading": "A > A1", "page": 2}, {"position": 0, "heading": "A", "page": 1},
        {"position": 2, "heading": "A > A1", "page": 3}, {"position": 3, "heading": "B", "page": 3},
    ]  # fmt: skip
    assert outline_of_chunks(chunks) == ((0, "A", 1), (1, "A1", 2), (0, "B", 3))


def test_a_document_without_titles_has_no_sections() -> None:
    assert sections_of((), 3) == []
