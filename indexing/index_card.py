"""What an index was made with: written into it, compared at every start."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, fields

from indexing.stored import id_of
from indexing.vector_store import Point, VectorIndex

FORMAT = 2  # of records, chunks and pages; migrations.py raises an older one
WORDS_VERSION = 1  # of the sparse vectors: another way to cut or stem words needs a reindex
CARD = id_of("index", "card")


@dataclass(frozen=True, kw_only=True)
class IndexCard:
    """The model and the formats of an index."""

    model: str  # the folder's name, for people
    weights: str  # sha256 of weights and tokeniser
    dimensions: int
    words: int = WORDS_VERSION
    format: int = FORMAT
    moved_to: str = ""  # the collection that took this one's place

    def fits(self, other: "IndexCard") -> bool:
        """Tell whether vectors of both may be compared."""
        return (self.weights, self.dimensions, self.words) == (other.weights, other.dimensions, other.words)


class OtherModel(Exception):
    """The index was made with another embedding model than the one that is set."""

    def __init__(self, stored: IndexCard, current: IndexCard) -> None:
        super().__init__(f"made with {stored.model}, not {current.model}")
        self.stored, self.current = stored, current


async def read_card(index: VectorIndex) -> IndexCard | None:
    """Return an index' card; None if it is new, or older than cards are."""
    payload = (await index.fetch([CARD])).get(CARD)
    names = {one.name for one in fields(IndexCard)}
    return IndexCard(**{name: value for name, value in payload.items() if name in names}) if payload else None


async def write_card(index: VectorIndex, card: IndexCard) -> None:
    """Write an index' card."""
    await index.put([Point(id=CARD, payload=asdict(card) | {"kind": "index"})])


async def current_index(
    collection: str, open_index: Callable[[str], Awaitable[VectorIndex]]
) -> tuple[VectorIndex, str, IndexCard | None]:
    """Open a collection, or the one that took its place; return it with its name and card."""
    while True:
        index = await open_index(collection)
        card = await read_card(index)
        if not card or not card.moved_to:
            return index, collection, card
        await index.aclose()
        collection = card.moved_to
