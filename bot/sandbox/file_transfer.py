"""The bytes of files: up by a ticket, down by a token."""

import asyncio
import re
from collections.abc import AsyncIterable
from pathlib import Path
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from bot.sandbox.dispatch import identify, token_of
from bot.sandbox.errors import ApiError
from bot.sandbox.serializers import may_see_file
from bot.sandbox.workspace import Workspace

BLOCK_BYTES = 256 * 1024
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Lantern</body></html>"


async def upload(workspace: Workspace, request: web.Request) -> web.Response:
    """Take a file's bytes, plain or as a form's first file; no token is needed, the address is the secret."""
    file = workspace.state.files.get(workspace.tickets.get(request.match_info["ticket"], ""))
    if file is None or file["_complete"]:
        return web.Response(status=404, text="upload_not_found")
    path = workspace.state.folder / file["id"]
    file["size"] = await _receive(request, path)
    file["_stored"] = True
    workspace.state.save_file(file)
    return web.Response(text=f"OK - {file['size']}")


async def _receive(request: web.Request, path: Path) -> int:
    if not request.content_type.startswith("multipart/"):
        return await _write(request.content.iter_chunked(BLOCK_BYTES), path)
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.filename:
            data = await part.read(decode=True)
            await asyncio.to_thread(path.write_bytes, data)
            return len(data)
    return 0


async def _write(blocks: AsyncIterable[bytes], path: Path) -> int:
    size = 0
    with await asyncio.to_thread(path.open, "wb") as out:
        async for block in blocks:
            size += len(block)
            out.write(block)
    return size


async def download(workspace: Workspace, request: web.Request) -> web.StreamResponse:
    """Give a file's bytes; who may not have them gets a web page that asks to sign in, as Slack does it."""
    file = workspace.state.files.get(request.match_info["file"])
    try:
        user, _ = identify(workspace, token_of(request))
    except ApiError:
        return _login()
    if file is None or not file["_stored"]:
        return web.Response(status=404, text="file_not_found")
    if not user or not may_see_file(workspace.state, file, user):
        return _login()
    path = workspace.state.folder / file["id"]
    headers = {
        "Content-Type": file["mimetype"],
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_plain(file['name']))}",
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(path, headers=headers)


def _login() -> web.Response:
    return web.Response(text=LOGIN_PAGE, content_type="text/html")


def _plain(name: str) -> str:
    return re.sub(r"[\x00-\x1f/\\]", "_", name)
