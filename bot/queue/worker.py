"""Takes requests off the queue, one turn each: tries again, gives up, lets go when a request is stopped or edited."""

import asyncio
import os
import secrets
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

import structlog
from docket import Docket
from docket import Worker as DocketWorker
from redis.exceptions import RedisError

from bot import metrics
from bot.errors import what_is_full
from bot.queue.queue import CHANGE, TOKEN, Held, Job, Queue
from bot.queue.worker_locks import WorkerLocks
from bot.slack.changes import SlackChange
from handlers.request import Request

logger = structlog.get_logger()

WATCH_SECONDS = 0.25  # a stopped request is let go within a second
MEND_SECONDS = 15
FAILURES = 7  # tries of a request: about a minute with the pauses below
PAUSE_SECONDS = (1, 2, 4, 8, 16, 30, 60)
UNTOLD_FAILURES = 24 * 60  # while the person can't be told either: a day of tries, one a minute
HELD_SECONDS = 0.5  # another worker is at it, and will let go: its question was edited
CHANGES = 4  # of Slack's that are worked on at once
CHANGE_FAILURES = 24 * 60  # a day of tries; then the night compares with Slack
STARTS = 12  # times a request may be begun and neither end nor fail; more, and it is what kills the process
BUSY_SECONDS = (0.25, 2.0)  # pause of a request whose person is served enough already, first and longest
GRACE_SECONDS = 3.0  # at the end, for what is nearly done; the rest is begun again by the next process
INSIST_SECONDS = 60  # a finished turn waits this long for Redis to say so


Verdict = Literal["removed", "redone", "lost", "ending"]


