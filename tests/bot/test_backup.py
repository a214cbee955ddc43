"""What is kept goes into one file and comes back from it, as it was at one moment."""

import asyncio
import tarfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient
from redis.asyncio import Redis

from bot.backup import backup, dump_qdrant, dump_redis, fill_qdrant, fill_redis, restore
from bot.errors import StartFailed
from bot.redis_server import RedisServer
from bot.settings import QdrantSettings, Settings
from indexing.edge import EdgeIndex
from indexing.qdrant import QdrantIndex
from indexing.vector_store import WORDS, Point

POINT = Point(
    id=str(uuid.uuid4()), payload={"kind": "chunk", "text": "été"}, dense=np.ones(8, np.float32), words={3: 0.5}
)
RECORD = Point(id=str(uuid.uuid4()), payload={"kind": "document", "name": "handbook.pdf"})


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Settings]:
    """Settings whose data lie in a folder."""
    for name in ("REDIS_URL", "QDRANT_URL"):
        monkeypatch.delenv(name, raising=False)

    def settings(folder: Path) -> Settings:
        return Settings({"DATA_DIR": str(folder)})

    return settings


@asynccontextmanager
async def redis_in(folder: Path) -> AsyncIterator[Redis]:
    """Run the embedded Redis of a data folder."""
    server = RedisServer(folder)
    client = Redis.from_url(await server.start())
    try:
        yield client
    finally:
        await client.aclose()
        await server.stop()


async def fill(folder: Path) -> None:
    """Keep a little of everything: a thread's memory, a queued request, a document, the workspace's files."""
    async with redis_in(folder) as redis:
        await redis.rpush("memory:{T:C:1}", b"\x00\xff said", "answered")
        await redis.xadd("queue", {"request": "{}"})
        await redis.set("soon", "gone", px=60_000)
    index = await EdgeIndex.open(folder / "vectors" / "documents", 8)
    await index.put([POINT, RECORD])
    await index.aclose()
    (folder / "workspace").mkdir()
    (folder / "workspace" / "file.pdf").write_bytes(b"%PDF")


def names(folder: Path) -> set[str]:
    """Return what lies in a folder."""
    return {path.name for path in folder.iterdir()}


async def test_everything_comes_back(tmp_path: Path, at: Callable[[Path], Settings]) -> None:
    await fill(tmp_path / "old")
    await asyncio.to_thread(backup, at(tmp_path / "old"), tmp_path / "folio.tar.gz")
    await asyncio.to_thread(restore, at(tmp_path / "new"), tmp_path / "folio.tar.gz")
    async with redis_in(tmp_path / "new") as redis:
        assert await redis.lrange("memory:{T:C:1}", 0, -1) == [b"\x00\xff said", b"answered"]
        assert await redis.xlen("queue") == 1
        assert 0 < await redis.pttl("soon") <= 60_000
    index = await EdgeIndex.open(tmp_path / "new" / "vectors" / "documents", 8)
    assert (await index.fetch([POINT.id]))[POINT.id]["text"] == "été"
    assert await index.count({"kind": "document"}) == 1
    await index.aclose()
    assert (tmp_path / "new" / "workspace" / "file.pdf").read_bytes() == b"%PDF"


async def test_the_file_is_for_its_owner_only(tmp_path: Path, at: Callable[[Path], Settings]) -> None:
    await fill(tmp_path / "old")
    await asyncio.to_thread(backup, at(tmp_path / "old"), tmp_path / "folio.tar.gz")
    assert (tmp_path / "folio.tar.gz").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == {"folio.tar.gz", "old"}


async def test_deleted_words_are_not_in_a_backup(tmp_path: Path, at: Callable[[Path], Settings]) -> None:
    """The engine leaves them in its files, and a back-up is kept for years."""
    await fill(tmp_path / "old")
    index = await EdgeIndex.open(tmp_path / "old" / "vectors" / "documents", 8)
    deleted = replace(POINT, id=str(uuid.uuid4()), payload={"kind": "chunk", "text": "xylophone"})
    await index.put([deleted])
    await index.remove([deleted.id])
    await index.aclose()
    assert any(b"xylophone" in file.read_bytes() for file in (tmp_path / "old").rglob("*") if file.is_file())
    await asyncio.to_thread(backup, at(tmp_path / "old"), tmp_path / "folio.tar.gz")
    with tarfile.open(tmp_path / "folio.tar.gz") as tar:
        files = [tar.extractfile(member) for member in tar.getmembers()]
        assert not any(b"xylophone" in file.read() for file in files if file)


async def test_nothing_is_restored_over_what_is_kept(tmp_path: Path, at: Callable[[Path], Settings]) -> None:
    await fill(tmp_path / "old")
    await asyncio.to_thread(backup, at(tmp_path / "old"), tmp_path / "folio.tar.gz")
    with pytest.raises(StartFailed, match="is not empty"):
        await asyncio.to_thread(restore, at(tmp_path / "old"), tmp_path / "folio.tar.gz")


async def test_a_running_assistant_is_not_copied_in_the_middle_of_a_write(
    tmp_path: Path, at: Callable[[Path], Settings]
) -> None:
    index = await EdgeIndex.open(tmp_path / "old" / "vectors" / "documents", 8)
    with pytest.raises(StartFailed, match="Stop it for the back-up"):
        await asyncio.to_thread(backup, at(tmp_path / "old"), tmp_path / "folio.tar.gz")
    await index.aclose()
    assert not (tmp_path / "folio.tar.gz").exists()


@pytest.mark.parametrize("content", [b"", b"not a back-up", b"\x1f\x8b\x08\x00broken"])
def test_a_file_that_is_no_backup_changes_nothing(
    content: bytes, tmp_path: Path, at: Callable[[Path], Settings]
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StartFailed, match="is not a whole back-up"):
        restore(at(tmp_path / "new"), tmp_path / "file")
    assert not (tmp_path / "new").exists()


async def test_what_has_expired_since_the_backup_stays_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with redis_in(tmp_path / "one") as redis:
        await redis.set("kept", "1")
        await redis.set("memory", "of a thread", px=50)
        await dump_redis(redis, tmp_path / "dump")
    await asyncio.sleep(0.06)
    async with redis_in(tmp_path / "two") as redis:
        await fill_redis(redis, tmp_path / "dump")
        assert await redis.keys() == [b"kept"]


async def test_a_redis_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    async with redis_in(tmp_path / "one") as redis:
        await redis.set("kept", "1")
        await dump_redis(redis, tmp_path / "dump")
        with pytest.raises(StartFailed, match="REDIS_URL"):
            await fill_redis(redis, tmp_path / "dump")


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")
async def test_the_points_of_a_server_come_back(tmp_path: Path) -> None:
    settings = QdrantSettings()
    old, new = AsyncQdrantClient(location=":memory:"), AsyncQdrantClient(location=":memory:")
    await (await QdrantIndex.open(old, settings.collection, 8)).put([POINT, RECORD])
    assert await dump_qdrant(old, settings.collection, tmp_path / "dump") == 2
    await fill_qdrant(new, settings, tmp_path / "dump")
    before, after = [(await client.scroll(settings.collection, with_vectors=True))[0] for client in (old, new)]
    assert [(record.id, record.payload) for record in before] == [(record.id, record.payload) for record in after]
    (chunk,) = [record.vector for record in after if record.id == POINT.id]
    assert np.allclose(chunk["dense"], 8**-0.5)
    assert chunk[WORDS].indices == [3]
    with pytest.raises(StartFailed, match="QDRANT_COLLECTION"):
        await fill_qdrant(new, settings, tmp_path / "dump")
    await old.close()
    await new.close()
