"""The library: documents in, passages out, always for an audience."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakValueDictionary

from indexing import calibration, rescore, sparse
from indexing.audience import Audience
from indexing.document import Document, Passage, Removal, Share
from indexing.embedder import Embedder
from indexing.gone import Gone, NothingGone
from indexing.ingest import Ingest, Report
from indexing.reading.pool import ReadingLimits
from indexing.reranker import Reranker
from indexing.rescore import Phrasing
from indexing.stored import StoredDocument, id_of, newest
from indexing.vector_store import DENSE, PAGE_WORDS, WORDS, Branch, Hit, VectorIndex, Where

__all__ = ["Library", "Page", "Receipt", "Report"]

CANDIDATES = 40  # of each branch of the fusion
REPHRASED_WEIGHT = 0.5  # of a rephrasing, against 1 of the question itself
WORDS_WEIGHT, PAGE_WORDS_WEIGHT = 1.0, 0.3  # against 1 of the dense ranking; see tests/evaluation/README.md


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a file that was added."""

    document: Document
    known: bool  # the same bytes were stored already: only the share is new
    known_in: frozenset[str]  # the conversations where they were shared before: only who sees these may be told
    replaced: bool  # a former version under this name in this conversation went
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
        gone: Gone | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._limits = limits
        self._reranker = reranker
        self._gone = gone or NothingGone()
        self._changing = asyncio.Lock()  # records are read, changed and written one at a time
        self._adding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
        async with self._one_at_a_time(document_id):
            record = await self._record(document_id)
            known = record is not None and record.complete
            known_in = frozenset(record.channels if record and known else ())
            if record is None or not record.complete:
                record = await self._ingest(path, share, document_id, report)
            async with self._changing:
                now = (await self._record(document_id) or record).with_share(share)
                await self._write(replace(now, complete=True))
                replaced = await self._replace_versions(document_id, share)
        return Receipt(
            document=now.document((share,)), known=known, known_in=known_in, replaced=replaced,
            scanned_pages=now.scanned, ocr_pages=now.ocr, failed_pages=now.failed, notes=now.notes,
            seconds=time.monotonic() - started,
        )  # fmt: skip

    async def _ingest(self, path: Path, share: Share, document_id: str, report: Report | None) -> StoredDocument:
        record = StoredDocument(document_id=document_id, added_at=time.time(), shares=(share,))
        ingest = Ingest(self._index, self._embedder, self._limits, record, report)
        await self._index.put([record.point()])  # first, so that what is begun can be found and forgotten
        try:
            record = await ingest.run(path, title_of(share.name))
        except BaseException:
            await self._delete(document_id)
            raise
        async with self._changing:
            current = await self._record(document_id) or replace(record, shares=())
            await self._index.put([replace(record, shares=current.shares, complete=True).point()])
        return record

    @asynccontextmanager
    async def _one_at_a_time(self, document_id: str) -> AsyncIterator[None]:
        lock = self._adding.setdefault(document_id, asyncio.Lock())
        async with lock:
            yield

    async def _replace_versions(self, document_id: str, share: Share) -> bool:
        """Take away what was shared under this name in this conversation before."""
        replaced = False
        for payload in await self._index.find({"kind": "document", "channels": share.channel}):
            record = StoredDocument.of(payload)
            kept = tuple(old for old in record.shares if (old.channel, old.name) != (share.channel, share.name))
            if record.document_id != document_id and len(kept) < len(record.shares):
                await self._write(replace(record, shares=kept))
                replaced = True
        return replaced

    async def search(
        self, questions: list[str], *, readable_by: Audience, limit: int = 6, document_id: str = ""
    ) -> list[Passage]:
        """Return the best passages for any of the phrasings (first one counts most), best first."""
        asked = [question for question in dict.fromkeys(questions) if question.strip()]
        if not asked or not readable_by.channels:
            return []
        phrasings = await self._phrasings(asked)
        hits = await self._hits(phrasings, readable_by, document_id)
        answered = calibration.probability(evidence_of(hits, phrasings)) if hits else 0.0
        found = rescore.without_duplicates(rescore.attach_relevance(rescore.rescored(hits, phrasings), answered))
        if self._reranker and found:
            found = await self._reranker.rerank(asked[0], found)
        return await self._passages(rescore.joined(found)[:limit], readable_by)

    async def evidence(self, question: str, *, readable_by: Audience) -> calibration.SearchSignals:
        """Return what a search says about its question. Raises ValueError where it finds nothing at all."""
        phrasings = await self._phrasings([question])
        return evidence_of(await self._hits(phrasings, readable_by), phrasings)

    async def _phrasings(self, questions: Sequence[str]) -> list[Phrasing]:
        vectors = await self._embedder.embed_queries(questions)
        weights = [1.0] + [REPHRASED_WEIGHT] * (len(questions) - 1)
        return [Phrasing(*parts) for parts in zip(questions, vectors, weights, strict=True)]

    async def _hits(self, phrasings: Sequence[Phrasing], readable_by: Audience, document_id: str = "") -> list[Hit]:
        where: dict[str, str | list[str]] = {"kind": "chunk", "channels": sorted(readable_by.channels)}
        if document_id:
            where["document_id"] = document_id
        return await self._index.search(branches_of(phrasings), where, limit=CANDIDATES)

    async def _passages(self, found: Sequence[rescore.Candidate], readable_by: Audience) -> list[Passage]:
        records = await self._index.fetch([id_of(one.document_id, "document") for one in found])
        passages = []
        for one in found:
            payload = records.get(id_of(one.document_id, "document"))
            document = StoredDocument.of(payload).seen_by(readable_by) if payload else None
            if document:
                passages.append(passage_of(one, document))
        return passages

    async def documents(self, readable_by: Audience, *, limit: int = 0) -> list[Document]:
        """Return the documents that may be seen, newest first, at most `limit` if it is given.

        Shares outside the audience are left out.
        """
        if not readable_by.channels:
            return []
        records = await self._records({"channels": sorted(readable_by.channels)})
        seen = [document for record in records if (document := record.seen_by(readable_by))]
        ordered = sorted(seen, key=lambda document: document.added_at, reverse=True)
        return ordered[:limit] if limit else ordered

    async def document(self, document_id: str, *, readable_by: Audience) -> Document | None:
        """Return one document as this audience may see it; None where it may not."""
        record = await self._record(document_id)
        return record.seen_by(readable_by) if record else None

    async def count_documents(self, readable_by: Audience, *, language: str = "") -> int:
        """Return how many documents may be seen, of one language if it is given."""
        documents = await self.documents(readable_by)
        return sum(not language or document.language == language for document in documents)

    async def documents_of_message(self, channel: str, ts: str, *, readable_by: Audience) -> list[Document]:
        """Return the documents that one message shared, as far as this audience may see them there."""
        documents = await self.documents(readable_by)
        return [one for one in documents if any((share.channel, share.ts) == (channel, ts) for share in one.shares)]

    async def document_ids(self, file_id: str) -> list[str]:
        """Return which documents a file of Slack is."""
        return [record.document_id for record in await self._records({"file_ids": file_id})]

    async def which_exist(self, document_ids: Collection[str]) -> frozenset[str]:
        """Return those of the documents that are kept still."""
        payloads = await self._index.fetch([id_of(document_id, "document") for document_id in sorted(document_ids)])
        return frozenset(str(payload["document_id"]) for payload in payloads.values())

    async def pages(
        self, document_id: str, *, readable_by: Audience, first: int = 1, last: int | None = None
    ) -> list[Page]:
        """Return a document's text page by page, all of it or these pages; empty if it may not be seen."""
        record = await self._record(document_id)
        document = record.seen_by(readable_by) if record else None
        if not record or not document:
            return []
        numbers = range(first, min(last or record.pages, record.pages) + 1)
        payloads = await self._index.fetch([id_of(document_id, "page", number) for number in numbers])
        pages = [
            Page(number=number, text=str(payload["text"]), label=document.label(number))
            for payload in payloads.values()
            for number in [int(payload["number"])]
        ]
        return sorted(pages, key=lambda page: page.number)

    async def unshare(
        self, *, file_id: str = "", channel: str = "", ts: str = "", user: str = "", document_id: str = ""
    ) -> list[Removal]:
        """Remove the shares that match all given fields; a document without shares goes. Return what went.

        With no field at all nothing goes. What is being read at the moment loses its share, too.
        """
        wanted = {"file_id": file_id, "channel": channel, "ts": ts, "user": user}
        if not any(wanted.values()) and not document_id:
            return []
        where = {"file_ids": file_id, "channels": channel, "users": user, "document_id": document_id}
        return await self._remove_shares(
            {name: value for name, value in where.items() if value},
            lambda share: all(not value or getattr(share, name) == value for name, value in wanted.items()),
        )

    async def would_go(self, *, file_id: str = "", channel: str = "", ts: str = "", user: str = "") -> list[Removal]:
        """Return what `unshare` would remove, so that what was said from it can go before it."""
        fields = {"file_id": file_id, "channel": channel, "ts": ts, "user": user}
        given = {name: value for name, value in fields.items() if value}
        where = {f"{name}s": value for name, value in given.items() if name != "ts"}
        removals = []
        for record in await self._records(where) if where else []:
            left = tuple(
                share for share in record.shares if any(getattr(share, name) != value for name, value in given.items())
            )
            if len(left) < len(record.shares):
                removals.append(removal_of(record, left))
        return removals

    async def forget_person(self, user: str) -> list[Removal]:
        """Remove what this person shared."""
        return await self.unshare(user=user)

    async def forget_channel(self, channel: str) -> list[Removal]:
        """Remove what was shared in this conversation."""
        return await self.unshare(channel=channel)

    async def move_channel(self, old: str, new: str) -> None:
        """Follow a conversation to its new id."""
        async with self._changing:
            for record in await self._records({"channels": old}):
                shares = tuple(
                    replace(share, channel=new) if share.channel == old else share for share in record.shares
                )
                await self._write(replace(record, shares=shares))

    async def forget_older_than(self, seconds: float) -> list[Removal]:
        """Remove the documents that were added before so long."""
        oldest = time.time() - seconds
        old = [record for record in await self._records({}) if record.added_at < oldest]
        return [removal for record in old for removal in await self.unshare(document_id=record.document_id)]

    async def shares(self) -> list[Share]:
        """Return all shares, for the nightly reconciliation with Slack."""
        return [share for record in await self._records({}) for share in record.shares]

    async def statistics(self) -> dict[str, float]:
        """Return how much there is."""
        return {
            "documents": await self._index.count({"kind": "document"}),
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

    async def _remove_shares(self, where: Where, goes: Callable[[Share], bool]) -> list[Removal]:
        removals: list[Removal] = []
        async with self._changing:
            for record in await self._records(where):
                left = tuple(share for share in record.shares if not goes(share))
                if len(left) < len(record.shares):
                    await self._write(replace(record, shares=left))
                    removals.append(removal_of(record, left))
        return removals

    async def _write(self, record: StoredDocument) -> None:
        """Store a record and let its chunks be read where it is shared; without shares it goes."""
        if not record.shares:
            await self._delete(record.document_id)
            return
        await self._index.put([record.point()])
        where = {"kind": "chunk", "document_id": record.document_id}
        await self._index.change_where(where, {"channels": record.channels if record.complete else []})

    async def _delete(self, document_id: str) -> None:
        """Remove a document; its record last, so that a removal cut short is taken up again."""
        for kind in ("chunk", "page", "document"):
            await self._index.remove_where({"kind": kind, "document_id": document_id})

    async def _record(self, document_id: str) -> StoredDocument | None:
        there = await self._index.fetch([id_of(document_id, "document")])
        return next((StoredDocument.of(payload) for payload in there.values()), None)

    async def _records(self, where: Where) -> list[StoredDocument]:
        return [StoredDocument.of(payload) for payload in await self._index.find({"kind": "document", **where})]


def removal_of(record: StoredDocument, left: tuple[Share, ...]) -> Removal:
    """Return what went of a record when these shares are left."""
    channels = frozenset(share.channel for share in record.shares) - {share.channel for share in left}
    shares = tuple(share for share in record.shares if share not in left)
    return Removal(document_id=record.document_id, shares=shares, channels=channels, is_gone=not left)


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


def content_id(path: Path) -> str:
    """Return the id of a file: a hash of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def title_of(name: str) -> str:
    """Return a file name as words."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split())
