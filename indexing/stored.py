"""What the index holds of a document: its record, its chunks, its pages, each with an id that comes from content."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from indexing.audience import Audience
from indexing.chunks import Chunk
from indexing.document import Document, Share
from indexing.sparse import of_passage
from indexing.vector_store import Payload, Point, Sparse
from indexing.vectors import Vectors

NAMESPACE = uuid.UUID("6f6c696f-0000-4000-8000-000000000001")


@dataclass(frozen=True, kw_only=True)
class StoredDocument:
    """A document as it is stored; `complete` once all its chunks are."""

    document_id: str
    title: str = ""
    pages: int = 0
    pages_with_text: int = 0
    chunks: int = 0
    language: str = ""
    added_at: float
    complete: bool = False
    scanned: tuple[int, ...] = ()
    ocr: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()  # what people call its pages
    notes: tuple[tuple[str, str], ...] = ()  # what of it was not read
    shares: tuple[Share, ...] = ()

    @classmethod
    def of(cls, payload: Payload) -> "StoredDocument":
        """Read a stored record."""
        fields = {name: payload[name] for name in cls.__dataclass_fields__ if name in payload}
        lists = {name: tuple(fields.get(name, ())) for name in ("scanned", "ocr", "failed", "labels")}
        notes = tuple((key, about) for key, about in fields.get("notes", ()))
        return cls(**fields | lists | {"notes": notes, "shares": tuple(Share(**share) for share in fields["shares"])})

    def point(self) -> Point:
        """Return the record as a point without vectors."""
        payload = asdict(self) | {
            "kind": "document",
            "channels": self.channels,
            "file_ids": sorted({share.file_id for share in self.shares}),
            "users": sorted({share.user for share in self.shares}),
        }
        return Point(id=id_of(self.document_id, "document"), payload=payload)

    @property
    def channels(self) -> list[str]:
        """Return where it is shared."""
        return sorted({share.channel for share in self.shares})

    def seen_by(self, audience: Audience) -> Document | None:
        """Return the document as this audience knows it; None if no share is theirs or it is not complete."""
        shares = tuple(share for share in self.shares if share.channel in audience)
        return self.document(shares) if shares and self.complete else None

    def document(self, shares: Sequence[Share]) -> Document:
        """Return the document with these shares, under the name of the newest."""
        return Document(
            id=self.document_id, name=newest(shares).name if shares else self.title, pages=self.pages,
            pages_with_text=self.pages_with_text, chunks=self.chunks, language=self.language,
            added_at=self.added_at, shares=tuple(shares), labels=self.labels,
        )  # fmt: skip

    def with_share(self, share: Share) -> "StoredDocument":
        """Return it with one more share; the same file in the same message counts once."""
        others = tuple(other for other in self.shares if place(other) != place(share))
        return replace(self, shares=(*others, share))


def place(share: Share) -> tuple[str, str, str]:
    """Return what makes a share itself."""
    return share.channel, share.file_id, share.ts


def newest(shares: Iterable[Share]) -> Share:
    """Return the share of the newest message."""
    return max(shares, key=lambda share: share.ts)


def id_of(document_id: str, *what: object) -> str:
    """Return the id of a part of a document: the same content has the same id."""
    return str(uuid.uuid5(NAMESPACE, ":".join(map(str, (document_id, *what)))))


def chunk_point(document_id: str, chunk: Chunk, vector: Vectors, *, language: str, page_words: Sparse) -> Point:
    """Return a chunk as a point that nobody may read yet."""
    payload: dict[str, Any] = asdict(chunk) | {
        "kind": "chunk", "document_id": document_id, "channels": [], "language": language,
    }  # fmt: skip
    return Point(
        id=id_of(document_id, "chunk", chunk.position),
        payload=payload,
        dense=vector,
        words=of_passage(f"{chunk.heading}\n{chunk.text}", language),
        page_words=page_words,
    )


def page_point(document_id: str, number: int, text: str) -> Point:
    """Return a page as a point without vectors, for those who read a document whole."""
    payload = {"kind": "page", "document_id": document_id, "number": number, "text": text}
    return Point(id=id_of(document_id, "page", number), payload=payload)
