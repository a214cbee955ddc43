"""The library: documents in, passages out, always for an audience."""

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexing import calibration, rescore, sparse
from indexing.adding import Adding
from indexing.audience import Audience
from indexing.contents import Phrase, Section, outline_in, outline_of_chunks, sections_of
from indexing.document import Document, Passage, Removal, Share
from indexing.embedder import Embedder
from indexing.gone import GoneSet, NothingGone
from indexing.ingest import Report
from indexing.reading.picture import PagePicture, page_picture
from indexing.reading.pool import ReadingLimits, UnreadableDocument
from indexing.records import Records
from indexing.reranker import Reranker
from indexing.rescore import Phrasing
from indexing.stored import OPEN, OUTLINE_PAGE, WHOLE, StoredDocument, newest, part_id, shared_at
from indexing.vector_store import DENSE, PAGE_WORDS, WORDS, Branch, Hit, Payload, VectorIndex

__all__ = ["Library", "Page", "Receipt", "Report"]

SLICE = 100  # records that are looked at together
PAGES_TOGETHER = 256
MOST_CHUNKS = 2000  # whose headings are read for an outline
ABANDONED_SECONDS = 2 * 3600.0  # no turn takes half as long
CANDIDATES = 40  # of each branch of the fusion
REPHRASED_WEIGHT = 0.5  # of a rephrasing, against 1 of the question itself
WORDS_WEIGHT, PAGE_WORDS_WEIGHT = 1.0, 0.3  # against 1 of the dense ranking; see tests/evaluation/README.md


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a file that was added."""

    document: Document
    known: bool  # the same bytes were stored already: only the share is new
    known_in: frozenset[str]  # the conversations where they were shared before: only who sees these may be told
    replaced: tuple[str, ...]  # the documents that were former versions under this name in this conversation
    scanned_pages: tuple[int, ...]  # no text and no OCR at hand
    ocr_pages: tuple[int, ...]
    failed_pages: tuple[int, ...]
    notes: tuple[tuple[str, str], ...] = ()  # what else was not read: a key and what it is about
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page's text, for those who read a document whole."""

    number: int  # 1-based
    text: str
    label: str = ""  # what people call it, where that is not its number


