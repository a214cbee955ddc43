"""What was asked and could not be answered, in Redis: kept in its channel, forgotten with it, for some weeks."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from redis.asyncio import Redis

from handlers.ports import OpenQuestion

KEPT_SECONDS = 30 * 86400
MOST = 50  # of one channel; the oldest goes

_KEEP = """
local questions, order, channels = KEYS[1], KEYS[2], KEYS[3]
redis.call('HSET', questions, ARGV[1], ARGV[2])
redis.call('ZADD', order, ARGV[3], ARGV[1])
local surplus = redis.call('ZRANGE', order, 0, -tonumber(ARGV[5]) - 1)
for _, id in ipairs(surplus) do
  redis.call('HDEL', questions, id)
  redis.call('ZREM', order, id)
end
redis.call('SADD', channels, ARGV[6])
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end
"""


class RedisOpenQuestions:
    """The OpenQuestions of handlers/ports.py, of one workspace."""

    def __init__(self, redis: Redis, team: str) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._team = team
        self._keep = redis.register_script(_KEEP)

    async def keep(self, question: OpenQuestion) -> None:
        """Keep a question; one with the same id takes its place."""
        channel = question.channel
        keys = [self._questions(channel), self._order(channel), self._channels]
        given: list[str | int | float] = [
            question.id,
            json.dumps(asdict(question)),
            question.at,
            KEPT_SECONDS,
            MOST,
            channel,
        ]
        await self._keep(keys, given)

    async def drop(self, channel: str, question_id: str) -> bool:
        """Let a question go; tell whether it was there."""
        async with self._redis.pipeline() as pipeline:
            gone, _ = await (
                pipeline.hdel(self._questions(channel), question_id).zrem(self._order(channel), question_id).execute()
            )
        return bool(gone)

    async def get(self, channel: str, question_id: str) -> OpenQuestion | None:
        """Return a question; None if it is not kept."""
        raw = await self._redis.hget(self._questions(channel), question_id)
        return OpenQuestion(**json.loads(raw)) if raw else None

    async def all(self) -> list[OpenQuestion]:
        """Return all that are kept, newest first."""
        channels = sorted(await self._redis.smembers(self._channels))
        if not channels:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.hvals(self._questions(channel))
            kept = [OpenQuestion(**json.loads(raw)) for some in await pipeline.execute() for raw in some]
        fresh = [question for question in kept if question.at > time.time() - KEPT_SECONDS]
        return sorted(fresh, key=lambda question: question.at, reverse=True)

    async def of_person(self, user: str) -> list[OpenQuestion]:
        """Return what somebody asked, newest first."""
        return [question for question in await self.all() if question.user == user]

    async def forget_person(self, user: str) -> int:
        """Forget what somebody asked; return how much."""
        return await self._forget(lambda question: question.user == user)

    async def forget_thread(self, channel: str, thread: str) -> int:
        """Forget what was asked in a thread; return how much."""
        return await self._forget(lambda question: (question.channel, question.thread) == (channel, thread))

    async def forget_channel(self, channel: str) -> None:
        """Forget what was asked in a channel."""
        async with self._redis.pipeline() as pipeline:
            pipeline.delete(self._questions(channel), self._order(channel))
            await pipeline.srem(self._channels, channel).execute()

    async def move_channel(self, old: str, new: str) -> None:
        """Follow a channel to its new id."""
        for question in await self.all():
            if question.channel == old:
                moved = asdict(question) | {"channel": new, "id": question.id.replace(f":{old}:", f":{new}:", 1)}
                await self.keep(OpenQuestion(**moved))
        await self.forget_channel(old)

    async def _forget(self, goes: Callable[[OpenQuestion], bool]) -> int:
        going = [question for question in await self.all() if goes(question)]
        for question in going:
            await self.drop(question.channel, question.id)
        return len(going)

    @property
    def _channels(self) -> str:
        return f"open-questions:{self._team}"

    def _questions(self, channel: str) -> str:
        return f"open-questions:{self._team}:{channel}"

    def _order(self, channel: str) -> str:
        return f"open-questions:{self._team}:{channel}:order"
