"""Seen from outside: /healthz, /readyz and /metrics, on this machine only unless BOT_HEALTH_HOST says otherwise."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.errors import StartFailed
from bot.metrics import REGISTRY
from bot.tcp_ports import holder

Check = Callable[[], Awaitable[bool]]
Refresh = Callable[[], Awaitable[None]]


class Health:
    """A small HTTP server; port 0 means none."""

    def __init__(
        self, port: int, checks: Mapping[str, Check], refresh: Refresh | None = None, host: str = "127.0.0.1"
    ) -> None:
        self._host, self._port = host, port
        self._checks = checks
        self._refresh = refresh
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raise StartFailed where the port is taken or the host is not ours."""
        if not self._port:
            return
        app = web.Application()
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise StartFailed(
                f"BOT_HEALTH_HOST {self._host}, BOT_HEALTH_PORT {self._port}: {error.strerror}{holder(self._port)}. "
                "Choose another port, or stop what holds it."
            ) from error

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _alive(self, _: web.Request) -> web.Response:
        """Answer: the event loop turns."""
        return web.json_response({"alive": True})

    async def _ready(self, _: web.Request) -> web.Response:
        """Answer 200 if everything that a request needs is there, else 503 with what is not."""
        parts = {name: await holds(check) for name, check in self._checks.items()}
        return web.json_response(parts, status=200 if all(parts.values()) else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        """Answer what is counted; what can't be counted now, because its store is away, is as it was."""
        if self._refresh:
            with suppress(Exception):
                await self._refresh()
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def holds(check: Check) -> bool:
    """Tell whether a check passes; one that raises does not."""
    try:
        return await check()
    except Exception:
        return False
