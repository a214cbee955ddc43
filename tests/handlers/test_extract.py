"""What a person sees who asks for fields; the model's words are given, all that follows is real."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field

from handlers.extract import extract, groups_of_pages
from handlers.extraction.report import ranges
from handlers.pieces import Attachment, Sources, Text, UserError
from handlers.request import ThreadMessage, unheard
from indexing.document import Document, Passage, Share
from indexing.library import Page
from tests.handlers.fakes import OneThread, pieces_of, request

SHARE = Share(channel="C", file_id="F1", user="U1", ts="1.0", permalink="https://x/F1", name="invoice.pdf")
INVOICE = Document(id="d1", name="invoice.pdf", pages=2, pages_with_text=2, chunks=2, language="en", added_at=0.0,
                   shares=(SHARE,))  # fmt: skip
PAGES = [
    Page(number=1, text="ACME Supplies Ltd.\nInvoice no. INV-42\nDate: 14 March 2026"),
    Page(number=2, text="Total due EUR 1,200.88"),
]
RECORD = {"supplier": "ACME Supplies Ltd.", "date": "14 March 2026", "total": "1,200.88", "phone": None}
WISH = "supplier, date:date, total:number, phone"


class Dictated(BaseChatModel):
    """Says what the test dictates, chunk by chunk, and keeps what it was asked."""

    answers: list[str]
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    options: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "dictated"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:  # fmt: skip
        raise NotImplementedError

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:  # fmt: skip
        self.asked.append(messages)
        self.options.append(kwargs)
        waiting = {"queue_position": 2, "expected_wait_seconds": 7.4}
        yield ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata=waiting))
        answer = self.answers[len(self.asked) - 1]
        for start in range(0, len(answer), 20):
            yield ChatGenerationChunk(message=AIMessageChunk(content=answer[start : start + 20]))


class Shelf:
    """A library with one document."""

    def __init__(self, pages: list[Page]) -> None:
        self.shelved = pages
        self.searched: list[list[str]] = []

    async def documents(self, readable_by: Any) -> list[Document]:
        return [INVOICE]

    async def documents_of_message(self, channel: str, ts: str, *, readable_by: Any) -> list[Document]:
        return [
            document for document in await self.documents(readable_by)
            if any((share.channel, share.ts) == (channel, ts) for share in document.shares)
        ]  # fmt: skip

    async def pages(self, document_id: str, *, readable_by: Any) -> list[Page]:
        return self.shelved

    async def search(self, questions: list[str], **_: Any) -> list[Passage]:
        self.searched.append(questions)
        return [Passage(id="c", document_id="d1", document="invoice.pdf", text="", page=40, last_page=41, heading="",
                        permalink="", score=1.0, relevance=1.0)]  # fmt: skip


def services(*records: dict[str, Any], pages: list[Page] = PAGES, said: tuple[ThreadMessage, ...] = ()) -> Any:
    answers = [json.dumps({"records": list(records)})] * 6
    return SimpleNamespace(
        model=Dictated(answers=answers), library=Shelf(pages), messages=OneThread(said), files=None,
        count_tokens=lambda text: len(text.split()), context_tokens=4000, report=unheard,
    )  # fmt: skip


def attachments(pieces: list[Any]) -> Iterator[Attachment]:
    return (piece for piece in pieces if isinstance(piece, Attachment))


async def test_each_value_comes_with_its_page_and_its_words() -> None:
    used = services(RECORD)
    pieces = await pieces_of(extract(request("extract", f"{WISH} from invoice.pdf"), used))
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "| supplier | ACME Supplies Ltd. | p. 1 [1] |" in text
    assert "| total | 1,200.88 | p. 2 [3] |" in text
    assert "| phone | — |" in text
    assert "⚠" not in text
    sources = next(piece.sources for piece in pieces if isinstance(piece, Sources))
    assert [(source.passage.page, source.quote) for source in sources] == [
        (1, "ACME Supplies Ltd."), (1, "Date: 14 March 2026"), (2, "Total due EUR 1,200.88"),
    ]  # fmt: skip
    assert sources[0].passage.permalink == SHARE.permalink


async def test_the_files_hold_typed_values() -> None:
    pieces = await pieces_of(extract(request("extract", f"{WISH} from invoice.pdf"), services(RECORD)))
    as_json, as_csv = attachments(pieces)
    (record,) = json.loads(as_json.data)["records"]
    assert record["total"] == {"value": 1200.88, "page": 2, "words": "Total due EUR 1,200.88", "claimed": ""}
    assert record["date"]["value"] == "2026-03-14"
    assert record["phone"]["value"] is None
    (row,) = csv.DictReader(io.StringIO(as_csv.data.decode("utf-8-sig")))
    assert (row["supplier"], row["total"], row["total (page)"], row["phone"]) == (
        "ACME Supplies Ltd.",
        "1200.88",
        "2",
        "",
    )


async def test_what_does_not_occur_is_marked_and_no_value() -> None:
    pieces = await pieces_of(
        extract(request("extract", f"{WISH} from invoice.pdf"), services(RECORD | {"phone": "555-0199"}))
    )
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "⚠ nothing (the model said “555-0199”)" in text
    assert json.loads(next(attachments(pieces)).data)["records"][0]["phone"]["value"] is None


async def test_what_was_read_from_a_scan_or_a_picture_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.INVOICE", replace(INVOICE, scans=(2,)))
    text = (await text_of(services(RECORD))).split("\n")
    assert any("| total | 1,200.88 | p. 2 (scan) [3] |" in line for line in text)
    assert any("| supplier | ACME Supplies Ltd. | p. 1 [1] |" in line for line in text)
    assert "compare the figures" in text[-1]
    monkeypatch.setattr(f"{__name__}.INVOICE", replace(INVOICE, scans=()))
    assert "compare the figures" not in await text_of(services(RECORD))
    pictured = [PAGES[0], Page(number=2, text="[image] Total due EUR 1,200.88")]
    assert "compare the figures" in await text_of(services(RECORD, pages=pictured))


async def text_of(used: Any) -> str:
    pieces = await pieces_of(extract(request("extract", f"{WISH} from invoice.pdf"), used))
    return next(piece.markdown for piece in pieces if isinstance(piece, Text))


async def test_several_records_are_rows() -> None:
    pages = [Page(number=1, text="Lamp 3 12.50\nChair 2 80.00\nRug 1 45.00")]
    rows = [
        {"article": "Lamp", "price": "12.50"},
        {"article": "Chair", "price": "80.00"},
        {"article": "Rug", "price": "45.00"},
    ]
    pieces = await pieces_of(
        extract(request("extract", "article, price:number from invoice.pdf"), services(*rows, pages=pages))
    )
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "3 records" in text
    assert "| Chair | 80 | p. 1 |" in text


async def test_a_table_over_many_pages_keeps_its_head_and_its_equal_rows() -> None:
    """Its later pages go into other prompts, where no head tells the columns; two equal lines are two orders."""
    lines = [f"Article {number % 50} | {number % 50 + 1}.50" for number in range(400)]
    pages = [
        Page(number=page + 1, text="\n".join([*["article | price"] * (page == 0), *lines[40 * page : 40 * page + 40]]))
        for page in range(10)
    ]
    used = services(pages=pages)
    used.context_tokens = 500
    pieces = await pieces_of(extract(request("extract", "article, price:number from invoice.pdf"), used))
    as_json, _ = attachments(pieces)
    records = json.loads(as_json.data)["records"]
    assert [record["article"]["value"] for record in records] == [f"Article {number % 50}" for number in range(400)]
    assert not used.model.asked


async def test_the_schema_goes_with_the_question() -> None:
    used = services(RECORD)
    await pieces_of(extract(request("extract", f"{WISH} from invoice.pdf"), used))
    schema = used.model.options[0]["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]["records"]["items"]["properties"]) == ["supplier", "date", "total", "phone"]
    assert "[page 2]" in used.model.asked[0][-1].content


async def test_the_line_is_progress() -> None:
    used, reports = services(RECORD), []
    used.report = reports.append
    await pieces_of(extract(request("extract", f"{WISH} from invoice.pdf"), used))
    assert any("place 2, about 7 s" in report.text for report in reports)


async def test_a_thread_is_read_message_by_message() -> None:
    said = (
        ThreadMessage("U1", "Lunch with Nora on 3 June 2026", "1.0"),
        ThreadMessage("", "Noted.", "2.0"),
        ThreadMessage("U1", "extract …", "9.0"),
    )
    used = services({"who": "Nora", "when": "3 June 2026"}, said=said)
    used.library.documents = _nothing
    pieces = await pieces_of(extract(request("extract", "who, when:date", thread="1.0"), used))
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "| when | 2026-06-03 | p. 1 Lunch with Nora on 3 June 2026 |" in text
    assert "Noted" not in used.model.asked[0][-1].content


async def _nothing(readable_by: Any) -> list[Document]:
    return []


async def test_a_document_of_the_thread_is_meant_without_its_name() -> None:
    pieces = await pieces_of(extract(request("extract", WISH, thread="1.0"), services(RECORD)))
    assert "From invoice.pdf" in next(piece.markdown for piece in pieces if isinstance(piece, Text))


async def test_of_a_long_document_the_pages_that_matter_are_read_and_told() -> None:
    pages = [Page(number=number, text="word " * 1900) for number in range(1, 100)]
    used = services({"supplier": None}, pages=pages)
    pieces = await pieces_of(extract(request("extract", "supplier from invoice.pdf"), used))
    assert used.library.searched == [["supplier", "supplier"]]
    assert len(used.model.asked) == 3
    assert "[page 40]" in used.model.asked[1][-1].content
    assert "None of these fields" in next(piece.markdown for piece in pieces if isinstance(piece, Text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Tell me which fields"),
        ("a:banana from invoice.pdf", "banana"),
        ("supplier from other.pdf", "no document named `other.pdf`"),
        ("total:number from invoise", "no document named `invoise`"),
        ("supplier", "What shall I read"),
    ],
)
async def test_what_makes_no_sense_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        await pieces_of(extract(request("extract", text), services(RECORD)))


async def test_in_french_too() -> None:
    pages = [Page(number=1, text="Facture\nMontant total : 1 234,50 €\nLe 2 février 2026")]
    asked = request("extract", "montant:nombre, date:date depuis invoice.pdf", language="fr")
    pieces = await pieces_of(extract(asked, services({"montant": "1 234,50", "date": "2 février 2026"}, pages=pages)))
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "| montant | 1\u202f234,50 |" in text
    assert "| date | 2026-02-02 |" in text


async def test_a_shortcut_reads_the_message_it_was_used_on() -> None:
    """Its text is the message, not a list of fields; nobody has to be in the channel for it."""
    used = services({"what": "Lunch", "who": "Nora", "date": "3 June 2026", "amount": None})
    used.library.documents = _nothing
    used.messages = None
    pieces = await pieces_of(extract(request("extract", "Lunch with Nora on 3 June 2026?", message_ts="5.0"), used))
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "this message" in text
    assert "| date | 2026-06-03 |" in text


async def test_a_name_needs_no_extension() -> None:
    pieces = await pieces_of(extract(request("extract", f"{WISH} from invoice"), services(RECORD)))
    assert "From invoice.pdf" in next(piece.markdown for piece in pieces if isinstance(piece, Text))


async def test_from_may_be_a_word_of_a_field() -> None:
    """Where no document is called so, the words belong to the field."""
    used = services({"supplier": "ACME Supplies Ltd.", "days from order": None})
    pieces = await pieces_of(extract(request("extract", "`supplier, days from order`", thread="1.0"), used))
    text = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "From invoice.pdf" in text
    assert "| days from order | — |" in text


def test_a_long_page_is_cut_at_its_lines() -> None:
    page = Page(number=3, text="\n".join(f"line {number} of the page" for number in range(100)))
    parts = groups_of_pages(page, 100, services())
    assert "".join(part.text for part in parts) == page.text
    assert {part.number for part in parts} == {3}
    assert all(part.text.startswith(("line", "\n")) for part in parts)


def test_pages_are_written_as_people_do() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
