"""Back-up and restore: everything that is kept, as it was at one moment, in one file."""

import asyncio
import base64
import gzip
import json
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from qdrant_client import AsyncQdrantClient
from redis.asyncio import Redis

from bot.data_folder import locked
from bot.errors import StartFailed
from bot.redis_server import RedisFailed, RedisServer
from bot.settings import QdrantSettings, Settings

FORMAT = 1
WHERE = "Run this with the settings of the assistant: in the folder of its .env, or with its DATA_DIR."
# Redis goes in by what it holds, not by its files.
TRANSIENT = ("redis", "incoming", "*.lock", "*.sock", "*.pid", "*.log")
RESTORE_BATCH = 200  # commands in one pipeline

# Everything at one moment, whatever else is written meanwhile: a script is atomic.
DUMP = """local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  found[#found + 1] = {key, redis.call('PTTL', key), redis.call('DUMP', key)}
end
return found"""


def backup(settings: Settings, file: Path) -> None:
    """Write the file; it appears whole or not at all, readable by its owner only."""
    _refuse_nothing(settings)
    with (
        tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".folio-") as scratch,
        _at_rest(settings),
    ):
        folder = Path(scratch)
        described = asyncio.run(_write_stores(settings, folder))
        if not described["keys"] and not described["points"]:
            raise StartFailed(f"There is nothing to back up in {_stores(settings)}. {WHERE}")
        (folder / "folio.json").write_text(json.dumps(described))
        partial = folder / "whole"
        with tarfile.open(partial, "w:gz", compresslevel=6) as tar:
            for name in ("folio.json", "redis.jsonl.gz", "qdrant.jsonl.gz"):
                if (folder / name).exists():
                    tar.add(folder / name, name)
            if settings.data_dir.exists():
                tar.add(settings.data_dir, "data", filter=_kept)
        partial.chmod(0o600)
        partial.replace(file)
    of_server = f" and {described['points']} points of Qdrant" if settings.qdrant.url else ""
    _say(f"{file}: {file.stat().st_size / 1e6:.1f} MB, with {described['keys']} keys of Redis{of_server}.")


def _refuse_nothing(settings: Settings) -> None:
    """Raise StartFailed where no assistant ever ran: an empty back-up would look like a good one."""
    folder = settings.data_dir
    if not settings.redis.url and not (folder / "redis").is_dir() and not any(folder.rglob("edge_config.json")):
        raise StartFailed(f"There is nothing to back up in {settings.data_dir}. {WHERE}")


def _stores(settings: Settings) -> str:
    return "Redis (REDIS_URL)" if settings.redis.url else str(settings.data_dir)


def restore(settings: Settings, file: Path) -> None:
    """Bring back what `backup` wrote; refuse where anything is kept already."""
    if settings.data_dir.exists() and any(settings.data_dir.iterdir()):
        raise StartFailed(f"{settings.data_dir} is not empty. Move it away, or set DATA_DIR to a new folder.")
    settings.data_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data_dir.parent, prefix=".folio-") as scratch:
        folder = Path(scratch)
        _unpack(file, folder)
        asyncio.run(_fill_stores(settings, folder))
        if (folder / "data").exists():
            shutil.copytree(folder / "data", settings.data_dir, dirs_exist_ok=True)
    _say(f"{file} is restored into {settings.data_dir}.")


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the command's answer


def _kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(entry.name).parts[1:]
    transient = any(Path(part).match(pattern) for part in parts[:1] + parts[-1:] for pattern in TRANSIENT)
    return entry if not transient and (entry.isfile() or entry.isdir()) else None


def _unpack(file: Path, folder: Path) -> None:
    try:
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
        described = json.loads((folder / "folio.json").read_text())
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise StartFailed(f"{file} is not a whole back-up ({type(error).__name__}).") from None
    if described["format"] != FORMAT:
        raise StartFailed(f"{file} was written by another version (format {described['format']}).")


@contextmanager
def _at_rest(settings: Settings) -> Iterator[None]:
    """Keep everything in the folder still; refuse while an assistant works there."""
    with ExitStack() as locks:
        if settings.data_dir.exists() and not settings.qdrant.url:
            locks.enter_context(locked(settings.data_dir))
        locks.enter_context(_resting(settings.data_dir))
        yield


@contextmanager
def _resting(data_dir: Path) -> Iterator[None]:
    """Keep the vectors in the folder still; refuse while an assistant works with them."""
    import qdrant_edge

    from indexing.edge import compact_folder

    with ExitStack() as open_shards:
        for description in list(data_dir.rglob("edge_config.json")):
            try:
                asyncio.run(compact_folder(description.parent))  # deleted words must not go into the back-up
                shard = qdrant_edge.EdgeShard.load(str(description.parent))
            except Exception as error:  # the engine has no narrower one
                raise StartFailed(
                    f"The assistant works in {data_dir}. Stop it for the back-up, which takes seconds ({error})."
                ) from None
            open_shards.callback(shard.close)
            shard.flush()
        yield


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis]:
    """Open the Redis that the settings name, starting the embedded one if it does not run."""
    server = None if settings.redis.url else RedisServer(settings.data_dir, settings.redis.server)
    client = None
    try:
        client = Redis.from_url(await server.start() if server else settings.redis.url)
        yield client
    except RedisFailed as failure:
        raise StartFailed(str(failure)) from None
    finally:
        if client:
            await client.aclose()
        if server:
            await server.stop()


