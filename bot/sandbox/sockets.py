"""Socket Mode: the app's open connections, and what was acknowledged over them."""

import asyncio
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.delivery import Envelope, Outcome
from bot.sandbox.errors import ApiError
from bot.sandbox.people import APP

TICKET_SECONDS = 30.0
MOST_CONNECTIONS = 10
CONNECTION_SECONDS = 18_060  # what Slack says of a connection's life
PING_SECONDS = 10.0
CLOSE_SECONDS = 0.5  # between asking to connect anew and closing


@dataclass(eq=False)
class Connection:
    """One socket of the app."""

    socket: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Outcome]] = field(default_factory=dict)

    async def send(self, envelope: Envelope, within_seconds: float) -> Outcome:
        """Send an envelope and wait for its acknowledgement."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.waiting[envelope.id] = answer
        try:
            await self.socket.send_str(json.dumps(_wire(envelope)))
            async with asyncio.timeout(within_seconds):
                return await answer
        except TimeoutError:
            return Outcome(False, "timeout")
        except ConnectionError:
            return Outcome(False, "connection_failed")
        finally:
            self.waiting.pop(envelope.id, None)

    def take(self, text: str) -> None:
        """Note what the app says."""
        try:
            said = json.loads(text)
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        answer = self.waiting.get(str(said.get("envelope_id")))
        if answer and not answer.done():
            answer.set_result(Outcome(True, payload=said.get("payload")))

    def lose(self) -> None:
        """Tell those who wait that nothing will come."""
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_result(Outcome(False, "connection_failed"))


class Sockets:
    """All sockets of the app; any envelope may go over any of them."""

    def __init__(self) -> None:
        self._connections: list[Connection] = []
        self._tickets: dict[str, float] = {}
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Tell whether the app is connected."""
        return bool(self._connections)

    async def wait_open(self) -> None:
        """Wait until the app is connected."""
        await self._opened.wait()

    async def send(self, envelope: Envelope, within_seconds: float) -> Outcome:
        """Send over one of the sockets."""
        if not self._connections:
            return Outcome(False, "connection_failed")
        return await random.choice(self._connections).send(envelope, within_seconds)  # noqa: S311 - no secret

    def ticket(self) -> str:
        """Return what opens one socket, for half a minute."""
        if len(self._connections) >= MOST_CONNECTIONS:
            raise ApiError("too_many_websockets")
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = time.monotonic() + TICKET_SECONDS
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one socket open."""
        if self._tickets.pop(request.query.get("ticket", ""), 0) < time.monotonic():
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=408)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        connection = Connection(socket)
        await socket.send_str(json.dumps(self._hello()))
        self._connections.append(connection)
        self._opened.set()
        try:
            await _listen(connection)
        finally:
            self._forget(connection)
        return socket

    async def drop(self) -> None:
        """Lose all connections as a broken line would."""
        for connection in list(self._connections):
            self._forget(connection)
            await connection.socket.close(code=1011)

    async def refresh(self) -> None:
        """Ask the app to connect anew, then close, as Slack does every few hours."""
        for connection in list(self._connections):
            words = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "localhost"}}
            await connection.socket.send_str(json.dumps(words))
        await asyncio.sleep(CLOSE_SECONDS)
        await self.drop()

    def _forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        if not self._connections:
            self._opened.clear()
        connection.lose()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "connection_info": {"app_id": APP},
            "debug_info": {"host": "localhost", "approximate_connection_time": CONNECTION_SECONDS},
        }


async def _listen(connection: Connection) -> None:
    async for message in connection.socket:
        if message.type is WSMsgType.TEXT:
            connection.take(message.data)


def _wire(envelope: Envelope) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "envelope_id": envelope.id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.kind != "events_api",
    }
    if envelope.kind == "events_api":
        wire |= {"retry_attempt": envelope.attempt, "retry_reason": envelope.reason}
    return wire
