"""HTTP mode: what the app is told, posted to its address and signed."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.delivery import Envelope, Outcome


class Endpoint:
    """The app's request URL."""

    is_open = True

    def __init__(self, session: aiohttp.ClientSession, url: str, signing_secret: str) -> None:
        self._session, self._url, self._secret = session, url, signing_secret

    async def wait_open(self) -> None:
        """An address is always there; whether it answers shows when it is used."""

    async def send(self, envelope: Envelope, within_seconds: float) -> Outcome:
        """Post once; a 200 is the acknowledgement."""
        body, content_type = _body(envelope)
        timeout = aiohttp.ClientTimeout(total=within_seconds)
        headers = self._signed(body) | _retry(envelope) | {"Content-Type": content_type}
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as response:
                said = await response.text()
                return Outcome(response.status == 200, "http_error", _said(said))
        except TimeoutError:
            return Outcome(False, "timeout" if envelope.kind != "events_api" else "http_timeout")
        except (aiohttp.ClientError, OSError):
            return Outcome(False, "http_error" if envelope.kind == "events_api" else "connection_failed")

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        digest = hmac.new(self._secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _retry(envelope: Envelope) -> dict[str, str]:
    if not envelope.attempt:
        return {}
    return {"X-Slack-Retry-Num": str(envelope.attempt), "X-Slack-Retry-Reason": envelope.reason}


def _body(envelope: Envelope) -> tuple[bytes, str]:
    """Return what goes over the wire: events as JSON, all else as a form."""
    if envelope.kind == "events_api":
        return json.dumps(envelope.payload).encode(), "application/json"
    form = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def _said(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text} if text else None