class TryAgain(Exception):
    """Something that the request needs is away; `after_seconds` is how long it asked us to wait."""

    def __init__(self, reason: str, after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_seconds = after_seconds


class Turn(Protocol):
    """What is done with a request. Whatever it raises is tried again."""

    async def __call__(self, request: Request) -> None:
        """Do it, and show the person the answer."""

    async def change(self, change: SlackChange) -> None:
        """Follow something that changed in Slack."""

    async def delayed(self, request: Request) -> None:
        """Tell the person, once, that it takes longer."""

    async def stopped(self, request: Request) -> None:
        """Tidy up what was begun of a request that is not wanted any more."""

    async def given_up(self, request: Request, reason: str) -> None:
        """Tell the person that it did not work."""


@dataclass(eq=False)
class _Running:
    job: Job
    task: asyncio.Task[None]
    verdict: Verdict | None = None

    def let_go(self, verdict: Verdict) -> None:
        if not self.task.done():
            self.verdict = self.verdict or verdict
            self.task.cancel()


class Worker:
    """One process's share of the work."""

    def __init__(
        self,
        queue: Queue,
        *,
        turn: Turn,
        concurrency: int = 8,
        redelivery_seconds: float = 30,
        lifelines: Path | None = None,
    ) -> None:
        """Make a worker; `lifelines` is a folder of this machine by which the work of killed ones is found at once.

        Without it their work is taken up after `redelivery_seconds`.
        """
        self._queue = queue
        self._turn = turn
        self._concurrency = {"chat": concurrency, "ingest": max(1, concurrency // 4), "changes": CHANGES}
        self._lease_seconds = redelivery_seconds
        self._lifeline = WorkerLocks(lifelines) if lifelines else None
        self.name = f"{socket.gethostname()}#{os.getpid()}#{secrets.token_hex(4)}"
        self._running: dict[str, _Running] = {}
        self._ending = False
        self._busy: Counter[tuple[str, str]] = Counter()
        self._turned_away: Counter[str] = Counter()

    async def run(self) -> None:
        """Work until cancelled; then finish what is nearly done and leave the rest in the queue."""
        if self._lifeline:
            self._lifeline.hold(self.name)
        lanes: list[asyncio.Task[None]] = []
        own = [asyncio.create_task(self._watch()), asyncio.create_task(self._mend())]
        try:
            async with AsyncExitStack() as stack:  # docket's workers stop when it closes: a cancel may get lost in them
                for lane, docket in self._queue.lanes.items():
                    worker = await stack.enter_async_context(self._docket_worker(lane, docket))
                    lanes.append(asyncio.create_task(worker.run_forever()))
                try:
                    done, _ = await asyncio.wait([*lanes, *own], return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                finally:
                    await self._let_all_go()
        finally:
            for task in own:
                task.cancel()
            await asyncio.gather(*lanes, *own, return_exceptions=True)
            if self._lifeline:
                self._lifeline.let_go(self.name)

    def _docket_worker(self, lane: str, docket: Docket) -> DocketWorker:
        if lane == "changes":
            docket.register(self._follow, names=[CHANGE])
        else:
            docket.register(self._take_in(lane), names=[TOKEN])
        return DocketWorker(
            docket,
            name=self.name,
            concurrency=self._concurrency[lane],
            redelivery_timeout=timedelta(seconds=self._lease_seconds),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=100),
            scheduling_resolution=timedelta(milliseconds=100),
            schedule_automatic_tasks=False,
        )

    def _take_in(self, lane: str) -> Callable[[str, str, str], Awaitable[None]]:
        async def take(thread: str, request_id: str, user: str) -> None:
            pause = await self._take_in_turn(lane, thread, request_id, user)
            if pause is not None:
                later = self._queue.lanes[lane].replace(TOKEN, _in_seconds(pause), request_id)
                await self._insist(lambda: later(thread, request_id, user))

        return take

    async def _follow(self, raw: str, failures: int) -> None:
        """Follow a change of Slack's; what fails is tried again, so that nothing stays that went."""
        change = SlackChange.from_json(raw)
        try:
            await self._turn.change(change)
        except Exception as error:
            logger.warning("change not followed", id=change.id, kind=change.kind, reason=_reason(error), tries=failures)
            if failures >= CHANGE_FAILURES:
                return
            metrics.RETRIES.labels(change.kind).inc()
            when = _in_seconds(_pause(failures, error))
            later = self._queue.lanes["changes"].replace(CHANGE, when, change.id)
            await self._insist(lambda: later(raw, failures + 1))

    async def _take_in_turn(self, lane: str, thread: str, request_id: str, user: str) -> float | None:
        """Work on a request unless its person has enough of the lane; return the pause before the next try, if any."""
        if self._ending:
            return WATCH_SECONDS
        self._busy += Counter()  # drops those at zero
        if self._is_served_enough(lane, user):
            return self._turn_away(request_id)
        self._busy[lane, user] += 1
        try:
            return await self._take(thread, request_id)
        finally:
            self._busy[lane, user] -= 1

    def _is_served_enough(self, lane: str, user: str) -> bool:
        """Tell whether a person has half of the lane already: the other half is for others."""
        return self._busy[lane, user] >= max(1, self._concurrency[lane] // 2)

    def _turn_away(self, request_id: str) -> float:
        """Return a pause that grows, so that a person with hundreds of requests costs little."""
        self._turned_away[request_id] += 1
        first, longest = BUSY_SECONDS
        return float(min(longest, first * 1.5 ** self._turned_away[request_id]))

    async def _take(self, thread: str, request_id: str) -> float | None:
        """Work on a request if it is its thread's turn; return the seconds after which to come again, if at all."""
        self._turned_away.pop(request_id, None)
        if request_id in self._running:
            return HELD_SECONDS
        try:
            job = await self._queue.start(thread, request_id, worker=self.name, lease_seconds=self._lease_seconds)
        except Held:
            return HELD_SECONDS
        if job is None:
            await self._queue.call_up(thread)
            return None
        if job.starts - job.failures > STARTS:
            return await self._end(job)
        return await self._work(job)

    async def _end(self, job: Job) -> float | None:
        """Give up a request that ends every process; it is not begun again while the person can't be told."""
        if await self._give_up(job, "it ends the process"):
            return None
        await self._insist(lambda: self._queue.release(job, worker=self.name))
        return float(PAUSE_SECONDS[-1])

    async def _work(self, job: Job) -> float | None:
        running = _Running(job, asyncio.create_task(self._turn(job.request), name=f"turn {job.request.id}"))
        self._running[job.request.id] = running
        try:
            await asyncio.wait([running.task])
        finally:
            running.task.cancel()  # for when docket's own task is cancelled
            del self._running[job.request.id]
        return await self._settle(job, running)

    async def _settle(self, job: Job, running: _Running) -> float | None:
        """Do what follows from how a turn ended; return the pause before the next try, if there is one."""
        if running.task.cancelled():
            return await self._let_go(job, running.verdict)
        if error := running.task.exception():
            return await self._retry(job, error)
        await self._insist(lambda: self._queue.finish(job, worker=self.name))
        return None

    async def _let_go(self, job: Job, verdict: Verdict | None) -> float | None:
        await self._insist(lambda: self._queue.release(job, worker=self.name))
        if verdict == "lost":
            return None
        if verdict != "removed":
            return 0.0
        await self._tell(self._turn.stopped(job.request))
        await self._insist(lambda: self._queue.finish(job, worker=self.name))
        return None

    async def _retry(self, job: Job, error: BaseException) -> float | None:
        failures = job.failures + 1
        reason = _reason(error)
        metrics.RETRIES.labels(job.request.action).inc()
        logger.warning("request failed", id=job.request.id, action=job.request.action, reason=reason, tries=failures)
        await self._insist(lambda: self._queue.fail(job))
        if failures >= FAILURES and await self._give_up(job, reason):
            return None
        if failures == 1:
            await self._tell(self._turn.delayed(job.request))
        await self._insist(lambda: self._queue.release(job, worker=self.name))
        return _pause(job.failures, error)

    async def _give_up(self, job: Job, reason: str) -> bool:
        """Tell the person that it did not work, and strike it off; False if it is kept because nobody can be told."""
        if not await self._tell(self._turn.given_up(job.request, reason)) and job.failures < UNTOLD_FAILURES:
            return False
        await self._insist(lambda: self._queue.bury(job, reason))
        await self._insist(lambda: self._queue.finish(job, worker=self.name))
        return True

    async def _tell(self, telling: Awaitable[None]) -> bool:
        """Tell the person something; False if that is not possible now: what is away may be Slack itself."""
        try:
            await telling
        except Exception as error:
            logger.warning("could not tell", reason=_reason(error))
            return False
        return True

    async def _insist(self, call: Callable[[], Awaitable[object]]) -> None:
        """Have Redis know, even if it is being started again just now."""
        async with asyncio.timeout(INSIST_SECONDS):
            while True:
                try:
                    await call()
                    return
                except RedisError:
                    await asyncio.sleep(0.5)

    async def _watch(self) -> None:
        """Keep the hold on what runs, and let go of what was stopped, edited or taken over."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(RedisError):
                for running in list(self._running.values()):
                    kept = await self._queue.keep(running.job, worker=self.name, lease_seconds=self._lease_seconds)
                    if kept != "kept":
                        running.let_go(kept)

    async def _mend(self) -> None:
        """Find what lost its token, and at once what workers that were killed on this machine were at."""
        suspects: frozenset[str] = frozenset()
        while True:
            dead = self._lifeline.dead() if self._lifeline else []
            with suppress(RedisError):
                suspects = await self._queue.mend(suspects, dead)
                if self._lifeline:
                    self._lifeline.bury(dead)
            await asyncio.sleep(MEND_SECONDS)

    async def _let_all_go(self) -> None:
        self._ending = True
        if self._running:
            await asyncio.wait([running.task for running in self._running.values()], timeout=GRACE_SECONDS)
        for running in self._running.values():
            running.let_go("ending")


def _reason(error: BaseException) -> str:
    if full := what_is_full(error):
        return f"no room left: {full}"
    return error.reason if isinstance(error, TryAgain) else type(error).__name__


def _in_seconds(pause: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=pause)


def _pause(failures: int, error: BaseException) -> float:
    """Return how long to wait after an error that came after so many others."""
    pause = PAUSE_SECONDS[min(failures, len(PAUSE_SECONDS) - 1)]
    return max(pause, error.after_seconds if isinstance(error, TryAgain) else 0)
