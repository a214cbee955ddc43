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
from bot.sandbox.state import Row
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
    """Give a file's bytes; who may not have them gets a web page that asks to sign in, as Slack does it.

    With `redirects` the bytes lie some hops away: "origin" is a host of Slack's own that wants the token again, "edge"
    is a store whose signed address refuses it, anything else is an address to go to.
    """
    file = workspace.state.files.get(request.match_info["file"])
    hop = int(request.query.get("hop", "0"))
    hops = workspace.faults.redirects
    if hop and hops[hop - 1] == "edge":
        if "Authorization" in request.headers:
            return web.Response(status=400, text="InvalidArgument: only one auth mechanism allowed")
    elif refused := _refused(workspace, request, file):
        return refused
    if file is None or not file["_stored"]:
        return web.Response(status=404, text="file_not_found")
    if hop < len(hops):
        return web.Response(status=302, headers={"Location": _next_hop(workspace, request, hops[hop], hop + 1)})
    path = workspace.state.folder / file["id"]
    headers = {
        "Content-Type": file.get("_stored_as") or file["mimetype"],
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_plain(file['name']))}",
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(path, headers=headers)


def _refused(workspace: Workspace, request: web.Request, file: Row | None) -> web.Response | None:
    """Return the sign-in page for whoever may not have a file; None for whoever may."""
    try:
        user, _ = identify(workspace, token_of(request))
    except ApiError:
        return _login()
    return _login() if file and not (user and may_see_file(workspace.state, file, user)) else None


def _next_hop(workspace: Workspace, request: web.Request, kind: str, hop: int) -> str:
    """Return where a redirect leads; the edge is another host: this machine's other name."""
    if kind not in {"origin", "edge"}:
        return kind
    base = workspace.url.replace("127.0.0.1", "localhost") if kind == "edge" else workspace.url
    return f"{base}{request.path}?hop={hop}"


def _login() -> web.Response:
    return web.Response(text=LOGIN_PAGE, content_type="text/html")


def _plain(name: str) -> str:
    return re.sub(r"[\x00-\x1f/\\]", "_", name)
