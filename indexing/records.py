"""The records of documents: each change is a compare-and-set, whatever other workers do at the same moment."""

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from indexing.document import Share
from indexing.stored import EMPTY, REVISIONS, StoredDocument, id_of, of_ingest
from indexing.vector_store import VectorIndex, Where

Change = Callable[[StoredDocument | None], StoredDocument | None]


@dataclass(frozen=True)
class Records:
    """What is known of each document, and where its chunks may be read.

    Whoever reads looks at the record last: the channels of the chunks only narrow the search. So chunks are given a
    channel before the record has it, and lose it after; whatever is cut short between shows too little, never too much.
    """

    index: VectorIndex

    async def get(self, document_id: str) -> StoredDocument | None:
        """Return a document's record."""
        return (await self.get_all([document_id])).get(document_id)

    async def get_all(self, document_ids: Collection[str]) -> dict[str, StoredDocument]:
        """Return the records of these documents that are there."""
        ids = [id_of(document_id, "document") for document_id in sorted(set(document_ids))]
        payloads = await self.index.fetch(ids)
        return {str(payload["document_id"]): StoredDocument.of(payload) for payload in payloads.values()}

    async def find(
        self, where: Where, *, limit: int = 0, order_by: str = "", descending: bool = False
    ) -> list[StoredDocument]:
        """Return the records that match: all, or the first ones in an order."""
        payloads = await self.index.find(
            {"kind": "document", **where}, limit=limit, order_by=order_by, descending=descending
        )
        return [StoredDocument.of(payload) for payload in payloads]

    async def change(self, document_id: str, change: Change) -> tuple[StoredDocument | None, StoredDocument | None]:
        """Change a record; return it as it was and as it is now. `change` is called again where another was faster.

        A change to nothing removes the record; a change to the same leaves it.
        """
        while True:
            before = await self.get(document_id)
            after = change(before)
            if after == before or await self.swap(before, after):
                return before, after

    async def swap(self, before: StoredDocument | None, after: StoredDocument | None) -> bool:
        """Replace a record if it is still as it was read; tell whether it was."""
        assert before or after
        if after is None:
            assert before
            point_id = id_of(before.document_id, "document")
            await self.index.remove_if(point_id, "revision", before.revision)
            return not await self.index.fetch([point_id])
        revision = secrets.token_hex(8)
        earlier = before.revisions if before else ()
        point = replace(after, revisions=(revision, *earlier)[:REVISIONS]).point()
        if before is None:
            await self.index.insert(point)
        elif before.revision:
            await self.index.replace_if(point.id, point.payload, "revision", before.revision)
        else:  # of a version that had none: it gets one, and is looked at again
            await self.index.change([point.id], {"revision": revision, "revisions": [revision]})
            return False
        stored = await self.index.fetch([point.id])
        return any(revision in payload.get("revisions", ()) for payload in stored.values())

    async def rewrite(self, document_id: str) -> None:
        """Store a record as today's version does, with all the fields by which it is looked up."""
        while True:
            record = await self.get(document_id)
            if not record or await self.swap(record, record):
                return

    async def add_share(self, document_id: str, share: Share) -> tuple[StoredDocument, StoredDocument] | None:
        """Share a complete document once more; return the record before and after, None if it is not complete."""
        while True:
            before = await self.get(document_id)
            if not before or not before.complete:
                return None
            after = before.with_share(share)
            if after == before:
                return before, before
            if after.channels != before.channels:
                await self.show(after)
            if await self.swap(before, after):
                return before, after

    async def remove_shares(
        self, document_id: str, goes: Callable[[Share], bool]
    ) -> tuple[StoredDocument, StoredDocument] | None:
        """Take shares away; a document without any goes. Return the record before and after, None if nothing went."""

        def less(record: StoredDocument | None) -> StoredDocument | None:
            return record.without([share for share in record.shares if goes(share)]) if record else None

        before, after = await self.change(document_id, less)
        if not before or not after or before == after:
            return None
        if after.garbage:
            await self.collect(document_id)
        elif after.complete and after.channels != before.channels:
            await self.settle(document_id)
        return before, after

    async def move_shares(self, document_id: str, old: str, new: str) -> None:
        """Follow a conversation to its new id."""

        def moved(record: StoredDocument | None) -> StoredDocument | None:
            return record.moved(old, new) if record else None

        await self.change(document_id, moved)
        await self.settle(document_id)

    async def show(self, record: StoredDocument) -> None:
        """Let the chunks be found where the record is shared."""
        where = of_ingest("chunk", record.document_id, record.ingest)
        await self.index.change_where(where, {"channels": record.channels})

    async def settle(self, document_id: str) -> None:
        """Let the chunks be found exactly where the record says, however it changes meanwhile."""
        while True:
            record = await self.get(document_id)
            if not record or not record.complete:
                return
            await self.show(record)
            current = await self.get(document_id)
            if current and current.revision == record.revision:
                return

    async def collect(self, document_id: str) -> None:
        """Remove the chunks and pages that no reading of the file needs any more."""
        record = await self.get(document_id)
        garbage = record.garbage if record else ()
        for ingest in garbage:
            for kind in ("chunk", "page"):
                await self.index.remove_where(of_ingest(kind, document_id, ingest))

        def cleaned(current: StoredDocument | None) -> StoredDocument | None:
            left = tuple(ingest for ingest in current.garbage if ingest not in garbage) if current else ()
            return replace(current, garbage=left) if current else None

        if garbage:
            await self.change(document_id, cleaned)

    async def sweep(self, older_than_seconds: float) -> int:
        """Finish what was cut short by a kill so long ago that nobody is at it any more; return how much it was."""
        oldest = time.time() - older_than_seconds
        unfinished = await self.find({"unfinished": "yes"})
        for record in unfinished:
            for attempt in record.attempts:
                if attempt.began_at <= oldest:
                    await self.change(record.document_id, without_attempt(attempt.ingest))
            await self.change(record.document_id, lambda current: without_abandoned(current, oldest))
            await self.collect(record.document_id)
            await self.settle(record.document_id)
            await self.change(record.document_id, lambda current: bury(current, oldest))
        return len(unfinished)


def without_attempt(ingest: str) -> Change:
    """Return the change that gives up one reading of a file."""
    return lambda record: record.without_attempt(ingest) if record else None


def without_abandoned(record: StoredDocument | None, oldest: float) -> StoredDocument | None:
    """Take the shares of a document that nobody reads in any more: versions without attempts left such records."""
    if not record or record.complete or record.attempts or record.added_at > oldest:
        return record
    return record.without(record.shares)


def bury(record: StoredDocument | None, oldest: float) -> StoredDocument | None:
    """Remove what is left of a record without shares, once nobody can still be changing it.

    Until then it stays as a mark without words: whoever shares the document meanwhile goes on from its revisions.
    """
    if not record or record.state != EMPTY or record.attempts or record.garbage:
        return record
    if not record.checked_at:
        return replace(record, checked_at=time.time())
    return None if record.checked_at <= oldest else record
