"""A Qdrant server by its URL: the same collection for many processes. Tests use the client's own local mode."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from qdrant_client import AsyncQdrantClient, models

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

BATCH = 64
PAGE = 256
MOST_VALUES = 1_000_000  # of one field
STRONG = models.WriteOrdering.STRONG  # changes that depend on what is there, in a cluster too


class QdrantIndex:
    """The collection on a server."""

    def __init__(self, client: AsyncQdrantClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    @classmethod
    async def open(
        cls, client: AsyncQdrantClient, collection: str, dimensions: int, *, quantize: bool = False
    ) -> "QdrantIndex":
        """Make the collection with its payload indexes where it is not there yet."""
        if not await client.collection_exists(collection):
            scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
            await client.create_collection(
                collection,
                vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={
                    name: models.SparseVectorParams(modifier=models.Modifier.IDF) for name in (WORDS, PAGE_WORDS)
                },
                quantization_config=models.ScalarQuantization(scalar=scalar) if quantize else None,
            )
        await cls._index_fields(client, collection)
        return cls(client, collection)

    @staticmethod
    async def _index_fields(client: AsyncQdrantClient, collection: str) -> None:
        for name in KEYWORDS:
            # The channel is what every search is bound to: the server keeps one channel's points together.
            schema = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=name == "channels")
            await client.create_payload_index(collection, name, schema, wait=True)
        for name in NUMBERS:
            await client.create_payload_index(collection, name, models.PayloadSchemaType.FLOAT, wait=True)

    async def put(self, points: Sequence[Point]) -> None:
        for start in range(0, len(points), BATCH):
            some = [_point(point) for point in points[start : start + BATCH]]
            await self._client.upsert(self._collection, some, wait=True)

    async def change(self, ids: Sequence[str], fields: Payload) -> None:
        if ids:
            await self._client.set_payload(self._collection, fields, points=list(ids), wait=True)

    async def remove(self, ids: Sequence[str]) -> None:
        if ids:
            await self._client.delete(self._collection, models.PointIdsList(points=list(ids)), wait=True)

    async def change_where(self, where: Where, fields: Payload) -> None:
        await self._client.set_payload(self._collection, fields, points=_filter(where), wait=True)

    async def remove_where(self, where: Where) -> None:
        await self._client.delete(self._collection, models.FilterSelector(filter=_filter(where)), wait=True)

    async def fetch(self, ids: Sequence[str]) -> dict[str, Payload]:
        records = await self._client.retrieve(self._collection, list(ids), with_payload=True) if ids else []
        return {str(record.id): record.payload or {} for record in records}

    async def insert(self, point: Point) -> None:
        await self._client.upsert(
            self._collection, [_point(point)], wait=True, ordering=STRONG, update_mode=models.UpdateMode.INSERT_ONLY
        )

    async def replace_if(self, point_id: str, payload: Payload, field: str, value: str) -> None:
        condition = _one_if(point_id, field, value)
        await self._client.overwrite_payload(self._collection, payload, condition, wait=True, ordering=STRONG)

    async def remove_if(self, point_id: str, field: str, value: str) -> None:
        selector = models.FilterSelector(filter=_one_if(point_id, field, value))
        await self._client.delete(self._collection, selector, wait=True, ordering=STRONG)

    async def find(
        self, where: Where, *, limit: int = 0, order_by: str = "", descending: bool = False
    ) -> list[Payload]:
        direction = models.Direction.DESC if descending else models.Direction.ASC
        payloads: list[Payload] = []
        offset: Any = None
        while True:
            records, offset = await self._client.scroll(
                self._collection, scroll_filter=_filter(where), limit=limit or PAGE, offset=offset, with_payload=True,
                order_by=models.OrderBy(key=order_by, direction=direction) if order_by else None,
            )  # fmt: skip
            payloads += [record.payload or {} for record in records]
            if offset is None or limit:
                return payloads

    async def values(self, field: str, where: Where) -> list[str]:
        response = await self._client.facet(
            self._collection, field, facet_filter=_filter(where), limit=MOST_VALUES, exact=True
        )
        return [str(hit.value) for hit in response.hits]

    async def stream(self, where: Where) -> AsyncIterator[list[Point]]:
        offset: Any = None
        while True:
            records, offset = await self._client.scroll(
                self._collection, scroll_filter=_filter(where), limit=PAGE, offset=offset, with_payload=True,
                with_vectors=True,
            )  # fmt: skip
            yield [_stored(record) for record in records]
            if offset is None:
                return

    async def count(self, where: Where) -> int:
        # About how many: an exact count reads the whole index, and a probe asks every few seconds.
        return (await self._client.count(self._collection, count_filter=_filter(where), exact=False)).count

    async def search(self, branches: Sequence[Branch], where: Where, *, limit: int) -> list[Hit]:
        condition = _filter(where)
        weights = [branch.weight for branch in branches]
        found = await self._client.query_points(
            self._collection,
            prefetch=[
                models.Prefetch(query=_query(branch), using=branch.using, filter=condition, limit=branch.limit)
                for branch in branches
            ],
            query=models.RrfQuery(rrf=models.Rrf(k=RANK_CONSTANT, weights=weights)),
            limit=limit,
            with_payload=True,
            with_vectors=[DENSE, WORDS, PAGE_WORDS],
        )
        return [_hit(point) for point in found.points]

    async def compact(self) -> None:
        """Do nothing: a server vacuums its segments by itself."""

    async def aclose(self) -> None:
        await self._client.close()


async def connect_qdrant(url: str, key: str) -> AsyncQdrantClient:
    """Return a client; making one reads certificates, which is no work for the event loop."""
    if url == ":memory:":
        return AsyncQdrantClient(location=url)
    # Its check of versions runs in a thread that nobody waits for, and warns nobody who reads the log.
    return await asyncio.to_thread(lambda: AsyncQdrantClient(url=url, api_key=key or None, check_compatibility=False))


def _point(point: Point) -> models.PointStruct:
    vectors: dict[str, Any] = {}
    if point.dense is not None:
        vectors[DENSE] = point.dense.tolist()
    if point.words:
        vectors[WORDS] = _sparse(point.words)
    if point.page_words:
        vectors[PAGE_WORDS] = _sparse(point.page_words)
    return models.PointStruct(id=point.id, vector=vectors, payload=point.payload)


def _sparse(weights: dict[int, float]) -> models.SparseVector:
    return models.SparseVector(indices=list(weights.keys()), values=list(weights.values()))


def _query(branch: Branch) -> Any:
    return _sparse(branch.query) if isinstance(branch.query, dict) else branch.query.tolist()


def _filter(where: Where) -> models.Filter:
    return models.Filter(must=[_condition(name, value) for name, value in where.items()])


def _condition(name: str, value: str | Sequence[str] | None) -> models.FieldCondition | models.IsEmptyCondition:
    if value is None:
        return models.IsEmptyCondition(is_empty=models.PayloadField(key=name))
    match = models.MatchValue(value=value) if isinstance(value, str) else models.MatchAny(any=list(value))
    return models.FieldCondition(key=name, match=match)


def _one_if(point_id: str, field: str, value: str) -> models.Filter:
    return models.Filter(must=[models.HasIdCondition(has_id=[point_id]), _condition(field, value)])


def _stored(record: Any) -> Point:
    vectors = record.vector if isinstance(record.vector, dict) else {}
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
    vectors = point.vector if isinstance(point.vector, dict) else {}
    words, page_words = (frozenset(vectors[name].indices if name in vectors else ()) for name in (WORDS, PAGE_WORDS))
    dense = np.asarray(vectors.get(DENSE, []), np.float32)
    return Hit(str(point.id), point.payload or {}, dense, float(point.score), words, page_words)
