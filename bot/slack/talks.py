"""Which threads are ours and who talks with whom in them, in Redis."""

from typing import Any

from redis.asyncio import Redis

from bot.channel_settings import ChannelSettings
from bot.slack.addressing import Talk
from handlers.request import ChannelWishes, Request

UNKNOWN = "1"  # in place of who addressed us first, in threads of earlier versions


class Talks:
    """The threads that somebody addressed us in, and those under a document that was merely dropped."""

    def __init__(self, redis: Redis, days: int = 90) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._channels = ChannelSettings(redis)
        self._seconds = days * 86400

    async def of(self, request: Request) -> Talk:
        """Return what is known of the request's thread."""
        async with self._redis.pipeline() as pipeline:
            owner, known = await pipeline.get(_owned(request)).hgetall(_key(request)).execute()
        partners = {*known.get("partners", "").split(), *([owner] if owner and owner != UNKNOWN else [])}
        return Talk(bool(owner), "document" in known, frozenset(partners), known.get("last", ""))

    async def wishes(self, request: Request) -> ChannelWishes:
        """Return how the request's channel wants us to behave."""
        return await self.wishes_of(request.team, request.channel)

    async def wishes_of(self, team: str, channel: str) -> ChannelWishes:
        """Return how a channel wants us to behave."""
        return await self._channels.of(team, channel)

    async def ours(self, request: Request, *, addressed: bool) -> None:
        """Note that a message was for us: the thread is ours, and whoever addressed us talks with us."""
        partners = set((await self.of(request)).partners)
        if addressed or not partners:
            partners.add(request.user)
        await self._redis.set(_owned(request), request.user, ex=self._seconds, nx=True)
        await self._note(request, partners=" ".join(sorted(partners)), last="")

    async def document(self, request: Request) -> None:
        """Note that a thread hangs on a document that was dropped without a word to us."""
        await self._note(request, document="1")

    async def others(self, request: Request, last: str) -> None:
        """Note who wrote to others last, where that may matter."""
        if await self._redis.exists(_key(request), _owned(request)):
            await self._note(request, last=last)

    async def move_channel(self, team: str, old: str, new: str) -> None:
        """Follow a channel to its new id, with how it wants us to behave."""
        await self._channels.move(team, old, new)
        for kind in ("talk", "owned"):
            async for key in self._redis.scan_iter(f"{kind}:{team}:{old}:*", count=1000):
                await self._redis.rename(key, key.replace(f"{kind}:{team}:{old}:", f"{kind}:{team}:{new}:", 1))

    async def _note(self, request: Request, **fields: str) -> None:
        async with self._redis.pipeline() as pipeline:
            await pipeline.hset(_key(request), mapping=fields).expire(_key(request), self._seconds).execute()


def _key(request: Request) -> str:
    return f"talk:{request.team}:{request.channel}:{request.thread}"


def _owned(request: Request) -> str:
    """Return the key that holds who addressed us first; the queue sets it when a command opens a thread."""
    return f"owned:{request.team}:{request.channel}:{request.thread}"
