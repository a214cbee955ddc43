"""What Slack says is gone, noted before its event is acknowledged, so that nobody reads it while it is tidied up."""

import time
from collections.abc import Collection
from typing import Any

from redis.asyncio import Redis

from bot.slack.changes import CHANNEL_BACK, CHANNEL_GONE, SlackChange
from bot.slack.payload import seconds
from indexing.document import Share

GONE_SECONDS = 7 * 86400  # the events themselves are worked on by then, and every night asks Slack again
KEY = "gone"  # a sorted set: what is gone, by the time at which it went


class Gone:
    """Files, messages and channels that went within the last week.

    The library subtracts it: `among` is the port (one round trip to Redis). It raises redis.RedisError where that
    is away, so that nothing is shown then. A share that was made after a file left its channel, after the bot left the
    channel or after its person said /forget-me is not gone; a deleted file or message does not come back.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    async def note(self, change: SlackChange) -> None:
        """Note what a change takes away, or that a channel is there again."""
        if change.kind in CHANNEL_BACK:
            await self.clear(change)
        elif names := _names_of(change):
            await self._note(names, change.at or time.time())

    async def forget_person(self, user: str) -> None:
        """Note that what this person shared until now is gone, so that an upload told again brings nothing back."""
        await self._note([f"person:{user}"], time.time())

    async def _note(self, names: list[str], at: float) -> None:
        async with self._redis.pipeline() as pipeline:
            pipeline.zadd(KEY, dict.fromkeys(names, at), gt=True)
            pipeline.zremrangebyscore(KEY, "-inf", f"({time.time() - GONE_SECONDS}")
            await pipeline.expire(KEY, GONE_SECONDS).execute()

    async def clear(self, change: SlackChange) -> None:
        """Take a note back: Slack was asked, and it is there."""
        if names := _names_of(change):
            await self._redis.zrem(KEY, *names)

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        """Return those of the shares that Slack has taken away."""
        names = [name for share in shares for name in _for_good(share) + _until_then(share)]
        times = dict(zip(names, await self._redis.zmscore(KEY, names), strict=True)) if names else {}
        return frozenset(share for share in shares if _is_gone(share, times))


def _is_gone(share: Share, times: dict[str, float | None]) -> bool:
    left_at = [at for name in _until_then(share) if (at := times[name]) is not None]
    return any(times[name] is not None for name in _for_good(share)) or max(left_at, default=-1) >= seconds(share.ts)


def _names_of(change: SlackChange) -> list[str]:
    if change.kind == "file_deleted":
        return [f"file:{file}" for file in change.files]
    if change.kind == "file_unshared" and change.channel:
        return [f"share:{change.channel}:{change.ts}:{file}" for file in change.files]
    if change.kind == "message_deleted":
        return [f"message:{change.channel}:{change.ts}"]
    return [f"channel:{change.channel}"] if change.kind in CHANNEL_GONE | CHANNEL_BACK else []


def _for_good(share: Share) -> list[str]:
    """Return what takes a share away whenever it was made."""
    here = f"{share.channel}:{share.ts}"
    return [f"file:{share.file_id}", f"message:{here}", f"share:{here}:{share.file_id}"]


def _until_then(share: Share) -> list[str]:
    """Return what takes a share away if it was made before."""
    return [f"channel:{share.channel}", f"share:{share.channel}::{share.file_id}", f"person:{share.user}"]
