"""A Slack on localhost that can lose its replies: the least that shows what was posted, and how often."""

# ruff: noqa: N802 - methods are named like Slack's

import asyncio
import itertools
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

BOT = "UBOT"
Message = dict[str, Any]


@dataclass
class Wire:
    """Messages by channel, the calls that came, and what shall go wrong with the next ones.

    A fault is an error's name, "lost" (done, but no reply comes), "broken" (not done, no reply) or a status like "503".
    """

    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, Any] = field(default_factory=dict)  # of other methods: a dict, or a function of the arguments
    files: dict[str, bytes] = field(default_factory=dict)
    responses: list[dict[str, Any]] = field(default_factory=list)  # what came by response_url
    stream_limit: int = 12_000
    slow: dict[str, float] = field(default_factory=dict)  # seconds between a method's answer and its arrival
    url: str = ""
    downloads: dict[str, list[web.Response]] = field(default_factory=dict)  # by path, the last one for ever
    seen: list[dict[str, str]] = field(default_factory=list)  # headers of downloads
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _clock: Any = field(default_factory=lambda: itertools.count(int(time.time()) * 10))

    async def start(self) -> web.AppRunner:
        """Serve on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_post("/response", self._response)
        app.router.add_get("/files/{name}", self._download)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def said(self, channel: str, thread: str | None = None) -> list[Message]:
        """Return our own messages, oldest first."""
        return [
            m for m in self.messages[channel] if m["user"] == BOT and (thread is None or m.get("thread_ts") == thread)
        ]

    def count(self, method: str) -> int:
        """Return how often a method was called."""
        return sum(called == method for called, _ in self.calls)

    async def called(self, method: str) -> None:
        """Wait until a method was called."""
        async with asyncio.timeout(3):
            while not self.count(method):
                self._news.clear()
                await self._news.wait()

    def person(self, channel: str, text: str, user: str = "UALICE", thread: str | None = None) -> str:
        """Let a person write."""
        return str(self._add(channel, {"user": user, "text": text, "thread_ts": thread})["ts"])

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments = dict(request.query)
        if request.content_type == "application/json":
            arguments |= await request.json()
        elif request.can_read_body:
            arguments |= {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append((method, arguments))
        self._news.set()
        fault = self.faults[method].pop(0) if self.faults[method] else ""
        if fault == "broken":
            return self._hang_up(request)
        if fault.isdigit():
            return web.json_response({"ok": False}, status=int(fault))
        answer = {"ok": False, "error": fault} if fault and fault != "lost" else self._answer(method, arguments)
        await asyncio.sleep(self.slow.get(method, 0))
        return self._hang_up(request) if fault == "lost" else web.json_response(answer)

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _answer(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        known = self.answers.get(method) or getattr(self, "_" + method.replace(".", "_"), None)
        if isinstance(known, dict):
            return {"ok": True, **known}
        try:
            return {"ok": True, **(known(arguments) if known else {})}
        except LookupError as error:
            return {"ok": False, "error": str(error.args[0])}

    def _add(self, channel: str, message: Message) -> Message:
        tick = next(self._clock)
        message = {"type": "message", **message, "ts": f"{tick // 10}.{tick % 10}00000"}
        self.messages[channel].append(message)
        return message

    def _find(self, arguments: dict[str, Any]) -> Message:
        for message in self.messages[arguments["channel"]]:
            if message["ts"] == arguments["ts"]:
                return message
        raise LookupError("message_not_found")

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": BOT, "team_id": "T1", "bot_id": "BBOT"}

    def _chat_postMessage(self, a: dict[str, Any]) -> dict[str, Any]:
        kept = {name: a.get(name) for name in ("text", "blocks", "metadata", "thread_ts")}
        message = self._add(a["channel"], {"user": BOT, **kept})
        return {"ts": message["ts"], "channel": a["channel"]}

    def _chat_update(self, a: dict[str, Any]) -> dict[str, Any]:
        message = self._find(a)
        if message.get("streaming_state"):
            raise LookupError("streaming_state_conflict")
        if len(a.get("text") or "") > 4000:
            raise LookupError("msg_too_long")
        message.update({name: a.get(name) for name in ("text", "blocks", "metadata")})
        return {"ts": a["ts"]}

    def _chat_delete(self, a: dict[str, Any]) -> dict[str, Any]:
        self.messages[a["channel"]].remove(self._find(a))
        return {}

    def _chat_startStream(self, a: dict[str, Any]) -> dict[str, Any]:
        message = self._add(
            a["channel"], {"user": BOT, "text": "", "thread_ts": a["thread_ts"], "streaming_state": "in_progress"}
        )
        self._grow(message, a)
        return {"ts": message["ts"]}

    def _chat_appendStream(self, a: dict[str, Any]) -> dict[str, Any]:
        message = self._find(a)
        if not message.get("streaming_state"):
            raise LookupError("message_not_in_streaming_state")
        self._grow(message, a)
        return {}

    def _chat_stopStream(self, a: dict[str, Any]) -> dict[str, Any]:
        self._chat_appendStream(a)
        message = self._find(a)
        del message["streaming_state"]
        message.update(blocks=a.get("blocks"), metadata=a.get("metadata"))
        return {}

    def _grow(self, message: Message, a: dict[str, Any]) -> None:
        new = "".join(chunk.get("text", "") for chunk in a.get("chunks") or [] if chunk["type"] == "markdown_text")
        if len((message["text"] + new).encode()) > self.stream_limit:
            raise LookupError("msg_too_long")
        message["text"] += new
        message.setdefault("tasks", []).extend(c for c in a.get("chunks") or [] if c["type"] == "task_update")

    def _conversations_replies(self, a: dict[str, Any]) -> dict[str, Any]:
        found = [m for m in self.messages[a["channel"]] if a["ts"] in {m["ts"], m.get("thread_ts")}]
        return {"messages": found, "has_more": False}

    def _conversations_history(self, a: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [m for m in reversed(self.messages[a["channel"]]) if not m.get("thread_ts")]}

    def _conversations_open(self, a: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": f"D{a['users']}"}}

    def _files_getUploadURLExternal(self, a: dict[str, Any]) -> dict[str, Any]:
        file = f"F{len(self.files)}"
        self.files[file] = b""
        return {"upload_url": f"{self.url}/upload/{file}", "file_id": file}

    def _files_completeUploadExternal(self, a: dict[str, Any]) -> dict[str, Any]:
        files = a["files"] if isinstance(a["files"], list) else json.loads(a["files"])
        named = [{"id": file["id"], "name": file["title"]} for file in files]
        self._add(a["channel_id"], {"user": BOT, "text": "", "thread_ts": a.get("thread_ts"), "files": named})
        return {"files": named}

    async def _upload(self, request: web.Request) -> web.Response:
        self.files[request.match_info["id"]] = await request.read()
        return web.Response(text="OK")

    async def _download(self, request: web.Request) -> web.Response:
        self.seen.append(dict(request.headers))
        answers = self.downloads[request.match_info["name"]]
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(status=given.status, headers=given.headers, body=given.body)

    async def _response(self, request: web.Request) -> web.Response:
        self.responses.append(await request.json())
        return web.Response(text="ok")
