"""Starts the engine's process, looks after it, and shares it: of the workers of a machine one leads, others follow."""

import asyncio
import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
import structlog

from bot.engine.errors import Unavailable
from bot.engine.main import READY
from bot.settings import LlmSettings
from bot.short_path import short_path

logger = structlog.get_logger()

CHECK_SECONDS = 0.5  # between two looks of one who follows
HEALTH_SECONDS = 5.0  # between two looks at a child that runs
ANSWER_SECONDS = 20.0  # a machine that swaps is slow, not dead
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0  # between an end and the next start
STEADY_SECONDS = 60.0  # one that has lived so long starts again at once
STOP_SECONDS = 10.0
SECRETS = ("SLACK_", "REDIS_", "QDRANT_", "EMBEDDINGS_")  # settings that the engine has no use for


class Supervisor:
    """The engine of one data folder, whichever process leads it."""

    def __init__(self, folder: Path, settings: LlmSettings, model: Path) -> None:
        self._folder = folder
        self._settings = settings
        self._model = model
        self._process: asyncio.subprocess.Process | None = None
        self._lock: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._has_been_up = False
        self._crashed = False  # the process before, by itself

    @property
    def socket(self) -> Path:
        """Return where the engine listens."""
        return short_path(self._folder.absolute() / "engine.sock")

    async def start(self) -> None:
        """Start the engine, or find the one that runs; raise Unavailable with what mends it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._task = asyncio.create_task(self._look_after(), name="engine watch")
        up = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait([self._task, up], return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        if self._task.done():
            await self.stop()
            self._task.result()

    async def stop(self) -> None:
        """Stop the engine if this process leads; another takes over."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._process:
            await _end(self._process)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def wait_until_up(self, seconds: float) -> None:
        """Wait for an engine that is being started again; raise Unavailable if it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError:
            raise Unavailable("the engine is being started again") from None

    async def _look_after(self) -> None:
        """Lead or follow as long as this process lives; raise Unavailable if the engine never came up."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            if not self._leads():
                await self._follow()
                continue
            began = time.monotonic()
            self._up.clear()
            try:
                await self._spawn()
                await self._watch()
                self._crashed = True
            except Unavailable:
                if not self._has_been_up:
                    raise
            finally:
                self._up.clear()
            steady = time.monotonic() - began > STEADY_SECONDS
            pause = FIRST_PAUSE_SECONDS if steady else min(2 * pause, LONGEST_PAUSE_SECONDS)
            logger.warning("the engine has ended; starting it again", ended=_ending(self._process), seconds=pause)
            await asyncio.sleep(pause)

    def _leads(self) -> bool:
        """Take the lead if nobody has it; the kernel frees the lock when its holder dies."""
        if self._lock is not None:
            return True
        lock = os.open(self._folder / "leader.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    async def _follow(self) -> None:
        """Note whether the leader's engine answers."""
        if await self.is_healthy():
            self._note_up()
        else:
            self._up.clear()
        await asyncio.sleep(CHECK_SECONDS)

    async def _spawn(self) -> None:
        """Start the process and wait until it has loaded the model; raise Unavailable."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "engine", "--socket", str(self.socket), "--parent", str(os.getpid())),
            *(("--crashed",) if self._crashed else ()),
            env=_environ(self._settings, self._model),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the app, which stops the engine last
        )
        if self._process.stdout is None:
            raise Unavailable("the engine has no standard output")
        line = (await self._process.stdout.readline()).decode("utf-8", "replace").strip()
        if line != READY:
            await self._process.wait()
            raise Unavailable(line or f"the engine's process ended while it loaded the model: {_ending(self._process)}")
        self._note_up()

    def _note_up(self) -> None:
        self._has_been_up = True
        self._up.set()

    async def _watch(self) -> None:
        """Return when the process has ended; end one that does not answer any more."""
        process = self._process
        while process and process.returncode is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_SECONDS):
                    await process.wait()
            if process.returncode is None and not await self.is_healthy():
                logger.error("the engine does not answer; ending it")
                process.kill()
                await process.wait()

    async def is_healthy(self) -> bool:
        """Tell whether an engine has loaded its model and answers."""
        try:
            connector = aiohttp.UnixConnector(str(self.socket))
            limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            session = aiohttp.ClientSession(connector=connector, timeout=limit)
            async with session, session.get("http://engine/health") as answer:
                return answer.status == HTTPStatus.OK
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, then insist."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _ending(process: asyncio.subprocess.Process | None) -> str:
    """Say how a process ended: by which signal, or with which status."""
    code = process.returncode if process else None
    if code is None or code >= 0:
        return f"status {code}"
    return signal.Signals(-code).name


def _environ(settings: LlmSettings, model: Path) -> dict[str, str]:
    """Return the child's environment: these settings, and no secrets of other parts."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith((*SECRETS, "LLM_"))}
    changed = settings.model_dump(mode="json", exclude={"url", "api_key", "model", "extra"}, exclude_defaults=True)
    return environ | {f"LLM_{name}".upper(): str(value) for name, value in changed.items()} | {"LLM_MODEL": str(model)}
