"""The durable to-do list: docket on Redis, one inbox a thread, so that a request survives a kill and order is kept.

An inbox is a Redis list of a thread's requests, oldest first. It is the truth; a docket task is only a token that
says "work on the head of this inbox". Only the head of an inbox has a token, so a thread's requests run one after the
other, a request that waits for its next try holds back the ones behind it, and there is nothing to lock. Stopping a
request takes it out of the inbox, redoing it replaces it there: the worker that is at it sees that and lets go.

What changed in Slack has no thread to keep its turn in: each change is a docket task, in a lane of its own.
"""

import json
import time
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self

from docket import Docket, ExecutionState
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.queue import scripts
from bot.slack.changes import SlackChange
from handlers.request import Request

LANES = ("chat", "ingest", "changes")  # an upload never holds back a conversation, and nothing what Slack changed
INGEST_ACTIONS = frozenset({"upload", "read_here", "recap", "reopen"})  # long work that nobody waits for
TOKEN, CHANGE = "take", "change"  # the names of the docket tasks
SEEN_SECONDS = 26 * 3600  # Slack's last retry comes a day after the event
INBOX_SECONDS = 7 * 86400  # what nobody worked on for a week is not wanted any more
DEAD_SECONDS = 7 * 86400
EARLIER_THREADS = "queue:threads"  # of all workspaces, in versions before 2026-11-28
EARLIER_CHANGE = "upkeep"  # the action by which those followed what changed in Slack
CLOCKS_SECONDS = 300  # ours and Slack's may be that far apart

