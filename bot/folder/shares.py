"""The files of a folder as shares of one channel: read once, again when they change, removed when they are gone."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.folder.wanted import Wanted
from handlers.context.ingest import counts
from handlers.text.messages import say
from indexing.audience import Audience
from indexing.document import IMPORTED, Share
from indexing.gone import TakenBack
from indexing.library import Library, Receipt, content_id
from indexing.reading.pool import UnreadableDocument

FEW = 10  # files that may be gone at once whatever their share
MOST_GONE = 0.5  # of the known files: where more are missing, the folder is rather not mounted

Remove = Callable[[Share], Awaitable[None]]


@dataclass(frozen=True)
class ReportLine:
    """What became of one file."""

    name: str
    outcome: str  # read, known, not read, removed
    about: str  # the receipt, or why it was not read
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FolderShares:
    """One folder in the library, for the members of one channel."""

    wanted: Wanted
    channel: str
    library: Library
    most_bytes: int
    links: str = ""  # where people open the files: this address and the name of a file
    remove: Remove | None = None  # takes away what was said from a file, too; else the library alone forgets it

    @property
    def prefix(self) -> str:
        """Return how the file ids of this folder begin: two folders in one channel do not get in each other's way."""
        return IMPORTED + digest(f"{self.channel}/{self.wanted.folder.resolve()}")[:12] + "-"

    def share_of(self, path: Path) -> Share:
        """Return the share of a file: the same file under the same name is one, however often it is read."""
        name = self.wanted.name_of(path)
        link = f"{self.links.rstrip('/')}/{quote(name)}" if self.links else ""
        changed = f"{path.stat().st_mtime:.6f}"
        file_id = self.prefix + digest(name)[:20]
        return Share(channel=self.channel, file_id=file_id, user="", ts=changed, permalink=link, name=name)

    async def read(self, path: Path) -> ReportLine:
        """Read one file into the library; say what became of it."""
        started, name = time.monotonic(), self.wanted.name_of(path)
        try:
            outcome, about = await self._read(path)
        except UnreadableDocument as refused:
            outcome, about = "not read", say(f"files.{refused.reason}", "en", **refused.values)
        except TakenBack as gone:
            outcome, about = "not read", say(f"files.{gone.reason}", "en")
        except OSError as error:  # gone meanwhile, or another's
            outcome, about = "not read", f"The file could not be opened: {error.strerror}."
        return ReportLine(name, outcome, about, time.monotonic() - started)

    async def _read(self, path: Path) -> tuple[str, str]:
        share = await asyncio.to_thread(self.share_of, path)
        size = (await asyncio.to_thread(path.stat)).st_size
        if size > self.most_bytes:
            raise UnreadableDocument("too_big", megabytes=-(-size // 2**20), limit_megabytes=self.most_bytes // 2**20)
        if await self._is_known(path, share):
            return "known", "It was read before."
        receipt = await self._add(path, share)
        return ("known" if receipt.known else "read"), counts(receipt, receipt.known, "en")

    async def _is_known(self, path: Path, share: Share) -> bool:
        """Tell whether this file, as it is now, was read whole; that only its time changed makes no second share."""
        document = await self.library.document(
            await asyncio.to_thread(content_id, path), readable_by=Audience(frozenset({self.channel}))
        )
        return document is not None and any(one.file_id == share.file_id for one in document.shares)

    async def _add(self, path: Path, share: Share) -> Receipt:
        """Add a file; what the folder has now counts, also where it is older than what it had before."""
        try:
            return await self.library.add(path, share)
        except TakenBack as gone:
            if gone.reason != "replaced":
                raise
        await (self.remove or self._forget)(share)
        return await self.library.add(path, share)

    async def remove_gone(self, *, even_most: bool = False) -> list[ReportLine]:
        """Forget the files that are not in the folder any more; none where most are missing, unless that is meant."""
        known = [share for share in await self.library.shares() if share.file_id.startswith(self.prefix)]
        gone = [share for share in known if not await asyncio.to_thread(self._is_there, share)]
        if not even_most and len(gone) > max(FEW, MOST_GONE * len(known)):
            about = f"{len(gone)} of {len(known)} files are missing: is {self.wanted.folder} mounted? None was removed."
            return [ReportLine("", "not removed", about)]
        for share in gone:
            await (self.remove or self._forget)(share)
        return [ReportLine(share.name, "removed", "It is not in the folder any more.") for share in gone]

    def _is_there(self, share: Share) -> bool:
        return (self.wanted.folder / share.name).is_file()

    async def _forget(self, share: Share) -> None:
        await self.library.unshare(file_id=share.file_id, channel=share.channel)


def digest(text: str) -> str:
    """Return a short text for a longer one."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
