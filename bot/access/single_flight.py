"""One look-up at a time: of all processes that want the same thing one asks, and the others wait for what it learns."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import Redis

T = TypeVar("T")

LEASE_SECONDS = 15  # a killed process is waited for no longer
POLL_SECONDS = 0.05

_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class SingleFlight:
    """Locks in Redis, one a look-up."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._renew, self._release = redis.register_script(_RENEW), redis.register_script(_RELEASE)

    async def once(self, name: str, look: Callable[[], Awaitable[T | None]], ask: Callable[[], Awaitable[T]]) -> T:
        """Return what `look` finds, else what `ask` learns, asked by one at a time. What `ask` raises is not shared."""
        while (known := await look()) is None:
            async with self._held(f"access:asking:{name}") as held:
                if held:
                    known = await look()
                    return await ask() if known is None else known
            await asyncio.sleep(POLL_SECONDS)
        return known

    @asynccontextmanager
    async def _held(self, lock: str) -> AsyncIterator[bool]:
        token = secrets.token_hex(8)
        if not await self._redis.set(lock, token, nx=True, px=LEASE_SECONDS * 1000):
            yield False
            return
        renewing = asyncio.create_task(self._keep(lock, token))
        try:
            yield True
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            await self._release([lock], [token])

    async def _keep(self, lock: str, token: str) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self._renew([lock], [token, LEASE_SECONDS * 1000])
