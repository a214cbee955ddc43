"""A real Redis and a Slack that loses replies, for the tests of what goes out."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.redis_server import RedisServer, open_redis
from tests.slack.wire import Wire


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    """A redis-server of this test only; afterwards every key has a TTL."""
    server = RedisServer(tmp_path)
    client = open_redis(await server.start())
    yield client
    lasting = [key async for key in client.scan_iter() if await client.ttl(key) < 0]
    await client.aclose()
    await server.stop()
    assert lasting == []


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A Slack of this test only."""
    slack = Wire()
    runner = await slack.start()
    yield slack
    await runner.cleanup()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[AsyncWebClient]:
    """The bot's client, with the retries it has in earnest for what says something."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            "xoxb-test",
            base_url=f"{wire.url}/api/",
            session=session,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
        )
        client.proxy = None
        yield client
