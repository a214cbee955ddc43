"""The library: stored once, seen only where it is shared, gone when it is taken back."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from fpdf import FPDF

from indexing.adding import Adding
from indexing.audience import NOBODY, Audience
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.gone import TakenBack
from indexing.library import Library
from indexing.reading.pool import ReadingLimits, UnreadableDocument
from indexing.stored import StoredDocument, id_of
from indexing.vector_store import Point
from tests.indexing.conftest import WordEncoder
from tests.pdfs import make_pdf

C1, C2 = Audience(frozenset({"C1"})), Audience(frozenset({"C2"}))
HANDBOOK = ["Working hours. The office opens at 7:30.", "Paid leave. Everybody gets 27 days of paid leave each year."]
MakeShare = Callable[..., Share]


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """Two pages."""
    return make_pdf(tmp_path / "handbook.pdf", HANDBOOK)


NOW = 5.0  # when somebody says /forget-me, by Slack's clock


async def test_what_was_added_is_found_with_its_page(library: Library, handbook: Path, shared: MakeShare) -> None:
    receipt = await library.add(handbook, shared())
    assert (receipt.document.pages, receipt.document.pages_with_text, receipt.document.language) == (2, 2, "en")
    assert not receipt.known
    passage, *_ = await library.search(["How many days of paid leave?"], readable_by=C1)
    assert (passage.page, passage.document, passage.permalink) == (2, "handbook.pdf", "https://x.slack.com/F1")
    assert "27 days" in passage.text


async def test_progress_is_told(library: Library, handbook: Path, shared: MakeShare) -> None:
    told: list[tuple[str, int, int]] = []
    await library.add(handbook, shared(), report=lambda *said: told.append(said))
    assert ("reading", 2, 2) in told
    assert {stage for stage, *_ in told} == {"reading", "embedding", "storing"}


async def test_pages_that_are_nearly_alike_stay_whole(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    """Lines that differ only in their numbers, years at the head of pages: people wrote them."""
    texts = [
        f"Budget of the year {year}\nRent of office number {year - 2000}: {year} euros" for year in range(2018, 2026)
    ]
    receipt = await library.add(make_pdf(tmp_path / "budgets.pdf", texts), shared())
    pages = await library.pages(receipt.document.id, readable_by=C1)
    assert [page.text for page in pages] == texts


async def test_nobody_else_finds_sees_or_reads_it(library: Library, handbook: Path, shared: MakeShare) -> None:
    receipt = await library.add(handbook, shared())
    for others in (C2, NOBODY):
        assert await library.search(["paid leave"], readable_by=others) == []
        assert await library.documents(others) == []
        assert await library.pages(receipt.document.id, readable_by=others) == []


async def test_the_same_file_shared_twice_is_stored_once(
    library: Library, encoder: WordEncoder, handbook: Path, shared: MakeShare
) -> None:
    first = await library.add(handbook, shared())
    before = await library.statistics()
    embedded = len(encoder.texts)
    second = await library.add(handbook, shared("copy.pdf", channel="C2", file_id="F2"))
    assert second.known
    assert second.document.id == first.document.id
    assert await library.statistics() == before
    assert len(encoder.texts) == embedded
    assert (await library.search(["paid leave"], readable_by=C2))[0].document == "copy.pdf"
    assert [share.channel for share in (await library.documents(C2))[0].shares] == ["C2"]


async def test_it_stays_for_those_who_still_share_it(library: Library, handbook: Path, shared: MakeShare) -> None:
    await library.add(handbook, shared())
    await library.add(handbook, shared(channel="C2", file_id="F2"))
    assert len(await library.unshare(file_id="F1")) == 1
    assert await library.search(["paid leave"], readable_by=C1) == []
    assert await library.search(["paid leave"], readable_by=C2)
    assert len(await library.unshare(channel="C2")) == 1
    assert await library.statistics() == {"documents": 0, "chunks": 0}


async def test_unsharing_nothing_in_particular_removes_nothing(
    library: Library, handbook: Path, shared: MakeShare
) -> None:
    await library.add(handbook, shared())
    assert await library.unshare() == []
    assert await library.unshare(file_id="F1", channel="C9") == []
    assert len(await library.documents(C1)) == 1


async def test_a_new_version_replaces_the_old_in_its_conversation(
    library: Library, tmp_path: Path, handbook: Path, shared: MakeShare
) -> None:
    await library.add(handbook, shared())
    await library.add(handbook, shared(channel="C2", file_id="F2"))
    newer = make_pdf(tmp_path / "newer.pdf", ["Paid leave. Everybody gets 30 days of paid leave."])
    receipt = await library.add(newer, shared(file_id="F3", ts="2.0"))
    assert receipt.replaced
    assert "30 days" in (await library.search(["paid leave"], readable_by=C1))[0].text
    assert len(await library.documents(C1)) == 1
    assert "27 days" in (await library.search(["paid leave"], readable_by=C2))[0].text


async def test_forgetting_a_person_takes_what_they_shared(
    library: Library, tmp_path: Path, handbook: Path, shared: MakeShare
) -> None:
    await library.add(handbook, shared())
    await library.add(make_pdf(tmp_path / "b.pdf", ["Travel costs."]), shared("b.pdf", user="U2", file_id="F2"))
    assert [len(removal.shares) for removal in await library.forget_person("U1")] == [1]
    assert [document.name for document in await library.documents(C1)] == ["b.pdf"]
    assert [share.user for share in await library.shares()] == ["U2"]


async def test_old_documents_go_when_they_are_too_old(library: Library, handbook: Path, shared: MakeShare) -> None:
    await library.add(handbook, shared())
    assert await library.forget_older_than(3600) == []
    assert [removal.is_gone for removal in await library.forget_older_than(-1)] == [True]
    assert await library.documents(C1) == []


async def test_a_slack_file_leads_to_its_document(library: Library, handbook: Path, shared: MakeShare) -> None:
    receipt = await library.add(handbook, shared())
    assert await library.document_ids("F1") == [receipt.document.id]
    assert await library.document_ids("F9") == []


async def test_a_document_can_be_read_whole(library: Library, handbook: Path, shared: MakeShare) -> None:
    receipt = await library.add(handbook, shared())
    pages = await library.pages(receipt.document.id, readable_by=C1)
    assert [(page.number, page.text) for page in pages] == list(enumerate(HANDBOOK, 1))


async def test_a_search_can_stay_in_one_document(
    library: Library, tmp_path: Path, handbook: Path, shared: MakeShare
) -> None:
    await library.add(handbook, shared())
    other = await library.add(make_pdf(tmp_path / "b.pdf", ["No paid leave here."]), shared("b.pdf", file_id="F2"))
    found = await library.search(["paid leave"], readable_by=C1, document_id=other.document.id)
    assert {passage.document for passage in found} == {"b.pdf"}


async def test_every_phrasing_is_searched(library: Library, handbook: Path, shared: MakeShare) -> None:
    await library.add(handbook, shared())
    found = await library.search(["And there?", "When does the office open?"], readable_by=C1, limit=1)
    assert found[0].page == 1


async def test_a_question_of_stop_words_is_no_error(library: Library, handbook: Path, shared: MakeShare) -> None:
    await library.add(handbook, shared())
    assert await library.search(["what is it?"], readable_by=C1)
    assert await library.search(["", "  "], readable_by=C1) == []


async def test_nearly_the_same_text_is_shown_once(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    text = "The rule says that every employee gets paid leave of 27 days in each full year of work at the company."
    for name in ("a.pdf", "b.pdf"):
        path = make_pdf(tmp_path / name, [text, f"{name} differs."])
        await library.add(path, shared(name, file_id=name))
    found = await library.search(["paid leave"], readable_by=C1)
    assert sum("paid leave" in passage.text for passage in found) == 1


async def test_versions_that_differ_in_a_number_are_both_shown(
    library: Library, tmp_path: Path, shared: MakeShare
) -> None:
    text = "The rule says that every employee gets paid leave of {} days in each full year of work at the company."
    for days in (27, 30):
        path = make_pdf(tmp_path / f"{days}.pdf", [text.format(days)])
        await library.add(path, shared(path.name, file_id=path.name))
    assert len(await library.search(["paid leave"], readable_by=C1)) == 2


async def test_neighbours_on_a_page_are_one_passage(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    text = " ".join(f"Rule {number} about paid leave is written here in some words." for number in range(24))
    await library.add(make_pdf(tmp_path / "rules.pdf", [text]), shared("rules.pdf"))
    (passage,) = await library.search(["paid leave"], readable_by=C1)
    assert passage.text.index("Rule 0 ") < passage.text.index("Rule 23 ")


async def test_an_unreadable_file_leaves_nothing(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    blank = make_pdf(tmp_path / "blank.pdf", ["", ""])
    with pytest.raises(UnreadableDocument) as raised:
        await library.add(blank, shared("blank.pdf"))
    assert raised.value.reason == "no_text"
    assert await library.statistics() == {"documents": 0, "chunks": 0}
    assert await library.shares() == []


async def test_adding_the_same_file_at_once_stores_it_once(library: Library, handbook: Path, shared: MakeShare) -> None:
    receipts = await asyncio.gather(
        *(library.add(handbook, shared(channel=f"C{number}", file_id=f"F{number}")) for number in range(4))
    )
    assert sorted(receipt.known for receipt in receipts) == [False, True, True, True]
    assert (await library.statistics())["documents"] == 1
    assert len(await library.shares()) == 4


async def test_what_was_cut_short_cannot_be_found_and_is_done_again(
    tmp_path: Path,
    library: Library,
    embedder: Embedder,
    handbook: Path,
    shared: MakeShare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a kill: the record is there, not complete, and nothing was cleaned up."""

    async def killed(adding: Adding, document_id: str, ingest: str) -> None:
        raise KeyboardInterrupt

    async def broken(self: Adding, read: StoredDocument, share: Share) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Adding, "_give_up", killed)
        patched.setattr(Adding, "_show", broken)
        with pytest.raises(KeyboardInterrupt):
            await library.add(handbook, shared())
    assert (await library.statistics())["chunks"] == 2
    assert await library.documents(C1) == []
    assert await library.search(["paid leave"], readable_by=C1) == []
    receipt = await library.add(handbook, shared())
    assert not receipt.known
    assert await library.search(["paid leave"], readable_by=C1)
    await library.sweep(older_than_seconds=0)
    assert await library.statistics() == {"documents": 1, "chunks": 2}
    assert await library.search(["paid leave"], readable_by=C1)


