"""Figures of a week: counted by day, numbers only, the slowest of all days."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from bot.figures import RedisFigures
from handlers.ports import WeekFigures


async def test_a_week_is_the_sum_of_its_days(redis: Redis) -> None:
    figures = RedisFigures(redis, "T")
    assert await figures.week() == WeekFigures()
    await redis.hset(figures._day(datetime.now(UTC) - timedelta(days=6)), mapping={"answered": "2"})  # type: ignore[misc]
    await redis.expire(figures._day(datetime.now(UTC) - timedelta(days=6)), 100)
    await redis.hset(figures._day(datetime.now(UTC) - timedelta(days=7)), mapping={"answered": "40"})  # type: ignore[misc]
    await redis.expire(figures._day(datetime.now(UTC) - timedelta(days=7)), 100)
    await figures.add("answered")
    await figures.add("unread_pages", 3)
    await figures.took("ask", 2.5)
    await figures.took("summarize", 70)
    await figures.took("ask", 1.5)
    await figures.night(12, 3.0)
    week = await figures.week()
    assert (week.answered, week.unread_pages, week.slowest, week.slowest_seconds) == (3, 3, "summarize", 70)
    assert (week.night_documents, week.night_at > 0) == (12, True)
