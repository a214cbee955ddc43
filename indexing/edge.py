"""Qdrant's engine in this process: the embedded default, its data in a folder.

Every call holds Python's global lock, so calls are small and run in one thread: the event loop gets its turn between.
`optimize()` is never called: it would hold the lock for minutes, and exact search takes about 5 ms at 50,000 chunks.
"""

import asyncio
import functools
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import qdrant_edge as edge

from indexing.vector_store import (
    DENSE,
    KEYWORDS,
    NUMBERS,
    PAGE_WORDS,
    RANK_CONSTANT,
    WORDS,
    Branch,
    Hit,
    Payload,
    Point,
    Where,
)  # fmt: skip

BATCH = 64  # points a call: about 5 ms under the global lock
PAGE = 256  # points a scroll
MOST_VALUES = 1_000_000  # of one field
T = TypeVar("T")


class EdgeIndex:
    """The collection in a folder; one process at a time."""

    def __init__(self, shard: Any, folder: Path | None = None, dimensions: int = 0) -> None:
        self._shard = shard
        self._folder, self._dimensions = folder, dimensions
        self._thread = ThreadPoolExecutor(1, "edge")
        self._writing = asyncio.Lock()  # held by each change, and by a compaction from its beginning to its end
        self._has_removed = True  # since the last compaction; before this process perhaps

    @classmethod
    async def open(cls, folder: Path, dimensions: int) -> "EdgeIndex":
        """Open the folder, or make it."""
        return cls(await asyncio.to_thread(_open, folder, dimensions), folder, dimensions)

    async def put(self, points: Sequence[Point]) -> None:
        for some in point_batches(points):
            await self._update(_upsert, some)

    async def change(self, ids: Sequence[str], fields: Payload) -> None:
        for some in point_batches(ids):
            await self._update(edge.UpdateOperation.set_payload, list(some), fields)

    async def remove(self, ids: Sequence[str]) -> None:
        self._has_removed = True
        for some in point_batches(ids):
            await self._update(edge.UpdateOperation.delete_points, list(some))

    async def change_where(self, where: Where, fields: Payload) -> None:
        async for ids in self._ids(where):
            await self.change(ids, fields)

    async def remove_where(self, where: Where) -> None:
        async for ids in self._ids(where):
            await self.remove(ids)

    async def _ids(self, where: Where) -> AsyncIterator[list[str]]:
        offset: Any = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=PAGE, filter=_filter(where), with_payload=False)
            records, offset = await self._scroll(request)
            yield [str(record.id) for record in records]
            if offset is None:
                return

    async def fetch(self, ids: Sequence[str]) -> dict[str, Payload]:
        records = await self._run(lambda: self._shard.retrieve(list(ids), True, False)) if ids else []
        return {str(record.id): record.payload or {} for record in records}

    async def insert(self, point: Point) -> None:
        await self._update(edge.UpdateOperation.upsert_points, [_point(point)], None, edge.UpdateMode.InsertOnly)

    async def replace_if(self, point_id: str, payload: Payload, field: str, value: str) -> None:
        await self._update(edge.UpdateOperation.overwrite_payload_by_filter, _one_if(point_id, field, value), payload)

    async def remove_if(self, point_id: str, field: str, value: str) -> None:
        await self._update(edge.UpdateOperation.delete_points_by_filter, _one_if(point_id, field, value))

    async def find(
        self, where: Where, *, limit: int = 0, order_by: str = "", descending: bool = False
    ) -> list[Payload]:
        order = edge.OrderBy(order_by, edge.Direction.Desc if descending else edge.Direction.Asc) if order_by else None
        payloads: list[Payload] = []
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=offset, limit=limit or PAGE, filter=_filter(where), with_payload=True, order_by=order
            )
            records, offset = await self._scroll(request)
            payloads += [record.payload or {} for record in records]
            if offset is None or limit:
                return payloads

    async def values(self, field: str, where: Where) -> list[str]:
        request = edge.FacetRequest(key=field, limit=MOST_VALUES, exact=True, filter=_filter(where))
        return [str(hit.value) for hit in (await self._run(lambda: self._shard.facet(request))).hits]

    async def stream(self, where: Where) -> AsyncIterator[list[Point]]:
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=offset, limit=PAGE, filter=_filter(where), with_payload=True, with_vector=True
            )
            records, offset = await self._scroll(request)
            yield [_stored(record) for record in records]
            if offset is None:
                return

    async def count(self, where: Where) -> int:
        request = edge.CountRequest(exact=True, filter=_filter(where))
        return int(await self._run(lambda: self._shard.count(request)))

    async def search(self, branches: Sequence[Branch], where: Where, *, limit: int) -> list[Hit]:
        condition = _filter(where)
        fusion: Any = edge.Fusion.Rrf(k=RANK_CONSTANT, weights=[branch.weight for branch in branches])
        request = edge.QueryRequest(
            limit=limit,
            prefetches=[
                edge.Prefetch(limit=branch.limit, query=_query(branch), filter=condition) for branch in branches
            ],
            query=fusion,
            with_payload=True,
            with_vector=[DENSE, WORDS, PAGE_WORDS],
        )
        points = await self._run(lambda: self._shard.query(request))
        return [_hit(point) for point in points]

    async def compact(self) -> None:
        """Copy what lives into a new folder and drop the old one: the engine itself leaves removed words in its files.

        Searches go on meanwhile, changes wait.
        """
        if not self._has_removed or not self._folder:
            return
        async with self._writing:
            fresh = await asyncio.to_thread(_begin_copy, self._folder, self._dimensions)
            async for points in self.stream({}):
                for some in point_batches(points):
                    await self._run(functools.partial(fresh.update, _upsert(some)))
            await self._run(functools.partial(self._change_over, fresh, self._folder))
            self._has_removed = False

    def _change_over(self, fresh: Any, folder: Path) -> None:
        """Put the copy in the old one's place; in the index' thread, so that nobody finds neither."""
        for shard in (fresh, self._shard):
            shard.flush()
            shard.close()
        old, new = beside(folder)
        folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old)
        self._shard = edge.EdgeShard.load(str(folder))

    async def aclose(self) -> None:
        await self._run(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        self._shard.flush()
        self._shard.close()

    async def _scroll(self, request: Any) -> Any:
        return await self._run(lambda: self._shard.scroll(request))

    async def _update(self, operation: Callable[..., Any], *arguments: Any) -> None:
        async with self._writing:
            await self._run(lambda: self._shard.update(operation(*arguments)))

    async def _run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


async def compact_folder(folder: Path) -> None:
    """Let no removed word stay in the files of an index that nobody uses; it goes into a back-up next."""
    described = await asyncio.to_thread((folder / "edge_config.json").read_text)
    index = await EdgeIndex.open(folder, int(json.loads(described)["vectors"][DENSE]["size"]))
    await index.compact()
    await index.aclose()


def beside(folder: Path) -> tuple[Path, Path]:
    """Return where the old folder lies while a copy takes its place, and where that copy is made."""
    return folder.with_name(f"{folder.name}.old"), folder.with_name(f"{folder.name}.new")


def _begin_copy(folder: Path, dimensions: int) -> Any:
    _old, new = beside(folder)
    shutil.rmtree(new, ignore_errors=True)
    return _open(new, dimensions)


def _recover(folder: Path) -> None:
    """Go back to the old folder where a kill came between the two renamings; drop what a compaction left."""
    old, new = beside(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (old, new):
        shutil.rmtree(left, ignore_errors=True)


def _open(folder: Path, dimensions: int) -> Any:
    if not folder.name.endswith(".new"):
        _recover(folder)
    if folder.exists() and any(folder.iterdir()):
        shard = edge.EdgeShard.load(str(folder))
        _index_fields(shard)
        return shard
    folder.mkdir(parents=True, exist_ok=True)
    shard = edge.EdgeShard.create(
        str(folder),
        edge.EdgeConfig(
            vectors={DENSE: edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)},
            sparse_vectors={
                name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf) for name in (WORDS, PAGE_WORDS)
            },
        ),
    )
    _index_fields(shard)
    shard.flush()
    return shard