async def test_late_news_of_a_channel_that_was_left_leave_what_was_shared_since(
    library: Library, handbook: Path, shared: MakeShare
) -> None:
    """The bot was invited again before a worker had time for its leaving."""
    await library.add(handbook, shared(ts="5.0"))
    assert await library.forget_channel("C1", until=4.0) == []
    assert len(await library.forget_channel("C1", until=5.0)) == 1


async def test_two_files_of_one_message_both_stand(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    """They have one name: people dropped two folders' minutes.txt at once."""
    for number in range(2):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"Minutes of meeting number {number}.")
        await library.add(path, shared("minutes.txt", file_id=f"F{number}"))
    assert len(await library.documents(C1)) == 2


async def test_somebody_elses_file_of_the_same_name_stands_beside(
    library: Library, tmp_path: Path, handbook: Path, shared: MakeShare
) -> None:
    """A guest's rules must not take the place of the team's."""
    await library.add(handbook, shared())
    other = tmp_path / "other.txt"
    other.write_text("Paid leave. Nobody gets any.")
    receipt = await library.add(other, shared(user="U9", file_id="F9", ts="9.0"))
    assert not receipt.replaced
    assert len(await library.documents(C1)) == 2


async def test_a_file_that_slack_said_is_gone_is_not_written(
    tmp_path: Path, embedder: Embedder, shared: MakeShare
) -> None:
    gone = SaidGone()
    index = await EdgeIndex.open(tmp_path / "index", 64)
    library = Library(index, embedder, ReadingLimits(processes=1), gone=gone)
    path = tmp_path / "notes.txt"
    path.write_text("Paid leave: 27 days.")
    await library.add(path, shared(channel="C2", file_id="F2"))
    gone.files.add("F1")
    with pytest.raises(TakenBack):
        await library.add(path, shared())
    assert await library.shares() == [shared(channel="C2", file_id="F2")]
    gone.files.add("F2")
    assert await library.search(["paid leave"], readable_by=C2) == []
    assert await library.documents(C2) == []
    assert await library.pages((await library.document_ids("F2"))[0], readable_by=C2) == []
    await library.aclose()


