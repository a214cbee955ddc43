"""How much one person and one workspace may ask in a minute."""

import math
import time

from redis.asyncio import Redis

from bot.slack.posted import edition
from handlers.pieces import UserError
from handlers.request import Request
from handlers.text.messages import say

FREE = frozenset({"help", "stop", "forget", "forget_me"})  # leaving is never refused
CHARGED_SECONDS = 26 * 3600  # a request that is tried again is not charged again, one that was edited is

# A bucket of `limit` requests that fills up within a minute (GCRA): a key holds the time at which it is full again.
_CHARGE = """
local now = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return '0' end
local wait = 0
for i = 2, #KEYS do
  local step = 60 / tonumber(ARGV[i + 1])
  local full = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  wait = math.max(wait, full + step - now - 60)
end
if wait > 0 then return tostring(wait) end
for i = 2, #KEYS do
  local step = 60 / tonumber(ARGV[i + 1])
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
        wait = float(await self._charge(keys, [time.time(), CHARGED_SECONDS, *self._limits]))
        if wait > 0:
            raise UserError(say("bot.too_many", request.language, seconds=math.ceil(wait)))
