"""Adding a document: one reading of its file, announced first, shown when it is whole, undone when it is taken back."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from indexing.document import Share
from indexing.embedder import Embedder
from indexing.gone import GoneSet, TakenBack
from indexing.ingest import Ingest, Report
from indexing.reading.pool import ReadingLimits
from indexing.records import Change, Records, without_attempt
from indexing.stored import Attempt, StoredDocument, is_replaced_by, name_key, place, shared_at

Both = tuple[StoredDocument | None, StoredDocument]  # the record before and after


@dataclass(frozen=True)
class Adding:
    """What happens to the index when a file is added; `library.py` is its face."""

    records: Records
    embedder: Embedder
    limits: ReadingLimits
    gone: GoneSet

    async def add(self, path: Path, document_id: str, share: Share, title: str, report: Report | None) -> Both:
        """Store a file, or only its share if the document is complete. Raises UnreadableDocument and TakenBack."""
        await self.refuse_gone(document_id, share)
        shared: Both | None = None
        while not shared:
            shared = await self.records.add_share(document_id, share)
            shared = shared or await self._read(path, document_id, share, title, report)
        await self.refuse_gone(document_id, share)
        return shared

    async def refuse_gone(self, document_id: str, share: Share) -> None:
        """Take a share back that Slack said is gone. Raises TakenBack.

        Asked again after the share is written: who tidied before found nothing, who tidies later finds it.
        """
        if await self.gone.among([share]):
            await self.records.remove_shares(document_id, lambda other: place(other) == place(share))
            raise TakenBack

    async def replace_versions(self, document_id: str, share: Share) -> list[str]:
        """Take away the older versions of a share, and return which; raise TakenBack if it is itself the older one."""
        replaced, is_old = [], False
        for record in await self.records.find({"names": name_key(share)}):
            if record.document_id == document_id:
                continue
            is_old |= record.complete and any(is_newer(other, share) for other in record.shares)
            removed = await self.records.remove_shares(record.document_id, lambda old: is_replaced_by(old, share))
            replaced += [record.document_id] if removed else []
        if is_old:
            await self.records.remove_shares(document_id, lambda other: place(other) == place(share))
            raise TakenBack("replaced")
        return replaced

    async def _read(self, path: Path, document_id: str, share: Share, title: str, report: Report | None) -> Both | None:
        """Read the file; return None if another worker completed the document before this one began."""
        attempt = Attempt(secrets.token_hex(8), time.time())
        _before, record = await self.records.change(document_id, announced(document_id, share, attempt))
        if record is None or record.complete:
            return None
        reading = StoredDocument(document_id=document_id, ingest=attempt.ingest)
        try:
            ingest = Ingest(
                self.records.index, self.embedder, self.limits, reading, self._wanted(document_id, share), report
            )
            return await self._show(await ingest.run(path, title), share)
        except BaseException:
            await self._give_up(document_id, attempt.ingest)
            raise

    def _wanted(self, document_id: str, share: Share) -> Callable[[], Awaitable[None]]:
        async def still_wanted() -> None:
            if not has_share(await self.records.get(document_id), share):
                raise TakenBack

        return still_wanted

    async def _show(self, read: StoredDocument, share: Share) -> Both:
        """Make what was read the document, for all who share it by now; another reading may have come before."""
        while True:
            current = await self.records.get(read.document_id)
            if current is None or not has_share(current, share):
                raise TakenBack
            if current.complete:
                await self._give_up(read.document_id, read.ingest)
                return current, current
            whole = completed(current, read)
            await self.records.show(whole)
            if await self.records.swap(current, whole):
                return current, whole

    async def _give_up(self, document_id: str, ingest: str) -> None:
        await self.records.change(document_id, without_attempt(ingest))
        await self.records.collect(document_id)


def announced(document_id: str, share: Share, attempt: Attempt) -> Change:
    """Return the change that begins to read a file: its share is written here and nowhere later."""

    def begin(record: StoredDocument | None) -> StoredDocument:
        if record and (record.complete or attempt in record.attempts):
            return record
        if record is None or not record.shares:
            earlier = record or StoredDocument(document_id=document_id)
            record = replace(earlier, added_at=time.time(), checked_at=0.0)
        return replace(record.with_share(share), attempts=(*record.attempts, attempt))

    return begin


def completed(current: StoredDocument, read: StoredDocument) -> StoredDocument:
    """Return the record with what was read; the attempt that read it is over."""
    return replace(
        read, complete=True, shares=current.shares, added_at=current.added_at, checked_at=current.added_at,
        attempts=tuple(attempt for attempt in current.attempts if attempt.ingest != read.ingest),
        garbage=current.garbage, revisions=current.revisions, unknown=current.unknown,
        unknown_of_shares=current.unknown_of_shares,
    )  # fmt: skip


def has_share(record: StoredDocument | None, share: Share) -> bool:
    """Tell whether a share stands."""
    return record is not None and any(place(other) == place(share) for other in record.shares)


def is_newer(other: Share, share: Share) -> bool:
    """Tell whether another share is a newer version of this one."""
    return is_replaced_by(share, other) and shared_at(other) > shared_at(share)
