"""What the index holds of a document: its record, its chunks, its pages, each with an id that comes from content."""

import json
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from indexing.audience import Audience
from indexing.chunks import Chunk, Outline
from indexing.document import Document, Share
from indexing.sparse import PART, of_passage, without_accents
from indexing.vector_store import Payload, Point, Sparse
from indexing.vectors import Vectors

NAMESPACE = uuid.UUID("6f6c696f-0000-4000-8000-000000000001")
WHOLE, OPEN, EMPTY = "whole", "open", "empty"  # states: may be read; is being read in; nothing is shared any more
REVISIONS = 32  # that a record remembers: whoever changed it must find its own among them, however busy it is
SLICES = 256  # of all documents: the night looks at one after the other
DERIVED = frozenset({
    "kind", "slice", "state", "unfinished", "revision", "channels", "file_ids", "users", "messages", "names",
    "name_words",
})  # fmt: skip
OUTLINE_PAGE = 0
LISTS = ("scanned", "ocr", "failed", "labels", "garbage", "revisions")
PlaceOfShare = tuple[str, str, str]  # channel, file id, ts


@dataclass(frozen=True)
class Attempt:
    """A reading of the file that is under way; or was, when a process died."""

    ingest: str
    began_at: float


@dataclass(frozen=True, kw_only=True)
class StoredDocument:
    """A document as it is stored; `complete` once all its chunks are.

    Chunks and pages belong to one reading of the file (`ingest`): several may be under way, one becomes the document's,
    the others are garbage. What is garbage stands here until it is removed, so that no kill leaves words behind.
    """

    document_id: str
    title: str = ""
    own_title: str = ""  # in the file itself: nobody's name for it, so whoever may read it may know
    pages: int = 0
    pages_with_text: int = 0
    chunks: int = 0
    language: str = ""
    added_at: float = 0.0
    checked_at: float = 0.0  # when it was last compared with Slack
    complete: bool = False
    scanned: tuple[int, ...] = ()
    ocr: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()  # what people call its pages
    notes: tuple[tuple[str, str], ...] = ()  # what of it was not read
    shares: tuple[Share, ...] = ()
    ingest: str = ""  # whose chunks and pages are the document's; "" for those of before there were several
    attempts: tuple[Attempt, ...] = ()
    garbage: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()  # newest first; one for each change
    unknown: Mapping[str, Any] = field(default_factory=dict)  # what a newer version stored beside
    unknown_of_shares: Mapping[PlaceOfShare, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, payload: Payload) -> "StoredDocument":
        """Read a stored record, of an older or a newer version too."""
        names = {one.name for one in fields(cls)} - {"unknown", "unknown_of_shares"}
        known = {name: value for name, value in payload.items() if name in names}
        shares, beside = shares_of(payload.get("shares") or ())
        lists = {name: tuple(known.get(name) or ()) for name in LISTS}
        notes = tuple((key, about) for key, about in payload.get("notes") or ())
        attempts = tuple(Attempt(one["ingest"], one["began_at"]) for one in payload.get("attempts") or ())
        unknown = {name: value for name, value in payload.items() if name not in names | DERIVED}
        return cls(
            **known | lists | {"shares": shares, "attempts": attempts, "notes": notes},
            unknown=unknown,
            unknown_of_shares=beside,
        )

    def payload(self) -> Payload:
        """Return what is stored: the record and the fields by which it is looked up."""
        stored = asdict(self)
        unknown, beside = stored.pop("unknown"), stored.pop("unknown_of_shares")
        stored["shares"] = [asdict(share) | dict(beside.get(place(share), {})) for share in self.shares]
        return dict(unknown) | stored | {
            "kind": "document",
            "slice": slice_of(self.document_id),
            "state": self.state,
            "unfinished": "no" if self.is_finished else "yes",
            "revision": self.revision,
            "channels": self.channels,
            "file_ids": sorted({share.file_id for share in self.shares}),
            "users": sorted({share.user for share in self.shares}),
            "messages": sorted({f"{share.channel}:{share.ts}" for share in self.shares}),
            "names": sorted({name_key(share) for share in self.shares}),
            "name_words": name_words(self) or [""],
        }  # fmt: skip

    def point(self) -> Point:
        """Return the record as a point without vectors."""
        return Point(id=id_of(self.document_id, "document"), payload=self.payload())

    @property
    def revision(self) -> str:
        """Return what its next change must find unchanged."""
        return self.revisions[0] if self.revisions else ""

    @property
    def state(self) -> str:
        """Return whether it may be read."""
        if not self.shares:
            return EMPTY
        return WHOLE if self.complete else OPEN

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is left to be done about it."""
        return self.state == WHOLE and not self.attempts and not self.garbage

    @property
    def channels(self) -> list[str]:
        """Return where it is shared."""
        return sorted({share.channel for share in self.shares})

    def seen_by(self, audience: Audience, hidden: frozenset[Share] = frozenset()) -> Document | None:
        """Return the document as this audience knows it; None if no share is theirs or it is not complete."""
        shares = tuple(share for share in self.shares if share.channel in audience and share not in hidden)
        return self.document(shares) if shares and self.complete else None

    def document(self, shares: Sequence[Share]) -> Document:
        """Return the document with these shares, under the name of the newest."""
        return Document(
            id=self.document_id, name=newest(shares).name if shares else self.title, pages=self.pages,
            pages_with_text=self.pages_with_text, chunks=self.chunks, language=self.language,
            added_at=self.added_at, shares=tuple(shares), labels=self.labels, scans=self.ocr, title=self.own_title,
        )  # fmt: skip

    def with_share(self, share: Share) -> "StoredDocument":
        """Return it with one more share; the same file in the same message counts once, for whom it came from."""
        if any(place(other) == place(share) and other.name == share.name for other in self.shares):
            return self
        others = tuple(other for other in self.shares if place(other) != place(share))
        return replace(self, shares=(*others, share))

    def without(self, shares: Iterable[Share]) -> "StoredDocument":
        """Return it without these shares; without any nothing is left of it but what is to be removed."""
        going = frozenset(shares)
        left = tuple(share for share in self.shares if share not in going)
        if left or not self.shares:
            return replace(self, shares=left)
        garbage = self.garbage if self.attempts and not self.complete else (*self.garbage, self.ingest)
        return StoredDocument(
            document_id=self.document_id, added_at=self.added_at, attempts=self.attempts, garbage=garbage,
            revisions=self.revisions,
        )  # fmt: skip

    def moved(self, old: str, new: str) -> "StoredDocument":
        """Return it with the shares of one conversation in another."""
        moved = (replace(share, channel=new) if share.channel == old else share for share in self.shares)
        return replace(self, shares=tuple(moved))

    def without_attempt(self, ingest: str) -> "StoredDocument":
        """Return it without an attempt that came to nothing, whose chunks are garbage."""
        attempts = tuple(attempt for attempt in self.attempts if attempt.ingest != ingest)
        if len(attempts) == len(self.attempts):
            return self
        ended = replace(self, attempts=attempts, garbage=(*self.garbage, ingest))
        return ended if ended.complete or attempts else ended.without(ended.shares)


def shares_of(stored: Iterable[Mapping[str, Any]]) -> tuple[tuple[Share, ...], dict[PlaceOfShare, dict[str, Any]]]:
    """Return stored shares, and by place what else a newer version stored with them."""
    names = [one.name for one in fields(Share)]
    shares, beside = [], {}
    for each in stored:
        shares.append(Share(**{name: str(each.get(name, "")) for name in names}))
        if more := {name: value for name, value in each.items() if name not in names}:
            beside[place(shares[-1])] = more
    return tuple(shares), beside


def slice_of(document_id: str) -> str:
    """Return to which slice of all documents one belongs."""
    return str(zlib.crc32(document_id.encode()) % SLICES)


def place(share: Share) -> PlaceOfShare:
    """Return what makes a share itself."""
    return share.channel, share.file_id, share.ts


def name_key(share: Share) -> str:
    """Return what versions of one file have in common: the conversation, the person, the name."""
    return f"{share.channel}:{share.user}:{share.name}"


def name_words(record: StoredDocument) -> list[str]:
    """Return the words by which a document may be called: of the names it is shared under, and of its own title."""
    names = [Path(share.name).stem for share in record.shares]
    return sorted({word for name in (*names, record.own_title) for word in words_of_name(name)})


def words_of_name(name: str) -> list[str]:
    """Return the words of a name as they are looked up."""
    return PART.findall(without_accents(name.casefold()))


def is_replaced_by(old: Share, new: Share) -> bool:
    """Tell whether a share is a newer version of another: same conversation, person and name, in a later message."""
    if name_key(old) != name_key(new):
        return False
    return old.file_id == new.file_id or shared_at(old) < shared_at(new)


def shared_at(share: Share) -> tuple[float, str]:
    """Return what shares are ordered by: the time of their message."""
    try:
        return float(share.ts), ""
    except ValueError:
        return 0.0, share.ts


def newest(shares: Iterable[Share]) -> Share:
    """Return the share of the newest message."""
    return max(shares, key=shared_at)


def id_of(document_id: str, *what: object) -> str:
    """Return the id of a part of a document: the same content has the same id."""
    return str(uuid.uuid5(NAMESPACE, ":".join(map(str, (document_id, *what)))))


def part_id(document_id: str, ingest: str, kind: str, number: int) -> str:
    """Return the id of a chunk or a page of one reading of the file."""
    return id_of(document_id, *((ingest,) if ingest else ()), kind, number)


def of_ingest(kind: str, document_id: str, ingest: str) -> dict[str, str | None]:
    """Return the filter for all chunks or pages of one reading of the file."""
    return {"kind": kind, "document_id": document_id, "ingest": ingest or None}


def chunk_point(  # noqa: PLR0913  # what a chunk is stored with, once
    document_id: str, ingest: str, chunk: Chunk, vector: Vectors, *, language: str, page_words: Sparse
) -> Point:
    """Return a chunk as a point that nobody may read yet."""
    payload: dict[str, Any] = asdict(chunk) | {
        "kind": "chunk", "document_id": document_id, "ingest": ingest, "channels": [], "language": language,
    }  # fmt: skip
    return Point(
        id=part_id(document_id, ingest, "chunk", chunk.position),
        payload=payload,
        dense=vector,
        words=of_passage(f"{chunk.heading}\n{chunk.text}", language),
        page_words=page_words,
    )


def page_point(document_id: str, ingest: str, number: int, text: str) -> Point:
    """Return a page as a point without vectors, for those who read a document whole."""
    payload = {"kind": "page", "document_id": document_id, "ingest": ingest, "number": number, "text": text}
    return Point(id=part_id(document_id, ingest, "page", number), payload=payload)


def outline_point(document_id: str, ingest: str, sections: Outline) -> Point:
    """Return a document's outline as its page 0: whatever copies or removes the pages takes it along."""
    return page_point(document_id, ingest, OUTLINE_PAGE, json.dumps(sections, ensure_ascii=False))
