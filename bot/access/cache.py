"""What is kept of Slack's answers in Redis, for all processes: facts and sets, each with a TTL, changed by events.

A look-up takes time, and an event may come meanwhile. So a fact is only written if nothing newer than the look-up's
beginning stands there, and a set only if no event changed it since.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

Fact = dict[str, Any]

MOVED_SECONDS = 3600  # events that come in another order than they happened are this far apart at most
CHUNK = 1000  # keys or members a command

_PUT = """
local kept = redis.call('GET', KEYS[1])
if kept and cjson.decode(kept).at > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_FILL = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SADD', KEYS[1], '')
for first = 4, #ARGV, 4000 do redis.call('SADD', KEYS[1], unpack(ARGV, first, math.min(first + 3999, #ARGV))) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[2])
return 1
"""
_MOVE = """
local who, is_in, at, seconds = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
if at < tonumber(redis.call('HGET', KEYS[4], who) or 0) then return 0 end
redis.call('HSET', KEYS[4], who, at)
redis.call('EXPIRE', KEYS[4], seconds)
redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], seconds)
if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
local changed = redis.call(is_in and 'SADD' or 'SREM', KEYS[1], who)
if changed == 1 and redis.call('EXISTS', KEYS[3]) == 1 then redis.call('INCRBY', KEYS[3], is_in and 1 or -1) end
return 1
"""


class SlackCache:
    """Facts (what somebody or something is) and sets (who is in what)."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._put, self._fill = redis.register_script(_PUT), redis.register_script(_FILL)
        self._move = redis.register_script(_MOVE)

    async def now(self) -> float:
        """Return Redis's time, the same for all processes."""
        seconds, microseconds = await self._redis.time()
        return int(seconds) + int(microseconds) / 1e6

    # Facts.

    async def fact(self, name: str) -> Fact | None:
        """Return a fact; None if it is not known."""
        return (await self.facts([name]))[0]

    async def facts(self, names: Sequence[str]) -> list[Fact | None]:
        """Return facts in the order of their names, None where one is not known."""
        read: list[Fact | None] = []
        for first in range(0, len(names), CHUNK):
            raw = await self._redis.mget([_key(name) for name in names[first : first + CHUNK]])
            read += [_known(one) for one in raw]
        return read

    async def put(self, facts: Mapping[str, Fact], *, asked_at: float, seconds: int) -> None:
        """Keep facts that were asked for at that time, unless something newer is known."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name, fact in facts.items():
                value = json.dumps(fact | {"at": asked_at})
                await self._put([_key(name)], [asked_at, value, seconds], client=pipeline)
            await pipeline.execute()

    async def drop_fact(self, name: str) -> None:
        """Forget a fact; a look-up that is under way does not bring it back."""
        await self._redis.set(_key(name), json.dumps({"at": await self.now(), "gone": True}), ex=MOVED_SECONDS)

    # Sets.

    async def version(self, name: str) -> str:
        """Return what `fill` must be given, read before Slack is asked."""
        return str(await self._redis.get(f"{_key(name)}:version") or "")

    async def fill(self, name: str, version: str, members: Iterable[str], *, count: int = 0, seconds: int) -> bool:
        """Keep a whole set; False if an event changed it since its version was read. `count` is Slack's own figure."""
        key = _key(name)
        keys = [key, f"{key}:version", f"{key}:count"]
        return bool(await self._fill(keys, [version, seconds, count, *members]))

    async def move(self, name: str, who: str, *, is_in: bool, at: float) -> None:
        """Let somebody in or out at a time of Slack's clock; an older news than the last about them is ignored."""
        key = _key(name)
        keys = [key, f"{key}:version", f"{key}:count", f"{key}:moved"]
        await self._move(keys, [who, int(is_in), at, MOVED_SECONDS])

    async def drop_set(self, name: str) -> None:
        """Forget a set; a look-up that is under way does not bring it back."""
        key = _key(name)
        async with self._redis.pipeline() as pipeline:
            pipeline.delete(key, f"{key}:count").incr(f"{key}:version")
            await pipeline.expire(f"{key}:version", MOVED_SECONDS).execute()

    async def members(self, name: str) -> frozenset[str] | None:
        """Return a set; None if it is not known."""
        members = await self._redis.smembers(_key(name))
        return frozenset(members) - {""} if members else None

    async def count(self, name: str) -> int:
        """Return how many Slack says are in a set, kept up by the events; -1 if that is not known."""
        async with self._redis.pipeline() as pipeline:
            there, count = await pipeline.exists(_key(name)).get(f"{_key(name)}:count").execute()
        return int(count) if there and count is not None else -1

    async def unknown(self, names: Sequence[str]) -> list[str]:
        """Return the names of sets that are not known."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.exists(_key(name))
            return [name for name, there in zip(names, await pipeline.execute(), strict=True) if not there]

    async def among(self, names: Sequence[str], people: Sequence[str]) -> list[frozenset[str]]:
        """Return of each set which of these people are in it; nobody in a set that is not known."""
        if not people:
            return [frozenset()] * len(names)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.smismember(_key(name), list(people))
            rows = await pipeline.execute()
        return [frozenset(who for who, is_in in zip(people, row, strict=True) if is_in) for row in rows]

    # Marks.

    async def mark(self, name: str, milliseconds: int) -> bool:
        """Note that something was done; False if that stands already."""
        return bool(await self._redis.set(_key(name), "1", px=milliseconds, nx=True))

    async def is_marked(self, name: str) -> bool:
        """Tell whether it was done within its time."""
        return bool(await self._redis.exists(_key(name)))

    async def unmark(self, name: str) -> None:
        """Forget that it was done."""
        await self._redis.delete(_key(name))

    async def hear(self, seconds: int) -> None:
        """Note that events are heard for so long from now; forget everything if they were not heard until now."""
        if await self._redis.set(_key("listening"), "1", ex=seconds, xx=True):
            return
        async for key in self._redis.scan_iter(_key("*"), count=CHUNK):
            await self._redis.delete(key)
        await self._redis.set(_key("listening"), "1", ex=seconds)


def _key(name: str) -> str:
    return f"access:{name}"


def _known(raw: str | None) -> Fact | None:
    fact: Fact | None = json.loads(raw) if raw else None
    return None if fact is None or fact.get("gone") else fact
