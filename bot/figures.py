"""What was done in a week, counted by day in Redis: numbers only, for the people who run the assistant."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from handlers.ports import WeekFigures

KEPT_SECONDS = 40 * 86400
DAYS = 7
COUNTED = ("answered", "unanswered", "failed", "good", "bad", "unread_pages")


class RedisFigures:
    """The Figures of handlers/ports.py, of one workspace."""

    def __init__(self, redis: Redis, team: str) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._team = team

    async def add(self, name: str, count: int = 1) -> None:
        """Count something that happened today."""
        key = self._day(datetime.now(UTC))
        async with self._redis.pipeline() as pipeline:
            await pipeline.hincrby(key, name, count).expire(key, KEPT_SECONDS).execute()

    async def took(self, action: str, seconds: float) -> None:
        """Note how long a request took, if none of its kind took longer today."""
        key = f"{self._day(datetime.now(UTC))}:slowest"
        async with self._redis.pipeline() as pipeline:
            await pipeline.zadd(key, {action: seconds}, gt=True).expire(key, KEPT_SECONDS).execute()

    async def night(self, documents: int, seconds: float) -> None:
        """Note that the nightly comparison with Slack was done."""
        told: Mapping[str, float] = {"at": time.time(), "documents": documents, "seconds": seconds}
        async with self._redis.pipeline() as pipeline:
            await pipeline.hset(self._night, mapping=told).expire(self._night, KEPT_SECONDS).execute()

    async def week(self) -> WeekFigures:
        """Return what was counted in the last seven days, today included."""
        days = [self._day(datetime.now(UTC) - timedelta(days=back)) for back in range(DAYS)]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(day).zrange(f"{day}:slowest", 0, 0, desc=True, withscores=True)
            *rows, night = await pipeline.hgetall(self._night).execute()
        counts = {name: sum(int(row.get(name, 0)) for row in rows[::2]) for name in COUNTED}
        action, seconds = max((one for some in rows[1::2] for one in some), key=lambda one: one[1], default=("", 0.0))
        return WeekFigures(
            **counts, slowest=action, slowest_seconds=float(seconds), night_at=float(night.get("at", 0)),
            night_documents=int(float(night.get("documents", 0))),
        )  # fmt: skip

    @property
    def _night(self) -> str:
        return f"figures:{self._team}:night"

    def _day(self, day: datetime) -> str:
        return f"figures:{self._team}:{day.date().isoformat()}"
