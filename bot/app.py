"""The composition root: builds every part from Settings, starts and stops them in order; the one that knows all."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot import data_folder, log, metrics
from bot.access.gone import Gone
from bot.access.memberships import Memberships
from bot.audit import FOLDER as AUDIT
from bot.audit import Audit
from bot.errors import StartFailed
from bot.figures import RedisFigures
from bot.gateway import Gateway, register
from bot.health import Health
from bot.memory import ThreadMemory
from bot.queue.queue import Queue
from bot.redis_server import RedisFailed, RedisServer, open_redis
from bot.settings import Settings
from bot.slack.catch_up import CatchUp
from bot.slack.connect import SlackConnection, connect_slack
from bot.slack.talks import Talks
from bot.tcp_ports import is_loopback
from handlers.request import INCOMING

if TYPE_CHECKING:
    from bot.access.reconcile import Reconciler
    from handlers.request import Services

logger = structlog.get_logger()


@dataclass
class App:
    """A running assistant: its shared parts, what must not end, and the wish to end."""

    settings: Settings
    redis: Redis
    queue: Queue
    slack: SlackConnection
    audiences: Memberships
    checks: dict[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)
    parts: dict[str, Callable[[], Awaitable[dict[str, float]]]] = field(default_factory=dict)  # what these count
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something as long as the app lives; if it ends or fails, so does the app."""
        task = asyncio.create_task(coroutine)
        task.add_done_callback(lambda _: self._ended.set())
        self._tasks.append(task)

    async def wait(self) -> None:
        """Return on SIGTERM or Ctrl-C; raise what a kept task failed with."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, self._ended.set)
        await self._ended.wait()
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        """End what is kept; the worker first finishes what is nearly done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def refresh(self) -> None:
        """Bring the metrics up to date that are counted elsewhere."""
        metrics.QUEUE_DEPTH.set(await self.queue.depth())
        metrics.QUEUE_OLDEST.set(await self.queue.oldest_seconds())
        for name, count in self.parts.items():
            metrics.show(name, await count())


@asynccontextmanager
async def running(settings: Settings, *, gateway: bool = True, worker: bool = True) -> AsyncIterator[App]:
    """Start the assistant and end it again; requests are taken while the models still load."""
    log.configure(settings.bot.log, settings.bot.log_level)
    async with AsyncExitStack() as stack:
        if worker or not settings.redis.url:
            data_folder.prepare(settings.data_dir)
        if worker and not settings.qdrant.url:  # the vectors in the folder are one process's
            stack.enter_context(data_folder.locked(settings.data_dir))
            data_folder.empty(settings.data_dir / INCOMING)
        app = await _connected(settings, stack)
        stack.push_async_callback(app.end)
        ready = asyncio.Event()
        app.checks = {"redis": _answering(app.redis.ping), "models": _always(lambda: not worker or ready.is_set())}
        if gateway:
            talks = Talks(app.redis, settings.bot.memory_days)
            figures = RedisFigures(app.redis, app.slack.team_id)
            gate = register(app.slack.app, app.queue, Gone(app.redis), talks, audiences=app.audiences, figures=figures)
            await app.slack.start()
            app.keep(_catch_up(app, gate).run(lambda: app.slack.connected))
            app.keep(app.audiences.listen(lambda: app.slack.connected))
            app.checks["slack"] = _always(lambda: app.slack.connected)
        health = Health(settings.bot.health_port, app.checks, app.refresh, settings.bot.health_host)
        stack.push_async_callback(health.stop)
        await health.start()
        if worker:
            await _work(app, stack)
        ready.set()
        logger.info("ready", gateway=gateway, worker=worker)
        yield app


def _catch_up(app: App, gate: Gateway) -> CatchUp:
    """Make what reads what was said while we were away."""

    async def take(body: dict[str, Any]) -> None:
        oldest = time.time() - app.settings.bot.catch_up_hours * 3600
        await gate.take_late(body, app.slack.bot_user_id, oldest)

    return CatchUp(app.slack.client, app.redis, app.slack.team_id, take)


def _always(check: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return check()

    return holds


def _answering(ask: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[bool]]:
    """Make a check that fails if asking raises."""

    async def answers() -> bool:
        await ask()
        return True

    return answers


async def _connected(settings: Settings, stack: AsyncExitStack) -> App:
    """Connect to Redis and Slack, the parts that gateway and worker share."""
    url = settings.redis.url or await _own_redis(settings, stack)
    redis = open_redis(url)
    stack.push_async_callback(redis.aclose)
    try:
        await redis.ping()
    except RedisError as error:
        raise StartFailed(f"Redis does not answer at {_place(url)}. Is it running?") from error
    loopback = is_loopback(urlsplit(settings.slack.api_url).hostname or "")
    slack = await connect_slack(settings.slack, loopback=loopback)
    stack.push_async_callback(slack.stop)
    queue = await stack.enter_async_context(Queue(redis, url, team=slack.team_id, own_days=settings.bot.memory_days))
    return App(settings, redis, queue, slack, Memberships(slack.client, redis, slack.team_id))


async def _own_redis(settings: Settings, stack: AsyncExitStack) -> str:
    server = RedisServer(settings.data_dir, settings.redis.server)
    try:
        url = await server.start()
    except RedisFailed as failure:
        raise StartFailed(str(failure)) from failure
    stack.push_async_callback(server.stop)
    return url


def _place(url: str) -> str:
    """Return a URL without its password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _work(app: App, stack: AsyncExitStack) -> None:
    """Load the models, open the library and begin to take requests off the queue."""
    from bot.dispatcher import Dispatcher
    from bot.folder.follow import follow, followed_folders
    from bot.limits import Limits
    from bot.queue.worker import Worker
    from bot.services import open_services

    started, settings = time.monotonic(), app.settings
    services, parts, checks = await open_services(settings, app.redis, app.slack.client, app.slack.team_id, stack)
    stack.push_async_callback(app.end)  # before the model goes: nobody is told that it is away because we end
    app.parts |= parts
    app.checks |= checks
    app.checks["library"] = _answering(services.library.statistics)
    audit = Audit(settings.data_dir / AUDIT, settings.bot.audit_days)
    upkeep = _upkeep(app, services, audit)
    turns = Dispatcher(
        services=services,
        client=app.slack.client,
        redis=app.redis,
        queue=app.queue,
        audiences=app.audiences,
        limits=Limits(app.redis, settings.bot.requests_per_minute, settings.bot.workspace_requests_per_minute),
        upkeep=upkeep,
        audit=audit,
    )
    worker = Worker(
        app.queue,
        turn=turns,
        concurrency=settings.bot.workers,
        redelivery_seconds=settings.bot.redelivery_seconds,
        lifelines=settings.data_dir / "workers",
    )
    app.keep(worker.run())
    app.keep(upkeep.run())
    app.keep(app.audiences.run())
    for folder in followed_folders(settings.bot.watched_folders):
        app.keep(follow(folder, settings, services.library, upkeep.take_away))
    logger.info("models loaded", seconds=round(time.monotonic() - started, 1))


def _upkeep(app: App, services: "Services", audit: Audit) -> "Reconciler":
    from bot.access.reconcile import Reconciler
    from bot.slack.quotes import Quotes

    return Reconciler(
        client=app.slack.client,
        redis=app.redis,
        library=services.library,
        memory=ThreadMemory(app.redis, app.settings.bot.memory_days),
        quotes=Quotes(app.slack.client, app.redis),
        team=app.slack.team_id,
        retention_days=app.settings.bot.retention_days,
        audit=audit,
    )
