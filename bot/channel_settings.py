"""How each channel wants the assistant to behave, in Redis: what it listens to, documents, receipts, language."""

from typing import Any

from redis.asyncio import Redis

from handlers.request import ChannelWishes

KEPT_SECONDS = 400 * 86400  # after the last look at them


class ChannelSettings:
    """The wishes of each channel; sensible where nobody set anything."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    async def of(self, team: str, channel: str) -> ChannelWishes:
        """Return what a channel wants."""
        key = _key(team, channel)
        async with self._redis.pipeline() as pipeline:
            known, _ = await pipeline.hgetall(key).expire(key, KEPT_SECONDS).execute()
        return ChannelWishes(
            listens=known.get("listens", ChannelWishes.listens),
            documents=known.get("documents", "on") == "on",
            receipts=known.get("receipts", "on") == "on",
            language=known.get("language", "").replace("own", ""),
        )

    async def change(self, team: str, channel: str, name: str, value: str) -> None:
        """Note one wish."""
        key = _key(team, channel)
        async with self._redis.pipeline() as pipeline:
            await pipeline.hset(key, name, value).expire(key, KEPT_SECONDS).execute()

    async def move(self, team: str, old: str, new: str) -> None:
        """Follow a channel to its new id."""
        if known := await self._redis.hgetall(_key(team, old)):
            async with self._redis.pipeline() as pipeline:
                pipeline.hset(_key(team, new), mapping=known).expire(_key(team, new), KEPT_SECONDS)
                await pipeline.delete(_key(team, old)).execute()


def _key(team: str, channel: str) -> str:
    return f"channel-settings:{team}:{channel}"
