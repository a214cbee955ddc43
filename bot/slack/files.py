"""Slack's files onto this machine: only from Slack's own hosts, never further than they are allowed to be large."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_ERRORS, code
from handlers.request import FileRefused, SharedFile

TRIES = 4
LONGEST_PAUSE_SECONDS = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=900, sock_connect=15, sock_read=60)
BLOCK_BYTES = 256 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MISSING = frozenset({"file_not_found", "file_deleted", "file_not_accessible", "not_visible", "access_denied"})
GONE_MODES = frozenset({"tombstone", "hidden_by_limit"})


class _Again(Exception):
    """Slack may give it in a moment."""

    def __init__(self, after_seconds: float) -> None:
        super().__init__(f"again after {after_seconds} s")
        self.after_seconds = after_seconds


class SlackFiles:
    """The way from a file's id to its bytes."""

    def __init__(self, client: AsyncWebClient, hosts: str | Iterable[str], max_bytes: int) -> None:
        self._client = client
        self._hosts = frozenset(h.strip().lower() for h in (hosts.split(",") if isinstance(hosts, str) else hosts))
        self._max_bytes = max_bytes

    async def fetch(self, file_id: str, into: Path) -> SharedFile:
        """Download a file into the folder; raise FileRefused with a reason that has its sentence."""
        file = await self._info(file_id)
        url = self._address(file)
        path = into / _file_name(file_id, str(file.get("name") or ""))
        size = await self._download(url, path, file)
        return SharedFile(
            id=file_id,
            name=str(file.get("name") or file.get("title") or file_id),
            path=path,
            size_bytes=size,
            permalink=str(file.get("permalink") or ""),
            user=str(file.get("user") or ""),
        )

    async def _info(self, file_id: str) -> Mapping[str, Any]:
        try:
            answer = await self._client.files_info(file=file_id)
        except SlackApiError as error:
            raise FileRefused("gone" if code(error) in MISSING else "away") from error
        except SLACK_ERRORS as error:
            raise FileRefused("away") from error
        file: Mapping[str, Any] = answer["file"]
        _refuse_unfit(file, self._max_bytes)
        return file

    def _address(self, file: Mapping[str, Any]) -> str:
        """Return where the bytes are; the token goes nowhere but to Slack's own hosts."""
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not is_allowed(url, self._hosts, self._client.base_url):
            raise FileRefused("external", name=file.get("name"))
        return url

    async def _download(self, url: str, path: Path, file: Mapping[str, Any]) -> int:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            for attempt in range(TRIES):
                try:
                    return await self._once(session, url, path, file)
                except _Again as again:
                    pause = max(again.after_seconds, float(2**attempt))
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pause = float(2**attempt)
                if attempt + 1 < TRIES:
                    await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
        raise FileRefused("away", name=file.get("name"))

    async def _once(self, session: aiohttp.ClientSession, url: str, path: Path, file: Mapping[str, Any]) -> int:
        headers = {"Authorization": f"Bearer {self._client.token}", "Accept-Encoding": "identity"}
        proxy = None if urlsplit(url).hostname in LOOPBACK else self._client.proxy
        async with session.get(url, headers=headers, allow_redirects=False, proxy=proxy) as response:
            _check_status(response)
            if response.content_type == "text/html" and not _is_html(file):
                raise FileRefused("html", name=file.get("name"))
            size = await self._write(response, path, file)
        if file.get("size") and size != file["size"]:
            raise _Again(1)
        return size

    async def _write(self, response: aiohttp.ClientResponse, path: Path, file: Mapping[str, Any]) -> int:
        size = 0
        with path.open("wb") as out:
            async for block in response.content.iter_chunked(BLOCK_BYTES):
                size += len(block)
                if size > self._max_bytes:
                    _too_big(file, self._max_bytes)
                await asyncio.to_thread(out.write, block)
        if not size:
            raise FileRefused("empty", name=file.get("name"))
        return size


def is_allowed(url: str, hosts: Iterable[str], api_url: str) -> bool:
    """Tell whether the token may go to an address: https on a listed host, or the workspace on this very machine."""
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        plain = parts.username is None and parts.password is None and parts.port in {None, 443}
    except ValueError:
        return False
    if api.hostname in LOOPBACK and parts.scheme == "http" and parts.netloc == api.netloc:
        return True
    return parts.scheme == "https" and plain and (parts.hostname or "") in hosts


def _refuse_unfit(file: Mapping[str, Any], max_bytes: int) -> None:
    name = file.get("name")
    if file.get("mode") in GONE_MODES:
        raise FileRefused("gone", name=name)
    if file.get("is_external") or file.get("mode") == "external":
        raise FileRefused("external", name=name)
    if file.get("size") == 0:
        raise FileRefused("empty", name=name)
    if int(file.get("size") or 0) > max_bytes:
        _too_big(file, max_bytes)


def _too_big(file: Mapping[str, Any], max_bytes: int) -> NoReturn:
    size = -(-max(int(file.get("size") or 0), max_bytes + 1) // 2**20)
    raise FileRefused("too_big", name=file.get("name"), megabytes=size, limit_megabytes=max_bytes // 2**20)


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status == 200:
        return
    if response.status == 429:
        asked = response.headers.get("Retry-After", "")
        raise _Again(float(asked) if asked.isdigit() else 1)
    if response.status >= 500:
        raise _Again(1)
    if response.status in {404, 410}:
        raise FileRefused("gone")
    raise FileRefused("away")  # a redirect leads to a sign-in page: our token does not go there


def _is_html(file: Mapping[str, Any]) -> bool:
    return file.get("filetype") == "html" or file.get("mimetype") == "text/html"


def _file_name(file_id: str, name: str) -> str:
    """Return a name of our own making with the extension of theirs."""
    extension = re.sub(r"[^A-Za-z0-9.]", "", Path(name).suffix)[:10].lower()
    return re.sub(r"[^A-Za-z0-9]", "", file_id)[:40] + extension
