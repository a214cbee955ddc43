"""The least of Slack that a gateway needs: a socket that sends events at a steady pace and times their acks."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.conftest import ROOT, clean_environ


class Sockets:
    """A Slack on localhost that measures; everything that the bot says is accepted."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.sent: dict[str, float] = {}
        self.ack_seconds: list[float] = []
        self.acked: set[str] = set()
        self.said: dict[str, float] = {}  # thread -> when something of the bot was first visible in it
        self._socket: web.WebSocketResponse | None = None
        self._count = 0

    async def start(self) -> str:
        """Listen; return SLACK_API_URL."""
        app = web.Application()
        app.router.add_get("/socket", self._serve)
        app.router.add_route("*", "/api/{method}", self._call)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        return self.url

    @property
    def url(self) -> str:
        """Return SLACK_API_URL."""
        return f"{self._url}/api/"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def send(self, number: int) -> str:
        """Send the number-th direct message of 20 people; return its ts."""
        ts = f"{1_800_000_000 + number}.000100"
        event = {
            "type": "message", "channel_type": "im", "channel": f"D{number % 20}", "user": f"U{number % 20}",
            "text": f"message {number}", "ts": ts, "event_ts": ts, "team": "T1",
        }  # fmt: skip
        payload = {
            "type": "event_callback", "team_id": "T1", "event_id": f"Ev{number}", "event": event,
            "api_app_id": "A1", "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        }  # fmt: skip
        self.sent[ts] = time.monotonic()
        await self.envelope("events_api", payload)
        return ts

    async def envelope(self, kind: str, payload: dict[str, Any]) -> str:
        """Send anything in an envelope; return the envelope's id."""
        name = f"env-{len(self.sent)}"
        self.sent[name] = time.monotonic()
        envelope = {"envelope_id": name, "type": kind, "payload": payload, "accepts_response_payload": False}
        await self.frame(json.dumps(envelope))
        return name

    async def frame(self, text: str) -> None:
        """Send anything at all."""
        assert self._socket
        await self._socket.send_str(text)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        self._socket = socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self.connected.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT and (acked := json.loads(message.data).get("envelope_id")):
                self.acked.add(acked)
                self.ack_seconds.append(time.monotonic() - self.sent[acked])
        self.connected.clear()
        return socket

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = dict(request.query)
        if request.can_read_body:
            body |= await request.json() if "json" in request.content_type else dict(await request.post())
        if (thread := body.get("thread_ts")) and thread not in self.said:
            self.said[str(thread)] = time.monotonic()
        return web.json_response({"ok": True} | self._answer(method, body))

    def _answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        user = {"id": body.get("user"), "team_id": "T1", "deleted": False, "locale": "en-US"}
        return {
            "apps.connections.open": {"url": self._url.replace("http", "ws") + "/socket"},
            "auth.test": {"user_id": "UBOT", "team_id": "T1", "bot_id": "B1", "url": self._url},
            "users.info": {"user": user},
            "conversations.info": {"channel": {"id": body.get("channel"), "is_im": True}},
            "conversations.members": {"members": [str(body.get("channel")).replace("D", "U"), "UBOT"]},
            "users.conversations": {"channels": []},
            "conversations.replies": {"messages": []},
        }.get(method, {"ts": f"{1_900_000_000 + self._count}.000100", "channel": body.get("channel")})


@asynccontextmanager
async def running_echo(api_url: str, data: Path, seconds: float) -> AsyncIterator[Process]:
    """Run the echo assistant in a process of its own; its log goes to `log.jsonl`."""
    with (data / "log.jsonl").open("ab") as log:
        app = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.echo_app", api_url, str(data), str(seconds),
            cwd=ROOT, env=clean_environ(), stdout=PIPE, stderr=log,
        )  # fmt: skip
    assert app.stdout
    assert await app.stdout.readline() == b"ready\n", (data / "log.jsonl").read_text()[-3000:]
    try:
        yield app
    finally:
        if app.returncode is None:
            app.terminate()
        await app.wait()