async def test_an_upload_that_is_told_again_after_forget_me_shares_nothing(
    tmp_path: Path, embedder: Embedder, shared: MakeShare
) -> None:
    """Its worker was killed before it could say that it was done, so the queue begins the request again."""
    library = Library(
        await EdgeIndex.open(tmp_path / "index", 64), embedder, ReadingLimits(processes=1), gone=SaidGone()
    )
    path = tmp_path / "notes.txt"
    path.write_text("Paid leave: 27 days.")
    await library.add(path, shared())
    await library.forget_person("U1")
    with pytest.raises(TakenBack):
        await library.add(path, shared())
    assert await library.shares() == []
    await library.add(path, shared(ts="9.0", file_id="F9"))
    assert len(await library.documents(C1)) == 1
    await library.aclose()


class SaidGone:
    """What the gateway noted."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.people: set[str] = set()

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        return frozenset(share for share in shares if share.file_id in self.files or self._is_forgotten(share))

    def _is_forgotten(self, share: Share) -> bool:
        return share.user in self.people and float(share.ts) <= NOW

    async def forget_person(self, user: str) -> None:
        self.people.add(user)


async def test_records_of_newer_and_older_versions_are_read_and_kept(library: Library, handbook: Path) -> None:
    """During an update old and new workers write one record in turn."""
    share = {"channel": "C1", "file_id": "F1", "user": "U1", "ts": "1.0", "permalink": "", "name": "a.pdf"}
    newer = {"kind": "document", "document_id": "d", "complete": True, "shares": [share | {"colour": "red"}],
             "added_at": 1.0, "mood": "good", "revision": "r", "revisions": ["r"]}  # fmt: skip
    await library._index.put([Point(id=id_of("d", "document"), payload=newer)])
    await library._records.add_share("d", Share(**(share | {"channel": "C2", "file_id": "F2"})))
    payload = (await library._index.fetch([id_of("d", "document")]))[id_of("d", "document")]
    assert payload["mood"] == "good"
    assert [one.get("colour") for one in payload["shares"]] == ["red", None]
    assert payload["channels"] == ["C1", "C2"]


async def test_the_prefixes_of_the_model_are_used(
    library: Library, encoder: WordEncoder, handbook: Path, shared: MakeShare
) -> None:
    await library.add(handbook, shared())
    await library.search(["When?"], readable_by=C1)
    assert all(text.startswith("passage: ") for text in encoder.texts[:-1])
    assert encoder.texts[-1] == "query: When?"


async def test_a_question_asked_again_is_not_embedded_again(embedder: Embedder, encoder: WordEncoder) -> None:
    await embedder.embed_queries(["one", "two"])
    await embedder.embed_queries(["two", "one", "one"])
    assert encoder.texts == ["query: one", "query: two"]


async def test_a_library_is_there_after_a_restart(
    tmp_path: Path, embedder: Embedder, handbook: Path, shared: MakeShare
) -> None:
    for _ in range(2):
        library = Library(await EdgeIndex.open(tmp_path / "kept", 64), embedder, ReadingLimits(processes=1))
        await library.add(handbook, shared())
        assert (await library.search(["paid leave"], readable_by=C1))[0].page == 2
        await library._index.aclose()


async def test_a_passage_is_called_as_its_page_is_printed(library: Library, tmp_path: Path, shared: MakeShare) -> None:
    """A cover and a preface with Roman numbers come first: the third sheet is page 1."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for style, text in (
        ("r", "Cover"),
        (None, "Preface of the club"),
        ("D", "A light colony is fed with seven litres."),
    ):
        pdf.add_page(label_style=style, label_start=1 if style == "D" else None)
        pdf.cell(text=text)
    pdf.output(str(tmp_path / "bees.pdf"))
    receipt = await library.add(tmp_path / "bees.pdf", shared("C1"))
    passages = await library.search(["litres for a light colony"], readable_by=Audience(frozenset({"C1"})))
    assert passages[0].page == 3
    assert passages[0].place == "p. 1 (PDF 3)"
    pages = await library.pages(receipt.document.id, readable_by=Audience(frozenset({"C1"})))
    assert [page.label for page in pages] == ["p. i (PDF 1)", "p. ii (PDF 2)", "p. 1 (PDF 3)"]
