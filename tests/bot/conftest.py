"""A real redis-server for the tests of the queue and its neighbours, and the invariants that hold after each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.queue import worker as worker_module
from bot.queue.queue import LANES, Queue
from bot.queue.worker import Worker
from bot.redis_server import RedisServer, open_redis
from bot.slack.changes import SlackChange
from handlers.request import Request
from tests.bot.slack.wire import Wire

WITHOUT_TTL = tuple(  # one each, however much is done
    f"folio:{team}:{lane}:{key}"
    for team in ("", "T2")
    for lane in LANES
    for key in ("stream", "workers", "task-workers:")
)
RESULT_SECONDS = 20
GOING_SECONDS = 2  # what a process that ends writes last


async def eventually(
    holds: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = RESULT_SECONDS
) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def without_mending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look for heads without a token only when they start, so that a lost token is seen."""
    monkeypatch.setattr(worker_module, "MEND_SECONDS", 3600)


@pytest.fixture(autouse=True)
async def no_task_left_running() -> AsyncIterator[None]:
    """Whatever a test starts has ended when it ends."""
    before = asyncio.all_tasks()
    yield
    mine = asyncio.current_task()
    await eventually(lambda: not [task for task in asyncio.all_tasks() - before if task is not mine], seconds=1)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A redis-server of this test only."""
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def url(server: RedisServer) -> str:
    """Where it is."""
    return server.url


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    """A client; afterwards every key has a TTL or is on the short list."""
    client = open_redis(url)
    yield client
    if await staying(client):
        await asyncio.sleep(GOING_SECONDS)
    stay = await staying(client)
    assert not stay, f"{stay} would stay for ever"
    await client.aclose()


async def staying(client: Redis) -> list[str]:
    """Return the keys that no time takes away, beside those that are known."""
    keys = [key for key in await client.keys("*") if not key.startswith(WITHOUT_TTL)]
    return [key for key in keys if await client.pttl(key) == -1]


@pytest.fixture
async def queue(redis: Redis, url: str) -> AsyncIterator[Queue]:
    """The queue."""
    async with Queue(redis, url, settle_seconds=0) as queue:
        yield queue
        async with working(queue, Recorder(), lease=1):
            await eventually(lambda: no_token_left(queue, redis))


async def no_token_left(queue: Queue, redis: Redis) -> bool:
    """Tell whether docket has nothing to do any more."""
    depths = [await redis.xlen(f"{docket.name}:stream") for docket in queue.lanes.values()]
    later = [await redis.zcard(f"{docket.name}:queue") for docket in queue.lanes.values()]
    return not any(depths + later)


@dataclass
class Recorder:
    """A turn that does what the request's text says and notes what it was asked to do."""

    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    changes: list[SlackChange] = field(default_factory=list)
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> None:
        self.begun.append(request.id)
        if self.failures.get(request.id):
            raise self.failures[request.id].pop(0)
        if request.text == "wait":
            await self.open.wait()
        self.done.append(request.text if request.text.startswith("edition") else request.id)

    async def change(self, change: SlackChange) -> None:
        if self.failures.get(change.id):
            raise self.failures[change.id].pop(0)
        self.changes.append(change)

    async def delayed(self, request: Request) -> None:
        self.told.append(("delayed", request.id))

    async def stopped(self, request: Request) -> None:
        self.told.append(("stopped", request.id))

    async def given_up(self, request: Request, reason: str) -> None:
        self.told.append(("given up", request.id))


@pytest.fixture
def turn() -> Recorder:
    """What the workers of this test do."""
    return Recorder()


@asynccontextmanager
async def working(queue: Queue, turn: Recorder, *, concurrency: int = 4, lease: float = 30) -> AsyncIterator[Worker]:
    """Have a worker; afterwards none of its tasks runs."""
    worker = Worker(queue, turn=turn, concurrency=concurrency, redelivery_seconds=lease)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def ask(number: int, *, thread: str = "1.0", text: str = "", user: str = "U1", action: str = "ask") -> Request:
    """Make the number-th request."""
    return Request(
        id=f"T:C:{number}", action=action, team="T", channel="C", user=user, text=text, thread=thread, ts=f"{number}.0"
    )


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A Slack of this test only."""
    slack = Wire()
    runner = await slack.start()
    yield slack
    await runner.cleanup()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[AsyncWebClient]:
    """The bot's client, with the retries it has in earnest for what says something."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            "xoxb-test",
            base_url=f"{wire.url}/api/",
            session=session,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
        )
        client.proxy = None
        yield client
