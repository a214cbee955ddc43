"""What a machine that watches over the assistant sees."""

import aiohttp
import pytest

from bot import metrics
from bot.health import Health
from tests.conftest import free_port


async def fine() -> bool:
    return True


async def away() -> bool:
    raise ConnectionError


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


@pytest.fixture
def port() -> int:
    """A port that nobody uses."""
    return free_port()


async def test_ready_tells_which_part_is_missing(port: int) -> None:
    health = Health(port, {"redis": fine, "slack": away})
    await health.start()
    assert await get(port, "/healthz") == (200, '{"alive": true}')
    assert await get(port, "/readyz") == (503, '{"redis": true, "slack": false}')
    await health.stop()
    ready = Health(port, {"redis": fine})
    await ready.start()
    assert (await get(port, "/readyz"))[0] == 200
    await ready.stop()


async def test_metrics_are_fresh_when_they_are_read(port: int) -> None:
    async def refresh() -> None:
        metrics.QUEUE_DEPTH.set(7)
        metrics.show("library", {"chunks": 412.0})

    health = Health(port, {}, refresh)
    await health.start()
    metrics.REQUESTS.labels("ask", "answered").inc()
    status, text = await get(port, "/metrics")
    await health.stop()
    assert status == 200
    assert "folio_queue_depth 7.0" in text
    assert 'folio_part{name="chunks",part="library"} 412.0' in text
    assert 'folio_requests_total{action="ask",outcome="answered"}' in text


async def test_metrics_are_there_when_a_store_is_not(port: int) -> None:
    async def refresh() -> None:
        raise ConnectionError

    health = Health(port, {}, refresh)
    await health.start()
    status, text = await get(port, "/metrics")
    await health.stop()
    assert status == 200
    assert "folio_queue_depth" in text


async def test_port_zero_means_no_server() -> None:
    health = Health(0, {})
    await health.start()
    await health.stop()
