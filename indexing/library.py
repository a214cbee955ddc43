"""The library: documents in, passages out, always for an audience."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexing.audience import Audience
from indexing.document import Document, Passage, Share


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a file that was added."""

    document: Document
    known: bool  # the same bytes were stored already: only the share is new
    replaced: bool  # a former version under this name in this conversation went
    scanned_pages: tuple[int, ...]  # no text and no OCR at hand
    ocr_pages: tuple[int, ...]
    failed_pages: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page's text, for those who read a document whole."""

    number: int  # 1-based
    text: str


Report = Callable[[str, int, int], None]  # stage ("reading", "embedding", "storing"), done, total


class Library:
    """All documents; every way to read takes the audience and fails closed."""

    async def add(self, path: Path, share: Share, *, report: Report | None = None) -> Receipt:
        """Read, chunk, embed and store a file, or only its share if the bytes are known.

        Raises indexing.reading.Unreadable with a reason: not_a_pdf, html, empty, damaged, encrypted,
        no_text, too_many_pages, too_slow.
        """
        raise NotImplementedError

    async def search(
        self, questions: list[str], *, readable_by: Audience, limit: int = 6, document_id: str = ""
    ) -> list[Passage]:
        """Return the best passages for any of the phrasings (first one counts most), best first."""
        raise NotImplementedError

    async def documents(self, readable_by: Audience) -> list[Document]:
        """Return the documents that may be seen, newest first; shares outside the audience are left out."""
        raise NotImplementedError

    async def pages(self, document_id: str, *, readable_by: Audience) -> list[Page]:
        """Return a document's text page by page; empty if it may not be seen."""
        raise NotImplementedError

    async def unshare(self, *, file_id: str = "", channel: str = "", ts: str = "", document_id: str = "") -> int:
        """Remove the shares that match all given fields; a document without shares goes. Return how many went."""
        raise NotImplementedError

    async def forget_person(self, user: str) -> int:
        """Remove what this person shared; return the number of shares that went."""
        raise NotImplementedError

    async def shares(self) -> list[Share]:
        """Return all shares, for the nightly reconciliation with Slack."""
        raise NotImplementedError

    @property
    def threshold(self) -> float:
        """The relevance below which a question is refused without asking the model."""
        raise NotImplementedError
