"""Checks of what keeps things: Redis, Qdrant, the data folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

from bot.data_folder import prepare
from bot.doctor.finding import Finding, Findings, good, note, problem
from bot.errors import StartFailed
from bot.redis_server import RedisFailed, RedisServer, find_binary
from bot.settings import QdrantSettings, RedisSettings

OLDEST_REDIS = (6, 2)
FREE_BYTES = 2 * 2**30  # a fetch of the default model, and documents


async def check_redis(settings: RedisSettings, data_dir: Path) -> Findings:
    """Reach the queue and the memory, and see that a power cut loses at most a second of it."""
    if settings.url:
        async for finding in _inspect(settings.url, "REDIS_URL"):
            yield finding
        return
    server = RedisServer(data_dir, settings.server)
    try:
        started = await server.start()
        yield good("Redis", f"the embedded one starts ({find_binary(settings.server)}).")
        async for finding in _inspect(started, "the embedded Redis"):
            yield finding
    except (RedisFailed, TimeoutError, OSError) as error:
        yield problem("Redis", str(error) or type(error).__name__, "Install Redis or Valkey, or set REDIS_URL.")
    finally:
        await server.stop()


async def _inspect(url: str, name: str) -> Findings:
    client = Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5)
    try:
        info: dict[str, Any] = await client.info()
    except AuthenticationError:
        yield problem(
            "Redis", f"{name}: the password is wrong.", "Write it into the URL: redis://:password@host:6379/0."
        )
        return
    except (RedisError, OSError) as error:
        yield problem(
            "Redis", f"{name} does not answer ({type(error).__name__}).", "Is it running, and is the URL right?"
        )
        return
    finally:
        await client.aclose()
    for finding in judge_redis(info):
        yield finding


def judge_redis(info: dict[str, Any]) -> list[Finding]:
    """Judge what INFO says: version, persistence, eviction."""
    version = str(info.get("redis_version", "0"))
    findings = [good("Redis", f"version {version} answers.")]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        findings = [problem("Redis", f"version {version} is too old.", "Install 6.2 or newer.")]
    if info.get("aof_enabled"):
        findings.append(good("Redis persistence", "append-only file: a power cut loses at most a second."))
    elif int(info.get("rdb_changes_since_last_save", 0)) >= 0 and info.get("rdb_last_save_time"):
        findings.append(
            problem(
                "Redis persistence",
                "only snapshots: a crash loses requests that Slack was told are accepted.",
                "Run `redis-cli config set appendonly yes` and write it into redis.conf.",
            )
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        findings.append(
            problem("Redis persistence", "the last write of the append-only file failed.", "Is the disk full?")
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        findings.append(
            problem(
                "Redis memory", f"{policy}: queued requests can be thrown away.", "Set maxmemory-policy noeviction."
            )
        )
    return findings


async def check_qdrant(settings: QdrantSettings, data_dir: Path) -> Findings:
    """Reach the vectors."""
    if not settings.url:
        try:
            import qdrant_edge  # noqa: F401
        except ImportError:
            yield problem("Qdrant", "the engine in process is not installed.", "Run deploy/setup, or set QDRANT_URL.")
            return
        yield good("Qdrant", f"its engine runs in this process, with its data in {data_dir}.")
        return
    from httpx import HTTPError
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    key = settings.api_key.get_secret_value() or None
    client = AsyncQdrantClient(url=settings.url, api_key=key, timeout=10, check_compatibility=False)
    try:
        names = {collection.name for collection in (await client.get_collections()).collections}
    except UnexpectedResponse as error:
        yield problem("Qdrant", f"it answered {error.status_code}.", "Check QDRANT_API_KEY.")
        return
    except (QdrantException, ResponseHandlingException, HTTPError, OSError) as error:
        yield problem(
            "Qdrant", f"QDRANT_URL does not answer ({type(error).__name__}).", "Is it running, and is the URL right?"
        )
        return
    finally:
        await client.close()
    if settings.collection in names:
        yield good("Qdrant", f"the collection {settings.collection} is there.")
    else:
        yield note("Qdrant", f"it answers; the collection {settings.collection} is made at the first start.")


def check_folder(data_dir: Path) -> Iterator[Finding]:
    """See that the data folder can be written and is not full."""
    try:
        prepare(data_dir)
    except StartFailed as failure:
        yield problem("data", str(failure), "Then run this again.")
        return
    free = shutil.disk_usage(data_dir).free
    if free < FREE_BYTES:
        yield problem("data", f"{free / 1e9:.1f} GB are free in {data_dir}.", "Make room, or set DATA_DIR.")
    else:
        yield good("data", f"{data_dir}, {free / 1e9:.0f} GB free.")
