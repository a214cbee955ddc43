"""What Slack says is gone, noted before its event is acknowledged, so that nobody reads it while it is tidied up."""

import math
import time
from collections.abc import Collection, Iterable
from typing import Any

from redis.asyncio import Redis

from indexing.document import Share

GONE_SECONDS = 7 * 86400  # the events themselves are worked on by then, and every night asks Slack again
KEY = "gone"  # a sorted set: what is gone, by the time at which it went


class Gone:
    """Files, messages and channels that went within the last week.

    The library subtracts it: `among` is the port (one round trip to Redis). It raises redis.RedisError where that
    is away, so that nothing is shown then. A share that was made after a file left its channel, or after the bot
    left the channel, is not gone; a deleted file or message does not come back.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    async def note(
        self,
        *,
        at: float,
        files: Iterable[str] = (),
        messages: Iterable[tuple[str, str]] = (),
        channels: Iterable[str] = (),
        unshared: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Note what went at a time of Slack's clock; messages are (channel, ts), unshared are (file, channel)."""
        names = [_file(file) for file in files]
        names += [_message(channel, ts) for channel, ts in messages]
        names += [_channel(channel) for channel in channels]
        names += [_unshared(file, channel) for file, channel in unshared]
        if not names:
            return
        async with self._redis.pipeline() as pipeline:
            pipeline.zadd(KEY, dict.fromkeys(names, at), gt=True)
            pipeline.zremrangebyscore(KEY, "-inf", f"({time.time() - GONE_SECONDS}")
            await pipeline.expire(KEY, GONE_SECONDS).execute()

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        """Return those of the shares that Slack has taken away."""
        if not shares:
            return frozenset()
        names = [name for share in shares for name in _names(share)]
        times = iter(await self._redis.zmscore(KEY, names))
        return frozenset(
            share for share, went in zip(shares, zip(*[times] * 4, strict=True), strict=True) if _is_gone(share, *went)
        )


def _is_gone(
    share: Share, file: float | None, message: float | None, channel: float | None, unshared: float | None
) -> bool:
    """Tell whether a share went, from the times at which its parts did."""
    left = max((at for at in (channel, unshared) if at is not None), default=-math.inf)
    return file is not None or message is not None or left >= _seconds(share.ts)


def _names(share: Share) -> tuple[str, str, str, str]:
    return (
        _file(share.file_id), _message(share.channel, share.ts), _channel(share.channel),
        _unshared(share.file_id, share.channel),
    )  # fmt: skip


def _file(file: str) -> str:
    return f"file:{file}"


def _message(channel: str, ts: str) -> str:
    return f"message:{channel}:{ts}"


def _channel(channel: str) -> str:
    return f"channel:{channel}"


def _unshared(file: str, channel: str) -> str:
    return f"unshared:{file}:{channel}"


def _seconds(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
