"""What open pages are told at once: each only what its person may see."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.state import State

PING_SECONDS = 20.0


class Live:
    """The open pages, by person."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pages: dict[asyncio.Queue[str], str] = {}
        self._sockets: set[web.WebSocketResponse] = set()

    def tell(self, kind: str, *, channel: str = "", only: str = "", **what: Any) -> None:
        """Tell the pages of those who are in a conversation, or of one person only."""
        if not self._pages:
            return
        note = json.dumps({"type": kind, "channel": channel, **what})
        members = self._state.channels[channel]["_members"] if channel in self._state.channels else []
        for page, user in self._pages.items():
            if user == only or (not only and user in members):
                page.put_nowait(note)

    async def close(self) -> None:
        """Say goodbye to all pages."""
        for socket in list(self._sockets):
            await socket.close(code=1001)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one page's socket open."""
        user = self._state.user_of(request.query.get("token", ""))
        if user is None:
            return web.json_response({"ok": False, "error": "invalid_auth"}, status=401)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        page: asyncio.Queue[str] = asyncio.Queue()
        self._pages[page] = user  # before the page knows that the line is open: it then asks how things stand
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            await _talk(page, socket)
        finally:
            del self._pages[page]
            self._sockets.discard(socket)
        return socket


async def _talk(page: "asyncio.Queue[str]", socket: web.WebSocketResponse) -> None:
    writer = asyncio.create_task(_write(page, socket))
    try:
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
    finally:
        writer.cancel()


async def _write(page: "asyncio.Queue[str]", socket: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):  # the page is gone; whoever listens to it notices, too
        while not socket.closed:
            await socket.send_str(await page.get())
