"""What goes wrong on purpose: delays, 429, 5xx, lost sockets, envelopes twice or late, streams that die, and rates."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

from bot.sandbox.errors import ApiError

STREAM_SECONDS = 300.0  # Slack ends a stream after five minutes
WINDOW_SECONDS = 60.0
ANY = "*"


@dataclass
class Faults:
    """The faults that are switched on now; names as in the body of POST /faults."""

    delay_seconds: float = 0
    rate_limited: dict[str, float] = field(default_factory=dict)  # method: 429 for so many seconds from now
    errors: dict[str, dict[str, Any]] = field(default_factory=dict)  # method: {"status" or "error", "times"}
    drop_sockets: bool = False  # now, once
    refresh_sockets: bool = False  # now, once: Slack asks to connect anew
    duplicate_envelopes: int = 0
    late_envelopes_seconds: float = 0  # the duplicates if there are any, else each event
    expire_streams_seconds: float = STREAM_SECONDS
    rate_limits: bool = False  # the tiers that Slack documents
    grid: str = ""  # the workspace is one of Enterprise Grid, where user objects tell: teams, organisation, no_team_id
    plain_response_urls: bool = False  # no markdown block by response_url
    redirects: list[str] = field(
        default_factory=list
    )  # hops of a download: "origin" wants the token, "edge" refuses it
    pending_files: int = 0  # so often is a new file told of without its addresses: in its event, then by files.info
    _began_at: float = field(default_factory=time.monotonic)
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: object) -> "Faults":
        """Make them from a body; raise Refused for what is not a fault."""
        names = {entry.name for entry in fields(cls) if not entry.name.startswith("_")}
        if not isinstance(wanted, dict) or not set(wanted) <= names:
            raise ApiError("invalid_arguments", known=sorted(names))
        return cls(**wanted)

    async def strike(self, method: str, per_minute: int, of: str) -> web.Response | None:
        """Delay a call, or answer it badly; None if nothing is wrong with it. `of` says whose calls count together."""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if wait := self._wait_seconds(method, per_minute, of):
            body = {"ok": False, "error": "ratelimited"}
            return web.json_response(body, status=429, headers={"Retry-After": str(max(1, round(wait)))})
        return self._error(method)

    def _error(self, method: str) -> web.Response | None:
        fault = self.errors.get(method) or self.errors.get(ANY)
        if not fault or fault.get("times", 1) <= 0:
            return None
        fault["times"] = fault.get("times", 1) - 1
        if name := fault.get("error"):
            return web.json_response({"ok": False, "error": name})
        return web.Response(status=int(fault.get("status", 500)), text="upstream connect error")

    def _wait_seconds(self, method: str, per_minute: int, of: str) -> float:
        limited = self.rate_limited.get(method, self.rate_limited.get(ANY, 0))
        left = self._began_at + limited - time.monotonic()
        return left if left > 0 else self._over_rate(f"{method} {of}", per_minute)

    def _over_rate(self, counted: str, per_minute: int) -> float:
        if not self.rate_limits or not per_minute:
            return 0
        now, calls = time.monotonic(), self._calls.setdefault(counted, deque())
        while calls and calls[0] < now - WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= per_minute:
            return calls[0] + WINDOW_SECONDS - now
        calls.append(now)
        return 0
