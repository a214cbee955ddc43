"""How fast one workspace may be called: a bucket per team and method that all processes share."""

from typing import Any

from redis.asyncio import Redis

# Calls a minute and how many of them at once, below what Slack allows per workspace and app: tiers 2, 4 and 3.
STARTS = ("start", 18, 12)
APPENDS = ("append", 90, 15)
UPDATES = ("update", 45, 8)

# Generic cell rate algorithm: the key holds when the bucket is full again. Returns the microseconds to wait, or 0.
_TAKE = """
local now = redis.call('TIME')
local at = now[1] * 1000000 + now[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), at)
local wait = full - at - each * (burst - 1)
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', full + each), 'EX', 120)
return 0
"""

Kind = tuple[str, int, int]


class RateLimits:
    """One workspace's buckets."""

    def __init__(self, redis: Redis, team: str) -> None:
        self._take: Any = redis.register_script(_TAKE)
        self._team = team

    async def wait_seconds(self, kind: Kind) -> float:
        """Take one call if there is one (then 0), else return the seconds until there is."""
        name, per_minute, burst = kind
        wait = await self._take(keys=[f"pace:{name}:{self._team}"], args=[60_000_000 // per_minute, burst])
        return int(wait) / 1_000_000