class Library:
    """All documents; every way to read takes the audience and fails closed."""

    def __init__(
        self,
        index: VectorIndex,
        embedder: Embedder,
        limits: ReadingLimits,
        reranker: Reranker | None = None,
        gone: GoneSet | None = None,
    ) -> None:
        self._index = index
        self._records = Records(index)
        self._embedder = embedder
        self._limits = limits
        self._reranker = reranker
        self._gone = gone or NothingGone()
        self._adding = Adding(self._records, embedder, limits, self._gone)

    @property
    def embedder(self) -> Embedder:
        """Return the embedding model, which others use too."""
        return self._embedder

    async def add(self, path: Path, share: Share, *, report: Report | None = None) -> Receipt:
        """Read, chunk, embed and store a file, or only its share if the bytes are known.

        Raises indexing.reading.pool.UnreadableDocument with a reason: not_a_pdf, html, empty, damaged, encrypted,
        no_text, too_many_pages, too_slow; indexing.gone.TakenBack if the share went while the file was read.
        """
        started = time.monotonic()
        document_id = await asyncio.to_thread(content_id, path)
        before, now = await self._adding.add(path, document_id, share, title_of(share.name), report)
        replaced = await self._adding.replace_versions(document_id, share)
        known = before is not None and before.complete
        known_in = frozenset(before.channels if before and known else ())
        return Receipt(
            document=now.document((share,)), known=known, known_in=known_in,
            replaced=tuple(replaced), scanned_pages=now.scanned, ocr_pages=now.ocr, failed_pages=now.failed,
            notes=now.notes, seconds=time.monotonic() - started,
        )  # fmt: skip

    async def search(
        self, questions: list[str], *, readable_by: Audience, limit: int = 6, document_id: str = ""
    ) -> list[Passage]:
        """Return the best passages for any of the phrasings (first one counts most), best first."""
        asked = [question for question in dict.fromkeys(questions) if question.strip()]
        if not asked or not readable_by.channels:
            return []
        phrasings = await self._phrasings(asked)
        hits, documents = await self._readable_hits(phrasings, readable_by, document_id)
        answered = calibration.probability(evidence_of(hits, phrasings)) if hits else 0.0
        found = rescore.without_duplicates(rescore.attach_relevance(rescore.rescored(hits, phrasings), answered))
        if self._reranker and found:
            found = await self._reranker.rerank(asked[0], found)
        return [passage_of(one, documents[one.document_id]) for one in rescore.joined(found)[:limit]]

    async def evidence(self, question: str, *, readable_by: Audience) -> calibration.SearchSignals:
        """Return what a search says about its question. Raises ValueError where it finds nothing at all."""
        phrasings = await self._phrasings([question])
        hits, _documents = await self._readable_hits(phrasings, readable_by)
        return evidence_of(hits, phrasings)

    async def _phrasings(self, questions: Sequence[str]) -> list[Phrasing]:
        vectors = await self._embedder.embed_queries(questions)
        weights = [1.0] + [REPHRASED_WEIGHT] * (len(questions) - 1)
        return [Phrasing(*parts) for parts in zip(questions, vectors, weights, strict=True)]

    async def _readable_hits(
        self, phrasings: Sequence[Phrasing], readable_by: Audience, document_id: str = ""
    ) -> tuple[list[Hit], dict[str, Document]]:
        """Return what was found, and the documents as the audience knows them.

        The records are looked at after the search: what was taken away before is not among the hits, whatever the
        chunks say.
        """
        where: dict[str, str | list[str]] = {"kind": "chunk", "channels": sorted(readable_by.channels)}
        if document_id:
            where["document_id"] = document_id
        hits = await self._index.search(branches_of(phrasings), where, limit=CANDIDATES)
        records = await self._records.get_all({str(hit.payload["document_id"]) for hit in hits})
        documents = {one.id: one for one in await self._seen(records.values(), readable_by)}
        readings = {document_id: records[document_id].ingest for document_id in documents}
        return [hit for hit in hits if is_of(hit, readings)], documents

    async def _seen(self, records: Iterable[StoredDocument], readable_by: Audience) -> list[Document]:
        """Return the documents as the audience knows them, without those that it may not see."""
        records = list(records)
        hidden = await self._gone.among(
            [share for record in records for share in record.shares if share.channel in readable_by]
        )
        return [document for record in records if (document := record.seen_by(readable_by, hidden))]

    async def documents(self, readable_by: Audience, *, limit: int = 0) -> list[Document]:
        """Return the documents that may be seen, newest first, at most `limit` if it is given.

        Shares outside the audience are left out.
        """
        where = whole_in(readable_by)
        if limit:
            records = await self._records.find(where, limit=limit, order_by="added_at", descending=True)
        else:
            records = await self._records.find(where)
        return sorted(await self._seen(records, readable_by), key=lambda document: document.added_at, reverse=True)

    async def document(self, document_id: str, *, readable_by: Audience) -> Document | None:
        """Return one document as this audience may see it; None where it may not."""
        record = await self._records.get(document_id)
        return next(iter(await self._seen([record], readable_by)), None) if record else None

    async def count_documents(self, readable_by: Audience, *, language: str = "") -> int:
        """Return how many documents may be seen, of one language if it is given."""
        return await self._index.count(whole_in(readable_by) | ({"language": language} if language else {}))

    async def documents_of_message(self, channel: str, ts: str, *, readable_by: Audience) -> list[Document]:
        """Return the documents that one message shared, as far as this audience may see them there."""
        if channel not in readable_by:
            return []
        records = await self._records.find({"messages": f"{channel}:{ts}", "state": WHOLE})
        return await self._seen(records, Audience(frozenset({channel})))

    async def document_ids(self, file_id: str) -> list[str]:
        """Return which documents a file of Slack is."""
        return [record.document_id for record in await self._records.find({"file_ids": file_id})]

    async def which_exist(self, document_ids: Collection[str]) -> frozenset[str]:
        """Return those of the documents that are shared still."""
        records = await self._records.get_all(document_ids)
        return frozenset(document_id for document_id, record in records.items() if record.shares)

    async def pages(
        self, document_id: str, *, readable_by: Audience, first: int = 1, last: int | None = None
    ) -> list[Page]:
        """Return a document's text page by page, all of it or these pages; empty if it may not be seen."""
        record = await self._records.get(document_id)
        seen = await self._seen([record], readable_by) if record else []
        if not record or not seen:
            return []
        numbers = range(first, min(last or record.pages, record.pages) + 1)
        payloads: dict[str, Payload] = {}
        for start in range(0, len(numbers), PAGES_TOGETHER):
            some = numbers[start : start + PAGES_TOGETHER]
            payloads |= await self._index.fetch([part_id(document_id, record.ingest, "page", n) for n in some])
        current = await self._records.get(document_id)
        if not current or current.ingest != record.ingest or not await self._seen([current], readable_by):
            return []  # taken away meanwhile: half a document is none
        pages = [
            Page(number=number, text=str(payload["text"]), label=seen[0].label(number))
            for payload in payloads.values()
            for number in [int(payload["number"])]
        ]
        return sorted(pages, key=lambda page: page.number)

    async def outline(self, document_id: str, *, readable_by: Audience) -> list[Section]:
        """Return a document's sections; those that its passages stand under where it was stored without its outline."""
        record = await self._records.get(document_id)
        if not record or not await self._seen([record], readable_by):
            return []
        stored = await self._index.fetch([part_id(document_id, record.ingest, "page", OUTLINE_PAGE)])
        if stored:
            return sections_of(outline_in(next(iter(stored.values()))), record.pages)
        numbers = range(min(record.chunks, MOST_CHUNKS))
        chunks = await self._index.fetch([part_id(document_id, record.ingest, "chunk", n) for n in numbers])
        return sections_of(outline_of_chunks(chunks.values()), record.pages)

    async def mentions(self, words: str, *, readable_by: Audience, limit: int) -> tuple[list[Passage], bool]:
        """Return passages that have these very words, and whether all were looked at; at most `limit` are."""
        phrase = Phrase(words)
        if not phrase.terms or not readable_by.channels:
            return [], True
        where = {"kind": "chunk", "channels": sorted(readable_by.channels)}
        hits = await self._index.search([Branch(WORDS, phrase.terms, 1.0, limit)], where, limit=limit)
        having = [hit for hit in hits if phrase.stands_in(str(hit.payload["text"]))]
        records = await self._records.get_all({str(hit.payload["document_id"]) for hit in having})
        documents = {one.id: one for one in await self._seen(records.values(), readable_by)}
        readings = {document_id: records[document_id].ingest for document_id in documents}
        having = [hit for hit in having if is_of(hit, readings)]
        return [passage_in(hit, documents[str(hit.payload["document_id"])]) for hit in having], len(hits) < limit

    async def documents_called(self, word: str, *, readable_by: Audience, limit: int) -> list[Document]:
        """Return the newest documents with this word in a name or in their own title, folded."""
        where = whole_in(readable_by) | {"name_words": word}
        records = await self._records.find(where, limit=limit, order_by="added_at", descending=True)
        return await self._seen(records, readable_by)

    async def picture(
        self, path: Path, document_id: str, pages: tuple[int, int], words: str, *, readable_by: Audience
    ) -> PagePicture | None:
        """Draw a page of a document whose file lies there, with words marked; None if it may not be seen any more.

        Raises UnreadableDocument, with the reason `changed` for a file that is not this document.
        """
        if await asyncio.to_thread(content_id, path) != document_id:
            raise UnreadableDocument("changed")
        drawn = await page_picture(path, pages, words, self._limits)
        return drawn if await self.document(document_id, readable_by=readable_by) else None

    async def unshare(  # noqa: PLR0913  # any of a share's fields
        self, *, file_id: str = "", channel: str = "", ts: str = "", user: str = "", document_id: str = "",
        until: float = math.inf,
    ) -> list[Removal]:  # fmt: skip
        """Remove the shares that match all given fields; a document without any goes.

        Return what went. With no field at all nothing goes. What is being read at the moment loses its share, too. What
        was shared after `until` (of Slack's clock) stays: news of a conversation that was left may come late.
        """
        where, goes = meant(document_id, until, file_id=file_id, channel=channel, ts=ts, user=user)
        removals = []
        for record in await self._records.find(where) if where else []:
            removed = await self._records.remove_shares(record.document_id, goes)
            if removed:
                removals.append(removal_of(*removed))
        return removals

    async def would_go(
        self, *, file_id: str = "", channel: str = "", ts: str = "", user: str = "", until: float = math.inf
    ) -> list[Removal]:
        """Return what `unshare` would remove, so that what was said from it can go before it."""
        where, goes = meant("", until, file_id=file_id, channel=channel, ts=ts, user=user)
        records = await self._records.find(where) if where else []
        left = [record.without([share for share in record.shares if goes(share)]) for record in records]
        return [removal_of(*both) for both in zip(records, left, strict=True) if both[0].shares != both[1].shares]

    async def forget_person(self, user: str) -> list[Removal]:
        """Remove what this person shared until now; what shares it at this moment, or once more, is refused."""
        await self._gone.forget_person(user)
        return await self.unshare(user=user)

    async def forget_channel(self, channel: str, *, until: float = math.inf) -> list[Removal]:
        """Remove what was shared in this conversation until a moment."""
        return await self.unshare(channel=channel, until=until)

    async def move_channel(self, old: str, new: str) -> None:
        """Follow a conversation to its new id."""
        for record in await self._records.find({"channels": old}):
            await self._records.move_shares(record.document_id, old, new)

    async def forget_older_than(self, seconds: float) -> list[Removal]:
        """Remove the documents that were added before so long."""
        removals: list[Removal] = []
        while True:
            oldest = await self._records.find({"state": [WHOLE, OPEN]}, limit=SLICE, order_by="added_at")
            old = [record for record in oldest if record.added_at < time.time() - seconds]
            for record in old:
                removals += await self.unshare(document_id=record.document_id)
            if len(old) < SLICE:
                return removals

    async def documents_of_slice(self, number: int) -> list[Document]:
        """Return the documents of one slice of all (of stored.SLICES) with all their shares."""
        records = await self._records.find({"state": WHOLE, "slice": str(number)})
        return [record.document(record.shares) for record in records]

    async def checked(self, document_ids: Collection[str]) -> None:
        """Note that these documents were compared with Slack just now; mend what a kill in between left undone."""
        now = time.time()
        for document_id in document_ids:
            await self._records.change(document_id, lambda record: replace(record, checked_at=now) if record else None)
            await self._records.settle(document_id)

    async def channels(self) -> list[str]:
        """Return the conversations in which anything is shared."""
        return await self._index.values("channels", {"kind": "document"})

    async def people(self) -> list[str]:
        """Return who shared anything."""
        return await self._index.values("users", {"kind": "document"})

    async def shares(self) -> list[Share]:
        """Return all shares."""
        return [share for record in await self._records.find({}) for share in record.shares]

    async def sweep(self, older_than_seconds: float = ABANDONED_SECONDS) -> int:
        """Finish what a kill cut short: words of readings that came to nothing, removals that stopped halfway."""
        return await self._records.sweep(older_than_seconds)

    async def compact(self) -> None:
        """Let no word of what was removed stay on the disk."""
        await self._index.compact()

    async def statistics(self) -> dict[str, float]:
        """Return how much there is."""
        return {
            "documents": await self._index.count({"kind": "document", "state": WHOLE}),
            "chunks": await self._index.count({"kind": "chunk"}),
        }

    @property
    def threshold(self) -> float:
        """The relevance from which on the documents rather answer a question, where nothing but the search is known."""
        return calibration.THRESHOLD

    @property
    def floor(self) -> float:
        """The relevance below which a question is refused without asking the model."""
        return calibration.FLOOR

    async def aclose(self) -> None:
        """Write everything down and let go."""
        await self._index.aclose()
        await self._embedder.aclose()
        if self._reranker:
            await self._reranker.aclose()


