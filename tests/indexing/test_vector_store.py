"""Both indexes are one: every test runs in process and through the client of a server."""

import asyncio
import uuid
import warnings
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from indexing.edge import EdgeIndex
from indexing.qdrant import QdrantIndex, connect_qdrant
from indexing.vector_store import DENSE, KEYWORDS, NUMBERS, PAGE_WORDS, RANK_CONSTANT, WORDS, Branch, Point, VectorIndex
from indexing.vectors import Vectors

DIMENSIONS = 8


@pytest.fixture(params=["edge", "qdrant"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    """An empty index of either kind."""
    made: VectorIndex
    if request.param == "edge":
        made = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the local mode says that it has no payload indexes
            made = await QdrantIndex.open(await connect_qdrant(":memory:", ""), "documents", DIMENSIONS)
    yield made
    await made.aclose()


def unit(place: int) -> Vectors:
    vector = np.full(DIMENSIONS, 0.01, np.float32)
    vector[place] = 1
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def chunk(number: int, channel: str = "C1", **fields: object) -> Point:
    payload = {"kind": "chunk", "document_id": f"d{number % 2}", "channels": [channel], "number": number}
    return Point(id=name(number), payload=payload | fields, dense=unit(number % DIMENSIONS), words={number: 1.0})


def name(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


def numbers(payloads: list[dict[str, object]]) -> set[object]:
    return {payload["number"] for payload in payloads}


async def test_the_nearest_by_both_rankings_comes_first(index: VectorIndex) -> None:
    await index.put([chunk(number) for number in range(6)])
    hits = await index.search([Branch(DENSE, unit(3), 1, 5), Branch(WORDS, {3: 1.0}, 1, 5)], {"kind": "chunk"}, limit=3)
    assert hits[0].payload["number"] == 3
    assert hits[0].score == pytest.approx(2 / RANK_CONSTANT)
    assert np.allclose(hits[0].dense, unit(3), atol=1e-5)


async def test_weights_decide_between_rankings(index: VectorIndex) -> None:
    await index.put([chunk(number) for number in range(6)])
    for heavy, first in (([3.0, 1.0], 2), ([1.0, 3.0], 4)):
        branches = [Branch(DENSE, unit(2), heavy[0], 1), Branch(WORDS, {4: 1.0}, heavy[1], 1)]
        assert (await index.search(branches, {}, limit=1))[0].payload["number"] == first


async def test_a_rare_term_weighs_more(index: VectorIndex) -> None:
    common = [Point(id=name(n), payload={"number": n}, dense=unit(n), words={7: 1.0}) for n in range(5)]
    rare = Point(id=name(9), payload={"number": 9}, dense=unit(0), words={8: 1.0})
    await index.put([*common, rare])
    hits = await index.search([Branch(WORDS, {7: 1.0, 8: 1.0}, 1, 6)], {}, limit=6)
    assert hits[0].payload["number"] == 9


async def test_the_filter_binds_every_ranking(index: VectorIndex) -> None:
    await index.put([chunk(1, "C1"), chunk(2, "C2"), chunk(3, "C3")])
    branches = [Branch(DENSE, unit(2), 1, 5), Branch(WORDS, {2: 1.0}, 1, 5)]
    hits = await index.search(branches, {"channels": ["C1", "C3"]}, limit=5)
    assert numbers([hit.payload for hit in hits]) <= {1, 3}
    assert await index.search(branches, {"channels": []}, limit=5) == []


async def test_points_without_vectors_are_kept_and_never_ranked(index: VectorIndex) -> None:
    await index.put([chunk(1), Point(id=name(50), payload={"kind": "document", "number": 50, "channels": ["C1"]})])
    hits = await index.search(
        [Branch(DENSE, unit(1), 1, 5), Branch(WORDS, {1: 1.0}, 1, 5)], {"channels": "C1"}, limit=5
    )
    assert numbers([hit.payload for hit in hits]) == {1}
    assert numbers(await index.find({"kind": "document"})) == {50}


async def test_putting_twice_is_putting_once(index: VectorIndex) -> None:
    await index.put([chunk(1)])
    await index.put([chunk(1, "C9")])
    assert await index.count({}) == 1
    assert (await index.fetch([name(1)]))[name(1)]["channels"] == ["C9"]


async def test_more_than_one_page_is_found_and_changed(index: VectorIndex) -> None:
    await index.put([chunk(number) for number in range(600)])
    assert len(await index.find({"document_id": "d1"})) == 300
    await index.change_where({"document_id": "d1"}, {"channels": ["C7"]})
    assert await index.count({"channels": "C7"}) == 300
    await index.remove_where({"document_id": "d1"})
    assert await index.count({}) == 300


async def test_changing_leaves_other_fields_and_vectors(index: VectorIndex) -> None:
    await index.put([chunk(1)])
    await index.change([name(1)], {"channels": ["C2"]})
    (hit,) = await index.search([Branch(DENSE, unit(1), 1, 5)], {"channels": "C2"}, limit=5)
    assert hit.payload["number"] == 1


async def test_the_words_of_the_page_are_a_ranking_of_their_own(index: VectorIndex) -> None:
    await index.put([replace(chunk(number), page_words={100 + number % 2: 1.0}) for number in range(6)])
    hits = await index.search([Branch(PAGE_WORDS, {101: 1.0}, 1, 5)], {}, limit=5)
    assert numbers([hit.payload for hit in hits]) == {1, 3, 5}


async def test_what_is_not_there_does_no_harm(index: VectorIndex) -> None:
    await index.remove([name(1)])
    await index.remove_where({"document_id": "nothing"})
    assert await index.fetch([name(1)]) == {}
    assert await index.fetch([]) == {}


async def test_searches_go_on_while_points_are_put(index: VectorIndex) -> None:
    await index.put([chunk(number) for number in range(100)])
    await asyncio.gather(
        index.put([chunk(number) for number in range(100, 400)]),
        *(index.search([Branch(DENSE, unit(1), 1, 5)], {"kind": "chunk"}, limit=5) for _ in range(10)),
    )
    assert await index.count({}) == 400


def record(number: int, **fields: object) -> Point:
    usual = {"kind": "document", "document_id": f"d{number}", "number": number, "revision": "a"}
    return Point(id=name(number), payload=usual | fields)


async def test_a_record_is_changed_only_as_it_was_read(index: VectorIndex) -> None:
    """Two that read the same and change it: the second has to look again."""
    await index.insert(record(1))
    await index.insert(record(1, revision="z"))
    assert (await index.fetch([name(1)]))[name(1)]["revision"] == "a"
    await index.replace_if(name(1), record(1, revision="b").payload, "revision", "a")
    await index.replace_if(name(1), record(1, revision="c").payload, "revision", "a")
    assert (await index.fetch([name(1)]))[name(1)]["revision"] == "b"
    await index.remove_if(name(1), "revision", "a")
    assert await index.count({}) == 1
    await index.remove_if(name(1), "revision", "b")
    assert await index.count({}) == 0
    await index.replace_if(name(1), record(1).payload, "revision", "b")
    assert await index.count({}) == 0


async def test_replacing_leaves_nothing_of_the_old_payload(index: VectorIndex) -> None:
    await index.insert(record(1, title="my salary"))
    await index.replace_if(name(1), record(1, revision="b").payload, "revision", "a")
    assert "title" not in (await index.fetch([name(1)]))[name(1)]


async def test_the_first_ones_come_in_order(index: VectorIndex) -> None:
    await index.put([record(number, added_at=float(number * 7 % 10)) for number in range(10)])
    newest = await index.find({"kind": "document"}, limit=3, order_by="added_at", descending=True)
    assert [payload["added_at"] for payload in newest] == [9, 8, 7]
    oldest = await index.find({"kind": "document"}, limit=2, order_by="added_at")
    assert [payload["added_at"] for payload in oldest] == [0, 1]


async def test_what_has_no_such_field_can_be_asked_for(index: VectorIndex) -> None:
    await index.put([record(1, state="whole"), record(2)])
    assert numbers(await index.find({"kind": "document", "state": None})) == {2}


async def test_the_values_of_a_field_are_listed_once(index: VectorIndex) -> None:
    await index.put([chunk(1, "C1"), chunk(2, "C2"), chunk(3, "C1"), record(4, channels=["C9"])])
    assert sorted(await index.values("channels", {"kind": "chunk"})) == ["C1", "C2"]


async def test_points_come_back_as_they_were_put(index: VectorIndex) -> None:
    points = [replace(chunk(number), page_words={100 + number: 0.5}) for number in range(300)]
    await index.put([*points, record(900)])
    streamed = {point.id: point async for points in index.stream({}) for point in points}
    assert len(streamed) == 301
    assert streamed[name(7)].words == {7: 1.0}
    assert streamed[name(7)].page_words == {107: 0.5}
    assert streamed[name(7)].payload == points[7].payload
    assert np.allclose(streamed[name(7)].dense, points[7].dense, atol=1e-5)
    assert streamed[name(900)].dense is None


async def test_edge_finds_everything_again_after_it_was_opened_anew(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    await index.put([chunk(number) for number in range(10)])
    await index.aclose()
    again = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    assert await again.count({"kind": "chunk"}) == 10
    assert (await again.search([Branch(WORDS, {3: 1.0}, 1, 5)], {}, limit=1))[0].payload["number"] == 3
    await again.aclose()


class WrittenDown:
    """A server that is asked to make a collection, and remembers how."""

    def __init__(self) -> None:
        self.asked: dict[str, list[dict[str, Any]]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            self.asked.setdefault(request.path, []).append(await request.json())
        result: Any = {"operation_id": 0, "status": "completed"} if request.path.endswith("/index") else True
        if request.path.endswith("/exists"):
            result = {"exists": False}
        about = {"title": "qdrant", "version": version("qdrant-client")}
        return web.json_response(about if request.path == "/" else {"result": result, "status": "ok", "time": 0})


@pytest.mark.parametrize("quantize", [False, True])
async def test_a_server_gets_indexes_a_tenant_key_and_quantisation(quantize: bool) -> None:
    server = WrittenDown()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app) as running:
        index = await QdrantIndex.open(
            await connect_qdrant(str(running.make_url("")), ""), "documents", DIMENSIONS, quantize=quantize
        )
        await index.aclose()
    (collection,) = server.asked["/collections/documents"]
    assert collection["vectors"][DENSE]["size"] == DIMENSIONS
    assert {collection["sparse_vectors"][name]["modifier"] for name in (WORDS, PAGE_WORDS)} == {"idf"}
    assert bool(collection.get("quantization_config")) is quantize
    fields = server.asked["/collections/documents/index"]
    assert {field["field_name"] for field in fields} == {*KEYWORDS, *NUMBERS}
    keywords = [field for field in fields if field["field_name"] in KEYWORDS]
    tenants = [field["field_name"] for field in keywords if field["field_schema"].get("is_tenant")]
    assert tenants == ["channels"]


async def test_removed_words_are_not_in_the_files_any_more(tmp_path: Path) -> None:
    """They stayed in the engine's pages and its log, and went into later back-ups."""
    index = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    await index.put([chunk(number, text=f"codeword{number} zanzibar") for number in range(100)])
    await index.remove_where({"document_id": "d0"})
    looking = asyncio.create_task(index.count({}))
    adding = asyncio.create_task(index.put([chunk(200)]))
    await index.compact()
    await asyncio.gather(looking, adding)
    assert await index.count({}) == 51
    assert (await index.search([Branch(DENSE, unit(1), 1, 5)], {"document_id": "d1"}, limit=1))[0].payload
    await index.aclose()
    kept = b"".join(file.read_bytes() for file in (tmp_path / "index").rglob("*") if file.is_file())
    assert b"codeword2 zanzibar" not in kept
    assert b"codeword3 zanzibar" in kept
    assert not list(tmp_path.glob("index.*"))  # noqa: ASYNC240


async def test_a_compaction_that_was_killed_loses_nothing(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    await index.put([chunk(1)])
    await index.aclose()
    (tmp_path / "index").rename(tmp_path / "index.old")
    (tmp_path / "index.new").mkdir()
    again = await EdgeIndex.open(tmp_path / "index", DIMENSIONS)
    assert await again.count({}) == 1
    await again.aclose()
    assert not list(tmp_path.glob("index.*"))  # noqa: ASYNC240
