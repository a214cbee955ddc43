"""The connection to one workspace: a Web API client, Bolt's app, and Socket Mode or HTTP."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import StartFailed
from bot.settings import SlackSettings
from bot.slack.errors import SLACK_ERRORS, code
from bot.slack.tokens import WISHED, wrong_token

logger = structlog.get_logger()

PATH = "/slack/events"
MISSHAPEN = (ValueError, TypeError, AttributeError, LookupError)  # what Bolt raises for a body it does not know
CALL_SECONDS = 30
BODY_SECONDS = 10  # Slack itself waits three for the answer
LONGEST_STAMP = 20  # digits
REPLAY_SECONDS = 600  # Slack's own tolerance for clocks is 300 in both directions
ONCE = (
    "chat.postMessage",
    "chat.startStream",
    "chat.appendStream",
    "chat.postEphemeral",
    "files.completeUploadExternal",
)


class HarmlessRetry(AsyncRetryHandler):
    """Tries again after a 5xx or a broken connection, but no call that would say something twice."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.endswith(ONCE):
            return False
        broken = isinstance(error, (aiohttp.ClientConnectionError, TimeoutError))
        return broken or (response is not None and response.status_code >= 500)


class SlackConnection:
    """One workspace: `client` to call it, `app` to listen to it."""

    def __init__(
        self, settings: SlackSettings, client: AsyncWebClient, app: AsyncApp, identity: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self.client, self.app = client, app
        self.bot_user_id, self.team_id = identity["user_id"], identity["team_id"]
        self._sockets: AsyncSocketModeHandler | None = None
        self._server: web.AppRunner | None = None

    @property
    def connected(self) -> bool:
        """Tell whether Slack can reach us now."""
        if self._sockets is None:
            return self._server is not None
        session = self._sockets.client.current_session
        return session is not None and not session.closed

    async def start(self) -> None:
        """Begin to listen, which a worker never does; raise StartFailed with what mends it."""
        if self._settings.mode == "http":
            await self._serve(_needed(self._settings, "signing_secret"))
        else:
            await self._open_sockets(_needed(self._settings, "app_token"))

    async def _open_sockets(self, token: str) -> None:
        self._sockets = AsyncSocketModeHandler(self.app, token, web_client=self.client)
        self._sockets.client.proxy = self.client.proxy
        try:
            await self._sockets.connect_async()  # type: ignore[no-untyped-call]
        except SLACK_ERRORS as error:
            raise StartFailed(_refusal("SLACK_APP_TOKEN", error)) from error

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        if self._sockets:
            await self._sockets.close_async()  # type: ignore[no-untyped-call]
        if self._server:
            await self._server.cleanup()
        if self.client.session:
            await self.client.session.close()

    async def _serve(self, secret: str) -> None:
        site = web.Application()
        site.router.add_post(PATH, HttpDoor(self.app, secret).take)
        self._server = web.AppRunner(site, access_log=None, lingering_time=0)  # what is not read is not waited for
        await self._server.setup()
        try:
            await web.TCPSite(self._server, self._settings.host, self._settings.port).start()
        except OSError as error:
            raise StartFailed(f"SLACK_PORT {self._settings.port} is in use; choose another one.") from error


class HttpDoor:
    """Lets in what Slack signed, once."""

    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def take(self, request: web.Request) -> web.Response:
        """Hand a request to Bolt; 401 if Slack did not sign it, or if it was here before."""
        signature = request.headers.get("X-Slack-Signature", "")
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = (await request.read()).decode()
        except (TimeoutError, UnicodeDecodeError):
            return web.Response(status=401)
        if not self._is_signed(body, stamp, signature) or not self._is_first(signature):
            return web.Response(status=401)
        try:
            response = await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))
        except MISSHAPEN as error:
            logger.warning("misshapen request", reason=type(error).__name__)
            return web.Response(status=400)
        if response.status >= 500:
            self._seen.pop(signature, None)
        return response

    def _is_signed(self, body: str, stamp: str, signature: str) -> bool:
        if not stamp.isdecimal() or len(stamp) > LONGEST_STAMP or not signature.isascii():
            return False
        return self._verifier.is_valid(body, stamp, signature)

    def _is_first(self, signature: str) -> bool:
        now = time.monotonic()
        while self._seen and next(iter(self._seen.values())) < now - REPLAY_SECONDS:
            self._seen.popitem(last=False)
        first = signature not in self._seen
        self._seen[signature] = now
        return first


async def connect_slack(settings: SlackSettings, *, loopback: bool) -> SlackConnection:
    """Make the client and the app and learn who we are; raise StartFailed with what mends it.

    With `loopback` no proxy is used: slack_sdk ignores NO_PROXY.
    """
    client = _client(settings, _needed(settings, "bot_token"), loopback=loopback)
    try:
        answer = await client.auth_test()
    except SLACK_ERRORS as error:
        if client.session:
            await client.session.close()
        raise StartFailed(_refusal("SLACK_BOT_TOKEN", error)) from error
    identity = {name: str(answer.get(name) or "") for name in ("user_id", "team_id", "bot_id", "url")}
    return SlackConnection(settings, client, _app(settings, client, identity), identity)


def _client(settings: SlackSettings, token: str, *, loopback: bool) -> AsyncWebClient:
    client = AsyncWebClient(
        token,
        base_url=settings.api_url,
        timeout=CALL_SECONDS,
        session=aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS)),
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3), HarmlessRetry(max_retry_count=2)],
        logger=_quiet("slack.client"),
    )
    if loopback:
        client.proxy = None
    return client


def _app(settings: SlackSettings, client: AsyncWebClient, identity: Mapping[str, str]) -> AsyncApp:
    async def authorize() -> AuthorizeResult:
        """Say who we are from what we learned at the start, instead of asking Slack at the first event."""
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity["team_id"],
            bot_token=client.token,
            bot_id=identity["bot_id"],
            bot_user_id=identity["user_id"],
        )

    return AsyncApp(
        client=client,
        authorize=authorize,
        signing_secret=settings.signing_secret.get_secret_value() or "unused in Socket Mode",
        request_verification_enabled=False,  # HttpDoor verifies; Bolt would log the body of what it refuses
        ssl_check_enabled=False,  # answered without a signature
        raise_error_for_unhandled_request=True,  # so that bot.gateway notes it, without its words
        logger=_quiet("slack.bolt", logging.ERROR),
    )


def _quiet(name: str, level: int = logging.WARNING) -> logging.Logger:
    """Return a logger that never writes what people wrote: these libraries log whole payloads below their level."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    return logger


def _needed(settings: SlackSettings, name: str) -> str:
    """Return a token or secret; raise StartFailed where it is empty."""
    value: str = getattr(settings, name).get_secret_value()
    if not value:
        raise StartFailed(f"SLACK_{name.upper()} is missing. The README says where Slack shows it.")
    setting = f"SLACK_{name.upper()}"
    if setting in WISHED and (wrong := wrong_token(setting, value)):
        raise StartFailed(f"{wrong}.")
    return value


def _refusal(name: str, error: BaseException) -> str:
    if isinstance(error, SlackApiError) and code(error):
        return f"Slack refuses {name}: {code(error)}."
    return "Slack does not answer. Is SLACK_API_URL right, and the network there?"