def _index_fields(shard: Any) -> None:
    """Index the fields that are filtered or ordered by; those that are indexed already cost nothing."""
    for name in KEYWORDS:
        shard.update(edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Keyword))
    for name in NUMBERS:
        shard.update(edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Float))


def _upsert(points: Sequence[Point]) -> Any:
    return edge.UpdateOperation.upsert_points([_point(point) for point in points])


def _point(point: Point) -> Any:
    vectors: dict[str, Any] = {}
    if point.dense is not None:
        vectors[DENSE] = point.dense.tolist()
    if point.words:
        vectors[WORDS] = _sparse(point.words)
    if point.page_words:
        vectors[PAGE_WORDS] = _sparse(point.page_words)
    return edge.Point(point.id, vectors, point.payload)


def _sparse(weights: dict[int, float]) -> Any:
    return edge.SparseVector(list(weights.keys()), list(weights.values()))


def _query(branch: Branch) -> Any:
    vector = _sparse(branch.query) if isinstance(branch.query, dict) else branch.query.tolist()
    return edge.Query.Nearest(vector, using=branch.using)


def _filter(where: Where) -> Any:
    return edge.Filter(must=[_condition(name, value) for name, value in where.items()])


def _condition(name: str, value: str | Sequence[str] | None) -> Any:
    if value is None:
        return edge.IsEmptyCondition(name)
    return edge.FieldCondition(
        name, match=edge.MatchValue(value) if isinstance(value, str) else edge.MatchAny(list(value))
    )


def _one_if(point_id: str, field: str, value: str) -> Any:
    return edge.Filter(must=[edge.HasIdCondition({point_id}), _condition(field, value)])


def _stored(record: Any) -> Point:
    vectors = record.vector or {}
    sparse = {
        name: dict(zip(vectors[name].indices, vectors[name].values, strict=True)) if name in vectors else {}
        for name in (WORDS, PAGE_WORDS)
    }
    dense = np.asarray(vectors[DENSE], np.float32) if DENSE in vectors else None
    return Point(
        id=str(record.id), payload=record.payload or {}, dense=dense, words=sparse[WORDS],
        page_words=sparse[PAGE_WORDS],
    )  # fmt: skip


def _hit(point: Any) -> Hit:
    vectors = point.vector or {}
    words, page_words = (frozenset(vectors[name].indices if name in vectors else ()) for name in (WORDS, PAGE_WORDS))
    dense = np.asarray(vectors.get(DENSE, []), np.float32)
    return Hit(str(point.id), point.payload or {}, dense, float(point.score), words, page_words)


def point_batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into stretches that one call may take."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