def meant(document_id: str, until: float, **fields: str) -> tuple[dict[str, str], Callable[[Share], bool]]:
    """Return how the records are looked up whose shares have all given fields, and which of their shares these are."""
    given = {name: value for name, value in fields.items() if value}
    where = {f"{name}s": value for name, value in given.items() if name != "ts"}
    if given.get("channel") and given.get("ts"):
        where["messages"] = f"{given['channel']}:{given['ts']}"
    if document_id:
        where["document_id"] = document_id

    def goes(share: Share) -> bool:
        return shared_at(share)[0] <= until and all(getattr(share, name) == value for name, value in given.items())

    return where, goes


def removal_of(before: StoredDocument, after: StoredDocument) -> Removal:
    """Return what went of a document."""
    shares = tuple(share for share in before.shares if share not in after.shares)
    channels = frozenset(before.channels) - frozenset(after.channels)
    return Removal(document_id=before.document_id, shares=shares, channels=channels, is_gone=not after.shares)


def whole_in(readable_by: Audience) -> dict[str, str | list[str]]:
    """Return the filter for the records of the documents that an audience may see."""
    return {"kind": "document", "state": WHOLE, "channels": sorted(readable_by.channels)}


def is_of(hit: Hit, readings: Mapping[str, str]) -> bool:
    """Tell whether a chunk belongs to the reading of its file that is the document now."""
    return readings.get(str(hit.payload["document_id"])) == (hit.payload.get("ingest") or "")