Kept = Literal["kept", "removed", "redone", "lost"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request at the head of its inbox, taken by a worker."""

    request: Request
    thread: str  # the inbox's key
    raw: str  # what stands in the inbox
    starts: int  # how often it was begun, this time included
    failures: int  # how often it failed


class Held(Exception):
    """Another worker is at this request."""


class Queue:
    """What has to be done, in Redis."""

    def __init__(
        self, redis: Redis, url: str, *, team: str = "", own_days: int = 90, settle_seconds: float = 1.0
    ) -> None:
        """Make the queue of a workspace; what comes in the first `settle_seconds` waits as long, to be put into order.

        A gateway that comes back is told at once, in any order, what its predecessor did not acknowledge.
        """
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._own_seconds = own_days * 86400
        self._settle_seconds = settle_seconds
        self._settled: datetime | None = None  # when the first second of this gateway is over
        self.lanes: dict[str, Docket] = {
            lane: Docket(name=f"folio:{team}:{lane}", url=url, execution_ttl=timedelta(minutes=1)) for lane in LANES
        }
        self._team = team
        self._threads = f"queue:threads:{team}"  # waiting threads by the time their head was put
        self._put = redis.register_script(scripts.PUT)
        self._redo = redis.register_script(scripts.REDO)
        self._remove = redis.register_script(scripts.REMOVE)
        self._start = redis.register_script(scripts.START)
        self._keep = redis.register_script(scripts.KEEP)
        self._release = redis.register_script(scripts.RELEASE)

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        for docket in self.lanes.values():
            docket.register(_elsewhere, names=[TOKEN, CHANGE])
            await self._stack.enter_async_context(docket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    # What the gateway does.

    async def put(self, request: Request) -> bool:
        """Accept a request durably; return False if it was accepted before (Slack sends things twice).

        Raises redis.RedisError: then it is not accepted.
        """
        thread = request.conversation
        keys = [_seen(request.id), _inbox(thread), self._threads]
        new, *head = await self._put(keys, [_dump(request), thread, SEEN_SECONDS, INBOX_SECONDS])
        self._settled = self._settled or datetime.now(UTC) + timedelta(seconds=self._settle_seconds)
        await self._give_token(thread, head, self._settled)
        return bool(new)

    async def put_change(self, change: SlackChange) -> None:
        """Accept durably that something changed in Slack. Raises redis.RedisError: then it is not accepted."""
        await self.lanes["changes"].add(CHANGE, key=change.id)(change.to_json(), 0)

    async def redo(self, request: Request) -> None:
        """Do a request again because its question was edited: the same answer is rewritten, wherever it stands."""
        thread = request.conversation
        keys = [_seen(request.id), _inbox(thread), self._threads]
        head = await self._redo(keys, [_dump(request), thread, SEEN_SECONDS, INBOX_SECONDS])
        await self._give_token(thread, [head], anew=True)  # whoever is at it may be at its end just now

    async def cancel(self, request_id: str) -> bool:
        """Stop a request that waits or is worked on, by any process; return whether there was one."""
        thread = await self._redis.get(_seen(request_id))
        return bool(thread) and await self._take_out(str(thread), request_id)

    async def cancel_thread(self, team: str, channel: str, thread: str, *, before: float = 0) -> int:
        """Stop what is to be done in a thread, what was asked for by then; return how many requests that were."""
        conversation = f"{team}:{channel}:{thread}"
        command = await self._redis.get(f"opened:{conversation}")
        stopped = 0
        for name in {conversation, command or conversation}:
            waiting = await self._redis.lrange(_inbox(name), 0, -1)
            for raw in reversed(waiting):  # the head last: it keeps its worker until nobody is left to follow it
                request = json.loads(raw)
                if not before or _asked_at(request) < before:
                    stopped += await self._take_out(name, request["id"])
        return stopped

    async def own(self, team: str, channel: str, thread: str, user: str = "1") -> None:
        """Note that a thread is the bot's, and who addressed it: bot.slack.talks tells which replies are for it."""
        await self._redis.set(f"owned:{team}:{channel}:{thread}", user, ex=self._own_seconds)

    async def owns(self, team: str, channel: str, thread: str) -> bool:
        """Tell whether a thread is the bot's."""
        return bool(await self._redis.exists(f"owned:{team}:{channel}:{thread}"))

    async def opened(self, request: Request, thread: str) -> None:
        """Note which thread a command is answered in, so that stopping the thread stops the command."""
        await self.own(request.team, request.channel, thread, request.user)
        conversation = f"{request.team}:{request.channel}:{thread}"
        await self._redis.set(f"opened:{conversation}", request.conversation, ex=SEEN_SECONDS)

    async def depth(self) -> int:
        """Return how many requests wait or are worked on."""
        threads = await self._redis.zrange(self._threads, 0, -1)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for thread in threads:
                pipeline.llen(_inbox(thread))
            return sum(await pipeline.execute())

    async def oldest_seconds(self) -> float:
        """Return how long the oldest of them has waited."""
        oldest = await self._redis.zrange(self._threads, 0, 0, withscores=True)
        return max(0.0, time.time() - oldest[0][1]) if oldest else 0.0

    async def is_held(self, request_id: str) -> bool:
        """Tell whether a worker is at a request."""
        return bool(await self._redis.exists(_holder(request_id)))

    # What the worker does.

    async def start(self, thread: str, request_id: str, *, worker: str, lease_seconds: float) -> Job | None:
        """Take the request if it is the head of its inbox; None if it is not; raise Held if another worker is at it."""
        keys = [_inbox(thread), _holder(request_id), _tries(request_id)]
        state, *rest = await self._start(keys, [request_id, worker, int(lease_seconds * 1000), SEEN_SECONDS])
        if state == "held":
            raise Held
        if state == "gone":
            return None
        raw, starts, failures = rest
        return Job(request=_load(raw), thread=thread, raw=raw, starts=starts, failures=failures)

    async def keep(self, job: Job, *, worker: str, lease_seconds: float) -> Kept:
        """Renew the hold on a job; tell whether it is still wanted, and wanted from this worker."""
        keys = [_inbox(job.thread), _holder(job.request.id)]
        kept: Kept = await self._keep(keys, [job.raw, worker, int(lease_seconds * 1000)])
        return kept

    async def release(self, job: Job, *, worker: str) -> None:
        """Let go of a job without finishing it."""
        await self._release([_holder(job.request.id)], [worker])

    async def fail(self, job: Job) -> None:
        """Count a failure of a job."""
        await self._redis.hincrby(_tries(job.request.id), "failures", 1)

    async def finish(self, job: Job, *, worker: str) -> None:
        """Strike a job off the list, unless its question was edited meanwhile, and call up the next of its thread."""
        _, *head = await self._remove([_inbox(job.thread), self._threads], [job.request.id, job.thread, job.raw])
        await self._redis.delete(_tries(job.request.id))
        await self.release(job, worker=worker)
        await self._give_token(job.thread, head)

    async def bury(self, job: Job, reason: str) -> None:
        """Keep a week's note of a request that never succeeded: who, what and why, not what was written."""
        note = asdict(job.request) | {"reason": reason, "starts": job.starts, "failures": job.failures}
        for name in ("text", "audience", "response_url"):
            note.pop(name)
        await self._redis.set(f"dead:{job.request.id}", json.dumps(note), ex=DEAD_SECONDS)

    async def call_up(self, thread: str) -> None:
        """Make sure that the head of an inbox has its token."""
        await self._give_token(thread, [await self._redis.lindex(_inbox(thread), 0)])

    async def mend(self, suspects: frozenset[str] = frozenset(), dead: Collection[str] = ()) -> frozenset[str]:
        """Give heads without a token a new one: a process died, or Redis went, between two commands.

        So does what dead workers were at. A head that docket calls running though nobody holds it is a suspect; one
        that was a suspect the last time already is put in anew. Return the suspects of this time.
        """
        seen = set()
        await self._take_over()
        for thread in await self._redis.zrange(self._threads, 0, -1):
            if (raw := await self._redis.lindex(_inbox(thread), 0)) is None:
                await self._redis.zrem(self._threads, thread)  # the inbox ran out of its week
                continue
            request = json.loads(raw)
            holder = await self._redis.get(_holder(request["id"]))
            if holder in dead:
                await self._release([_holder(request["id"])], [holder])
                await self._give_token(thread, [raw], anew=True)
            elif holder is None and await self._is_running(request) and request["id"] not in suspects:
                seen.add(request["id"])
            elif holder is None:
                await self._give_token(thread, [raw], anew=request["id"] in suspects)
        return frozenset(seen)

    async def _take_over(self) -> None:
        """Take over what waits in an earlier version's list; a worker of it that still runs holds what it is at."""
        for thread, at in await self._redis.zrange(EARLIER_THREADS, 0, -1, withscores=True):
            if thread.partition(":")[0] == self._team:
                for raw in await self._redis.lrange(_inbox(thread), 0, -1):
                    if json.loads(raw)["action"] == EARLIER_CHANGE:  # the night compares with Slack
                        await self._redis.lrem(_inbox(thread), 1, raw)
                await self._redis.zadd(self._threads, {thread: at}, nx=True)
                await self._redis.zrem(EARLIER_THREADS, thread)

    async def _is_running(self, request: Mapping[str, Any]) -> bool:
        execution = await self.lanes[lane(request["action"])].get_execution(request["id"])
        return execution is not None and execution.state is ExecutionState.RUNNING

    async def _take_out(self, thread: str, request_id: str) -> bool:
        removed, *head = await self._remove([_inbox(thread), self._threads], [request_id, thread, ""])
        await self._give_token(thread, head)
        return bool(removed)

    async def _give_token(
        self, thread: str, head: list[str] | list[None], not_before: datetime | None = None, *, anew: bool = False
    ) -> None:
        """Have docket call a worker for the head; harmless if that is on its way already, `anew` if it was lost.

        If Redis goes away just here the request is accepted all the same: `mend` gives the token.
        """
        if not head or not head[0]:
            return
        request = json.loads(head[0])
        docket, key = self.lanes[lane(request["action"])], request["id"]
        give = docket.replace(TOKEN, datetime.now(UTC), key) if anew else docket.add(TOKEN, not_before, key)
        with suppress(RedisError):
            await give(thread, key, request["user"])


def lane(action: str) -> str:
    """Return the lane in which an action is worked on."""
    return "ingest" if action in INGEST_ACTIONS else "chat"


async def _elsewhere(*_: str | int) -> None:
    """Stand in for the worker's tasks in processes that only put."""


def _seen(request_id: str) -> str:
    return f"seen:{request_id}"


def _inbox(thread: str) -> str:
    return f"inbox:{thread}"


def _holder(request_id: str) -> str:
    return f"holder:{request_id}"


def _tries(request_id: str) -> str:
    return f"tries:{request_id}"


def _asked_at(stored: Mapping[str, Any]) -> float:
    """Return when a stored request was asked for, by Slack's clock; where only ours is known, the earliest."""
    return float(stored["ts"] or stored["put_at"] - CLOCKS_SECONDS)


def _dump(request: Request) -> str:
    """Write a request as it stands in the inbox; the time makes two editions of one request differ."""
    plain = asdict(request)
    del plain["audience"]
    raw = json.dumps(plain | {"put_at": time.time()}, ensure_ascii=False)
    return raw.encode("utf-8", "replace").decode()  # Lua reads no half characters


def _load(raw: str) -> Request:
    """Read a request; what another version of the program knew besides is left out."""
    stored: Mapping[str, Any] = json.loads(raw)
    known = {name: stored[name] for name in (field.name for field in fields(Request)) if name in stored}
    return Request(**known | {name: tuple(stored.get(name, ())) for name in ("files", "channels")})
