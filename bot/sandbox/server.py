"""The workspace as a server: its routes, its doors for tests, its start and end."""

import asyncio
import errno
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from bot.data_folder import locked, prepare
from bot.errors import StartFailed, what_is_full
from bot.sandbox import file_transfer, methods, response_urls
from bot.sandbox.dispatch import answer
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Faults
from bot.sandbox.http_delivery import Endpoint
from bot.sandbox.methods.streams import expire_streams
from bot.sandbox.state import State
from bot.sandbox.store import Store
from bot.sandbox.workspace import Workspace
from bot.tcp_ports import holder

logger = structlog.get_logger()

HOST = "127.0.0.1"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
LARGEST_CALL_BYTES = 4 * 2**20
SWEEP_SECONDS = 0.5
STOP_SECONDS = 1.0
FAMILIES = methods.__all__  # importing them is what registers them
PAGE = Path(__file__).parent / "web"
SAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[Workspace, web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """A running workspace."""

    def __init__(
        self, workspace: Workspace, store: Store, runner: web.AppRunner, session: aiohttp.ClientSession
    ) -> None:
        self.workspace = workspace
        self._store, self._runner, self._session = store, runner, session
        self._tasks = [asyncio.create_task(store.run()), asyncio.create_task(_sweep(workspace))]

    @classmethod
    async def start(cls, port: int = 0, data_dir: Path = Path("workspace")) -> "Sandbox":
        """Open the workspace that is kept in the folder, or a new one; port 0 takes a free one."""
        files = data_dir / "files"
        files.mkdir(parents=True, exist_ok=True)
        store = Store(data_dir / "workspace.sqlite3")
        workspace = Workspace("", State(store, files))
        session = aiohttp.ClientSession()
        runner = web.AppRunner(_site(workspace, session), access_log=None, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError:
            await runner.cleanup()
            await session.close()
            store.close()
            raise
        workspace.url = f"http://{HOST}:{runner.addresses[0][1]}"
        return cls(workspace, store, runner, session)

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """Return the address of the Web API, as SLACK_API_URL wants it."""
        return f"{self.url}/api/"

    async def stop(self) -> None:
        """Close everything and keep what there is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.workspace.delivery.stop()
        await self.workspace.sockets.drop()
        await self.workspace.live.close()
        await self._runner.cleanup()
        await self._session.close()
        self._store.close()


async def serve(port: int, data_dir: Path, *, until_closed: bool = False) -> None:
    """Run a workspace until SIGTERM or SIGINT; or until standard input closes, which the death of a parent does."""
    prepare(data_dir)
    with locked(data_dir):
        try:
            sandbox = await Sandbox.start(port, data_dir)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise StartFailed(f"Port {port} is in use{holder(port)}. Choose another with --port.") from error
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        if until_closed:
            loop.add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()
        await sandbox.stop()


async def _sweep(workspace: Workspace) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        expire_streams(workspace)


def _site(workspace: Workspace, session: aiohttp.ClientSession) -> web.Application:
    def with_workspace(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await handler(workspace, request)

        return handle

    async def point(workspace: Workspace, request: web.Request) -> web.Response:
        given = await _body(request)
        url, secret = str(given.get("url", "")), str(given.get("signing_secret", ""))
        workspace.endpoint = Endpoint(session, url, secret) if url else None
        return web.json_response({"ok": True})

    site = web.Application(middlewares=[_only_from_here, _name_full_disk], client_max_size=LARGEST_CALL_BYTES)
    routes: list[tuple[str, str, Handler]] = [
        ("*", "/api/{method}", answer),
        ("GET", "/link/", lambda workspace, request: workspace.sockets.serve(request)),
        ("GET", "/live", lambda workspace, request: workspace.live.serve(request)),
        ("POST", "/commands/{secret}", response_urls.respond),
        ("POST", "/upload/v1/{ticket}", file_transfer.upload),
        ("GET", "/files-pri/{team:[A-Z0-9]+}-{file:[A-Z0-9]+}/{name}", file_transfer.download),
        ("GET", "/files-pri/{team:[A-Z0-9]+}-{file:[A-Z0-9]+}/download/{name}", file_transfer.download),
        ("POST", "/faults", set_faults),
        ("GET", "/calls", count_calls),
        ("POST", "/endpoint", point),
        ("GET", "/", page),
        ("GET", "/archives/{channel}/{ts}", page),
        ("GET", "/files/{user}/{file}/{name}", page),
    ]
    for verb, path, handler in routes:
        site.router.add_route(verb, path, with_workspace(handler))
    site.router.add_static("/page", PAGE)
    if SAMPLES.is_dir():
        site.router.add_static("/samples", SAMPLES)
    return site


async def page(workspace: Workspace, request: web.Request) -> web.StreamResponse:
    """Give the page; its script finds the message or the file that the address names."""
    return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def set_faults(workspace: Workspace, request: web.Request) -> web.Response:
    """Switch faults on; an empty body switches all off."""
    try:
        faults = Faults.of(await _body(request))
    except ApiError as refused:
        return web.json_response({"ok": False, "error": refused.error, **refused.details}, status=400)
    workspace.faults = faults
    if faults.drop_sockets:
        await workspace.sockets.drop()
    if faults.refresh_sockets:
        workspace.later(workspace.sockets.refresh())
    return web.json_response({"ok": True})


async def count_calls(workspace: Workspace, request: web.Request) -> web.Response:
    """Tell how often each method was called."""
    return web.json_response(dict(workspace.calls))


def _is_of_another_site(request: web.Request) -> bool:
    """Tell whether another site's page sends this, a picture's address say; a link to our page may stand anywhere."""
    if request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return False
    return request.headers.get("Sec-Fetch-Mode") != "navigate" or request.path.startswith("/api/")


async def _body(request: web.Request) -> dict[str, object]:
    with suppress(ValueError):
        body = json.loads(await request.text() or "{}")
        if isinstance(body, dict):
            return body
    return {"": "not an object"}


@web.middleware
async def _only_from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what another site's page sends: its name for us (rebinding), its own name (Origin), or none with a GET."""
    host = request.host.rsplit(":", 1)[0]
    origin = request.headers.get("Origin")
    if host not in LOOPBACK or (origin and origin != f"http://{request.host}") or _is_of_another_site(request):
        return web.json_response({"ok": False, "error": "invalid_origin"}, status=403)
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response


@web.middleware
async def _name_full_disk(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 507 with a name that the page has a sentence for, where a write failed for want of room."""
    try:
        return await handler(request)
    except OSError as failure:
        if not what_is_full(failure):
            raise
        logger.warning("the disk is full", path=request.path)
        return web.json_response({"ok": False, "error": "disk_full"}, status=HTTPStatus.INSUFFICIENT_STORAGE)