def branches_of(phrasings: Sequence[Phrasing]) -> list[Branch]:
    """Return the rankings that are fused: for each phrasing by meaning, by words, and by the words of the page."""
    branches: list[Branch] = []
    for phrasing in phrasings:
        branches.append(Branch(DENSE, phrasing.vector, phrasing.weight, CANDIDATES))
        if terms := sparse.of_question(phrasing.text):
            branches.append(Branch(WORDS, terms, phrasing.weight * WORDS_WEIGHT, CANDIDATES))
            branches.append(Branch(PAGE_WORDS, terms, phrasing.weight * PAGE_WORDS_WEIGHT, CANDIDATES))
    return branches


def evidence_of(hits: Sequence[Hit], phrasings: Sequence[Phrasing]) -> calibration.SearchSignals:
    """Return what the hits of a fusion say about the question as it was asked."""
    best = calibration.best_score([branch.weight for branch in branches_of(phrasings)])
    return calibration.search_signals(hits, phrasings[0].text, phrasings[0].vector, best)


def passage_of(one: rescore.Candidate, document: Document) -> Passage:
    """Return what was found, under the name and link that its readers know."""
    share = newest(document.shares)
    page, last_page = one.pages
    return Passage(
        id=one.hit.id, document_id=document.id, document=share.name, text=one.text, page=page, last_page=last_page,
        heading=str(one.hit.payload["heading"]), permalink=share.permalink, score=one.hit.score,
        relevance=one.relevance, label=document.label(page),
    )  # fmt: skip


def passage_in(hit: Hit, document: Document) -> Passage:
    """Return a chunk as it is, under the name and link that its readers know."""
    share = newest(document.shares)
    page, last_page = int(hit.payload["page"]), int(hit.payload["last_page"])
    return Passage(
        id=hit.id, document_id=document.id, document=share.name, text=str(hit.payload["text"]), page=page,
        last_page=last_page, heading=str(hit.payload["heading"]), permalink=share.permalink, score=hit.score,
        relevance=1.0, label=document.label(page),
    )  # fmt: skip


def content_id(path: Path) -> str:
    """Return the id of a file: a hash of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def title_of(name: str) -> str:
    """Return a file name as words."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split())
