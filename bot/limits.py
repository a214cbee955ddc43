"""How much one person and one workspace may ask in a minute, and how long one person's files are read in a day."""

import math
import time
from typing import Any

from redis.asyncio import Redis

from bot.slack.posted import edition
from handlers.pieces import UserError
from handlers.request import Request
from handlers.text.messages import say

FREE = frozenset({"help", "stop", "forget", "forget_me", "home"})  # leaving is never refused
CHARGED_SECONDS = 26 * 3600  # a request that is tried again is not charged again, one that was edited is

DAY_SECONDS = 86_400

# A bucket of `limit` requests that fills up within a minute (GCRA): a key holds the time at which it is full again.
# A request costs as many as it has files, and never more than a full bucket.
_CHARGE = """
local now = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return '0' end
local wait = 0
local cost = tonumber(ARGV[3])
for i = 2, #KEYS do
  local step = math.min(cost, tonumber(ARGV[i + 2])) * 60 / tonumber(ARGV[i + 2])
  local full = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  wait = math.max(wait, full + step - now - 60)
end
if wait > 0 then return tostring(wait) end
for i = 2, #KEYS do
  local step = math.min(cost, tonumber(ARGV[i + 2])) * 60 / tonumber(ARGV[i + 2])
  local full = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  redis.call('SET', KEYS[i], string.format('%.6f', full + step), 'EX', 120)
end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[2])
return '0'
"""


class Limits:
    """Counts requests, for all processes together."""

    def __init__(self, redis: Redis, per_minute: int, workspace_per_minute: int) -> None:
        self._charge = redis.register_script(_CHARGE)
        self._limits = (per_minute, workspace_per_minute)

    async def charge(self, request: Request) -> None:
        """Count a request; raise UserError with a friendly sentence if it is one too many just now."""
        if request.action in FREE:
            return
        person = f"limit:{request.team}:{request.user}"
        keys = [f"charged:{request.id}:{edition(request)}", person, f"limit:{request.team}"]
        cost = max(1, len(request.files))
        wait = float(await self._charge(keys, [time.time(), CHARGED_SECONDS, cost, *self._limits]))
        if wait > 0:
            raise UserError(say("bot.too_many", request.language, seconds=math.ceil(wait)))


class DailyReading:
    """The ReadingQuota of handlers/ports.py: seconds of the last day, for all processes together."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._seconds = seconds

    async def is_spent(self, user: str) -> bool:
        """Tell whether this person's files were read for long enough today."""
        return float(await self._redis.get(_reading(user)) or 0) >= self._seconds

    async def spend(self, user: str, seconds: float) -> None:
        """Count the seconds in which a file was read."""
        async with self._redis.pipeline() as pipeline:
            await pipeline.incrbyfloat(_reading(user), seconds).expire(_reading(user), DAY_SECONDS).execute()


def _reading(user: str) -> str:
    return f"reading:{user}:{int(time.time() // DAY_SECONDS)}"
