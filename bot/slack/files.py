"""Slack's files onto this machine: only from Slack's own hosts, never further than they are allowed to be large."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.canvas import canvas_text
from bot.slack.errors import SLACK_ERRORS, code
from bot.slack.file_kinds import is_canvas, is_document, is_unreadable
from handlers.request import FileRefused, ListedFile, SharedFile

TRIES = 4
LISTED, MOST_PAGES = 100, 50  # files of one page of a list, and pages
MOST_HOPS = 3  # redirects of one download
READY_SECONDS = (1.0, 2.0, 4.0)  # a new file may have no address yet: the pauses before each further look
WITHOUT_TOKEN = (".slack-files.com", ".slack-edge.com")  # hosts of addresses that are signed themselves
LONGEST_PAUSE_SECONDS = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=900, sock_connect=15, sock_read=60)
BLOCK_BYTES = 256 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MISSING = frozenset({"file_not_found", "file_deleted", "file_not_accessible", "not_visible", "access_denied"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
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
        file = await self._ready(file_id)
        url = self._address(file)
        name = str(file.get("name") or file.get("title") or file_id)
        path = into / _file_name(file_id, "canvas.html" if is_canvas(file) else name)
        size = await self._download(url, path, file)
        if is_canvas(file):
            name, path = str(file.get("title") or name), await asyncio.to_thread(_as_markdown, path)
        return SharedFile(
            id=file_id,
            name=name,
            path=path,
            size_bytes=size,
            permalink=str(file.get("permalink") or ""),
            user=str(file.get("user") or ""),
        )

    async def shared_in(self, channel: str) -> list[ListedFile]:
        """Return the documents that are shared in a conversation, oldest first."""
        files: list[ListedFile] = []
        number, pages = 1, 1
        while number <= pages:
            answer = await self._client.files_list(channel=channel, count=LISTED, page=number)
            files += [listed(file, channel) for file in answer["files"] if is_document(file)]
            pages = min(MOST_PAGES, int((answer.get("paging") or {}).get("pages") or 1))
            number += 1
        return sorted(files, key=lambda file: file.ts)

    async def _ready(self, file_id: str) -> Mapping[str, Any]:
        """Return what Slack tells of a file, once it has an address; the message that shares it may come before."""
        for pause in (*READY_SECONDS, None):
            file = await self._info(file_id)
            if file.get("url_private_download") or file.get("url_private") or pause is None:
                break
            await asyncio.sleep(pause)
        _refuse_unfit(file, self._max_bytes)
        return file

    async def _info(self, file_id: str) -> Mapping[str, Any]:
        try:
            answer = await self._client.files_info(file=file_id)
        except SlackApiError as error:
            raise FileRefused("gone" if code(error) in MISSING else "away") from error
        except SLACK_ERRORS as error:
            raise FileRefused("away") from error
        found: Mapping[str, Any] = answer["file"]
        if found.get("is_external") or found.get("mode") in {*GONE_MODES, "external"}:
            _refuse_unfit(found, self._max_bytes)
        return found

    def _address(self, file: Mapping[str, Any]) -> str:
        """Return where the bytes are; the token goes nowhere but to Slack's own hosts."""
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not url:
            raise FileRefused("away", name=file.get("name"))
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
        for _ in range(MOST_HOPS + 1):
            proxy = None if urlsplit(url).hostname in LOOPBACK else self._client.proxy
            async with session.get(url, headers=self._headers(url), allow_redirects=False, proxy=proxy) as response:
                if response.status in REDIRECTS:
                    url = self._next_hop(url, response.headers.get("Location", ""), file)
                    continue
                return await self._take(response, path, file)
        raise FileRefused("away", name=file.get("name"))

    def _headers(self, url: str) -> dict[str, str]:
        """Return a download's headers: our token only for Slack's own hosts."""
        plain = {"Accept-Encoding": "identity"}
        if not is_allowed(url, self._hosts, self._client.base_url) and not is_slack(url):
            return plain
        return plain | {"Authorization": f"Bearer {self._client.token}"}

    def _next_hop(self, url: str, location: str, file: Mapping[str, Any]) -> str:
        """Return where a redirect leads; raise FileRefused unless that is Slack, or a store of Slack's."""
        there = urljoin(url, location)
        if is_allowed(there, self._hosts, self._client.base_url) or is_slack(there):
            return there
        if is_store(there, self._client.base_url):
            return there
        raise FileRefused("away", name=file.get("name"))

    async def _take(self, response: aiohttp.ClientResponse, path: Path, file: Mapping[str, Any]) -> int:
        _check_status(response)
        if response.content_type == "text/html" and not _is_html(file):
            raise FileRefused("html", name=file.get("name"))
        size = await self._write(response, path, file)
        if file.get("size") and size != file["size"] and not is_canvas(file):
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


def listed(file: Mapping[str, Any], channel: str) -> ListedFile:
    """Return a file of a list, with the message that shared it in this conversation."""
    shares = [share for side in (file.get("shares") or {}).values() for share in side.get(channel, ())]
    times = sorted(str(share["ts"]) for share in shares if share.get("ts"))
    return ListedFile(str(file["id"]), str(file.get("name") or file["id"]), times[0] if times else "")


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


def is_slack(url: str) -> bool:
    """Tell whether an address is one of Slack's own hosts, over https: a download may lead there with our token."""
    return _is_host(url, (".slack.com",))


def is_store(url: str, api_url: str) -> bool:
    """Tell whether an address is one of the stores that Slack signs addresses of, or its like on this very machine."""
    if _is_host(url, WITHOUT_TOKEN):
        return True
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        on_this_machine = {parts.hostname, api.hostname} <= LOOPBACK and parts.port == api.port
    except ValueError:
        return False
    return on_this_machine and parts.scheme == "http" and parts.username is None


def _is_host(url: str, endings: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        plain = parts.username is None and parts.password is None and parts.port in {None, 443}
    except ValueError:
        return False
    return parts.scheme == "https" and plain and (parts.hostname or "").endswith(endings)


def _refuse_unfit(file: Mapping[str, Any], max_bytes: int) -> None:
    name = file.get("name")
    if file.get("mode") in GONE_MODES:
        raise FileRefused("gone", name=name)
    if file.get("is_external") or file.get("mode") == "external":
        raise FileRefused("external", name=name)
    if is_unreadable(file):
        raise FileRefused("not_a_pdf", name=name)
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
    raise FileRefused("away")


def _is_html(file: Mapping[str, Any]) -> bool:
    return is_canvas(file) or file.get("filetype") == "html" or file.get("mimetype") == "text/html"


def _as_markdown(page: Path) -> Path:
    """Write a canvas's words beside its page, and return where."""
    words = page.with_suffix(".md")
    words.write_text(canvas_text(page.read_text("utf-8", "replace")), "utf-8")
    return words


def _file_name(file_id: str, name: str) -> str:
    """Return a name of our own making with the extension of theirs."""
    extension = re.sub(r"[^A-Za-z0-9.]", "", Path(name).suffix)[:10].lower()
    return re.sub(r"[^A-Za-z0-9]", "", file_id)[:40] + extension
