"""Where points are kept: one protocol, two classes (edge.py in process, qdrant.py over the network)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from indexing.vectors import Vectors

Payload = dict[str, Any]

# A field must be (or contain) the value, or any of the values; None: it must be missing or empty. An empty sequence of
# values matches nothing.
Where = Mapping[str, str | Sequence[str] | None]

DENSE, WORDS, PAGE_WORDS = "dense", "words", "page_words"  # the vectors of a chunk
Sparse = dict[int, float]
KEYWORDS = (  # payload fields that are filtered by
    "kind", "document_id", "channels", "file_ids", "users", "messages", "names", "language", "state", "ingest",
    "revision", "unfinished", "name_words", "slice",
)  # fmt: skip
NUMBERS = ("added_at", "checked_at")  # payload fields that are ordered by


@dataclass(frozen=True, kw_only=True)
class Point:
    """A thing in the index; a chunk has vectors, a document record or a page has none."""

    id: str  # a UUID
    payload: Payload
    dense: Vectors | None = None
    words: Sparse = field(default_factory=dict)
    page_words: Sparse = field(default_factory=dict)  # of the whole page that the chunk stands on


@dataclass(frozen=True)
class Branch:
    """One ranking that goes into the fusion: by a dense or by a sparse vector."""

    using: str  # which vector of the chunks
    query: "Vectors | Sparse"
    weight: float
    limit: int


@dataclass(frozen=True)
class Hit:
    """A point that a search found."""

    id: str
    payload: Payload
    dense: Vectors
    score: float  # of the fusion
    words: frozenset[int] = frozenset()  # the dimensions of its sparse vectors
    page_words: frozenset[int] = frozenset()


class VectorIndex(Protocol):
    """Points by id, by field and by vector. Every change is durable when the call returns."""

    async def put(self, points: Sequence[Point]) -> None:
        """Insert points, or replace those with the same id."""

    async def change(self, ids: Sequence[str], fields: Payload) -> None:
        """Set payload fields of these points."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Remove points; ids that are not there do no harm."""

    async def change_where(self, where: Where, fields: Payload) -> None:
        """Set payload fields of all points that match."""

    async def remove_where(self, where: Where) -> None:
        """Remove all points that match."""

    async def fetch(self, ids: Sequence[str]) -> dict[str, Payload]:
        """Return the payloads of those points that are there."""

    async def insert(self, point: Point) -> None:
        """Insert a point without vectors, unless one with its id is there; in one step."""

    async def replace_if(self, point_id: str, payload: Payload, field: str, value: str) -> None:
        """Replace a point's whole payload if this field of it still has this value; in one step."""

    async def remove_if(self, point_id: str, field: str, value: str) -> None:
        """Remove a point if this field of it still has this value; in one step."""

    async def find(
        self, where: Where, *, limit: int = 0, order_by: str = "", descending: bool = False
    ) -> list[Payload]:
        """Return the payloads of the points that match: all, or the first ones in the order of a number of theirs."""

    async def values(self, field: str, where: Where) -> list[str]:
        """Return the different values that a keyword field has among the points that match."""

    def stream(self, where: Where) -> AsyncIterator[list[Point]]:
        """Yield the points that match with all their vectors, some at a time."""

    async def count(self, where: Where) -> int:
        """Return how many points match."""

    async def search(self, branches: Sequence[Branch], where: Where, *, limit: int) -> list[Hit]:
        """Return the points that match, ranked by reciprocal rank fusion of the branches, in one query."""

    async def compact(self) -> None:
        """Let nothing that was removed stay on the disk."""

    async def aclose(self) -> None:
        """Write everything down and let go."""


RANK_CONSTANT = 30  # of Qdrant's weighted fusion; see tests/evaluation/README.md