async def _write_stores(settings: Settings, folder: Path) -> dict[str, Any]:
    async with _redis(settings) as redis:
        keys = await dump_redis(redis, folder / "redis.jsonl.gz")
    points = 0
    if settings.qdrant.url:
        async with _qdrant(settings.qdrant) as client:
            points = await dump_qdrant(client, settings.qdrant.collection, folder / "qdrant.jsonl.gz")
    return {"format": FORMAT, "written": time.time(), "keys": keys, "points": points}


async def _fill_stores(settings: Settings, folder: Path) -> None:
    async with _redis(settings) as redis:
        await fill_redis(redis, folder / "redis.jsonl.gz")
    if settings.qdrant.url and (folder / "qdrant.jsonl.gz").exists():
        async with _qdrant(settings.qdrant) as client:
            await fill_qdrant(client, settings.qdrant, folder / "qdrant.jsonl.gz")


@asynccontextmanager
async def _qdrant(settings: QdrantSettings) -> AsyncIterator[AsyncQdrantClient]:
    from indexing.qdrant import connect_qdrant

    client = await connect_qdrant(settings.url, settings.api_key.get_secret_value())
    try:
        yield client
    finally:
        await client.close()


async def dump_redis(redis: Redis, file: Path) -> int:
    """Write every key as it is at one moment, with the time at which it expires; return how many."""
    now_ms = int(time.time() * 1000)
    entries: list[tuple[bytes, int, bytes]] = await redis.eval(DUMP, 0)
    with gzip.open(file, "wt", compresslevel=1) as out:
        for key, left_ms, value in entries:
            expires = now_ms + left_ms if left_ms >= 0 else 0
            out.write(json.dumps([_text(key), expires, _text(value)]) + "\n")
    return len(entries)


async def fill_redis(redis: Redis, file: Path) -> None:
    """Write the keys into an empty Redis; what has expired since stays forgotten."""
    if await redis.dbsize():
        raise StartFailed("Redis is not empty. Point REDIS_URL at an empty database.")
    pipeline = redis.pipeline(transaction=False)
    with gzip.open(file, "rt") as lines:
        for line in lines:
            key, expires, value = json.loads(line)
            if expires and expires <= time.time() * 1000:
                continue
            pipeline.restore(_bytes(key), expires, _bytes(value), absttl=bool(expires))
            if len(pipeline) >= RESTORE_BATCH:
                await pipeline.execute()
    await pipeline.execute()


async def dump_qdrant(client: AsyncQdrantClient, collection: str, file: Path) -> int:
    """Write every point of the server's collection; return how many."""
    count, offset = 0, None
    with gzip.open(file, "wt", compresslevel=1) as out:
        if not await client.collection_exists(collection):
            return 0
        while True:
            records, offset = await client.scroll(
                collection, limit=256, offset=offset, with_payload=True, with_vectors=True
            )
            for record in records:
                out.write(record.model_dump_json(include={"id", "payload", "vector"}) + "\n")
            count += len(records)
            if offset is None:
                return count


async def fill_qdrant(client: AsyncQdrantClient, settings: QdrantSettings, file: Path) -> None:
    """Write the points into an empty collection."""
    from qdrant_client import models

    from indexing.qdrant import QdrantIndex

    if await client.collection_exists(settings.collection) and (await client.count(settings.collection)).count:
        raise StartFailed(f"The collection {settings.collection} is not empty. Set QDRANT_COLLECTION to a new name.")
    batch: list[models.PointStruct] = []
    is_open = False
    with gzip.open(file, "rt") as lines:
        for line in lines:
            batch.append(models.PointStruct.model_validate_json(line))
            if not is_open and (dimensions := _dimensions(batch[-1])):
                await QdrantIndex.open(client, settings.collection, dimensions, quantize=settings.quantize)
                is_open = True
            if is_open and len(batch) >= RESTORE_BATCH:
                await client.upsert(settings.collection, batch, wait=True)
                batch.clear()
    if is_open and batch:
        await client.upsert(settings.collection, batch, wait=True)


def _dimensions(point: Any) -> int:
    """Return the length of a point's dense vector; 0 if it has none."""
    from indexing.vector_store import DENSE

    dense = point.vector.get(DENSE) if isinstance(point.vector, dict) else None
    return len(dense) if isinstance(dense, list) else 0


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value)
