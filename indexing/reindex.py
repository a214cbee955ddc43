"""Reindexing: the same passages under another embedding model, in a collection beside, which then takes its place."""

from collections.abc import Callable
from dataclasses import replace

from indexing.chunks import Chunk
from indexing.embedder import Embedder
from indexing.index_card import IndexCard, write_card
from indexing.records import Records
from indexing.sparse import AVERAGE_PAGE_TERMS, of_passage
from indexing.stored import WHOLE, StoredDocument, chunk_point, of_ingest, part_id
from indexing.vector_store import Payload, Point, VectorIndex

PASSAGES_TOGETHER = 64
Report = Callable[[int, int], None]  # documents done, of how many


async def copy_documents(old: VectorIndex, new: VectorIndex, embedder: Embedder, report: Report) -> int:
    """Copy every document that is shared, embedded anew; return how many there are.

    What a run before has copied is left as it is: a copy carries the revision of its original, written last.
    """
    originals = await Records(old).find({"state": WHOLE})
    copies = {record.document_id: record.revision for record in await Records(new).find({"state": WHOLE})}
    for done, record in enumerate(originals, 1):
        if copies.get(record.document_id) != record.revision:
            await _copy(record, old, new, embedder)
        report(done, len(originals))
    return len(originals)


async def take_the_place(old: VectorIndex, new: VectorIndex, card: IndexCard, made: IndexCard, name: str) -> None:
    """Let the new collection take the old one's place; of the old one nothing but the way to it stays."""
    there = {record.document_id for record in await Records(old).find({"state": WHOLE})}
    for record in await Records(new).find({}):
        if record.document_id not in there:  # deleted since it was copied
            await new.remove_where({"document_id": record.document_id})
    await write_card(new, made)
    await write_card(old, replace(card, moved_to=name))
    for kind in ("chunk", "page", "document"):
        await old.remove_where({"kind": kind})


async def _copy(record: StoredDocument, old: VectorIndex, new: VectorIndex, embedder: Embedder) -> None:
    await new.remove_where({"document_id": record.document_id})
    pages = await old.find(of_ingest("page", record.document_id, record.ingest))
    chunks = await old.find(of_ingest("chunk", record.document_id, record.ingest))
    texts = {int(page["number"]): str(page["text"]) for page in pages}
    for start in range(0, len(chunks), PASSAGES_TOGETHER):
        await new.put(await _embedded(record, chunks[start : start + PASSAGES_TOGETHER], texts, embedder))
    copied = replace(record, attempts=(), garbage=())
    await new.put([Point(id=page_id(page, record), payload=page) for page in pages])
    await new.put([copied.point()])


def page_id(page: Payload, record: StoredDocument) -> str:
    """Return the id of a stored page."""
    return part_id(record.document_id, record.ingest, "page", int(page["number"]))


async def _embedded(
    record: StoredDocument, chunks: list[Payload], texts: dict[int, str], embedder: Embedder
) -> list[Point]:
    names = Chunk.__dataclass_fields__
    made = [Chunk(**{name: chunk[name] for name in names}) for chunk in chunks]
    contexts = ["\n".join(part for part in (record.title, chunk.heading, chunk.text) if part) for chunk in made]
    vectors = await embedder.embed_passages(contexts)
    points = []
    for chunk, vector in zip(made, vectors, strict=True):
        page = of_passage(f"{chunk.heading}\n{texts.get(chunk.page, '')}", record.language, AVERAGE_PAGE_TERMS)
        point = chunk_point(
            record.document_id, record.ingest, chunk, vector, language=record.language, page_words=page
        )  # fmt: skip
        points.append(replace(point, payload=point.payload | {"channels": record.channels}))
    return points
