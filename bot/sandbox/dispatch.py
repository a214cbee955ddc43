"""A call's way: its name, who calls, what goes wrong on purpose, and the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from bot.sandbox.arguments import Arguments, read_arguments
from bot.sandbox.errors import ApiError
from bot.sandbox.people import APP_TOKEN, BOT_USER, SCOPES
from bot.sandbox.workspace import Workspace

Role = Literal["bot", "person", "app"]
Result = Mapping[str, Any]

TIER_1, TIER_2, TIER_3, TIER_4, SPECIAL = 1, 20, 50, 100, 0  # calls a minute
POSTS = 60  # a minute in one conversation: Slack says one a second, and more for a moment


@dataclass(frozen=True)
class Call:
    """One call of a method: by whom, with what."""

    workspace: Workspace
    user: str
    role: Role
    arguments: Arguments


@dataclass(frozen=True)
class Method:
    """A method of the Web API."""

    run: Callable[[Call], Awaitable[Result]]
    roles: frozenset[Role]
    per_minute: int
    counts_conversations: bool


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    per_minute: int = TIER_3,
    roles: tuple[Role, ...] = ("bot", "person"),
    counts_conversations: bool = False,
) -> Callable[[Callable[[Call], Awaitable[Result]]], Callable[[Call], Awaitable[Result]]]:
    """Give a method its name."""

    def register(run: Callable[[Call], Awaitable[Result]]) -> Callable[[Call], Awaitable[Result]]:
        METHODS[name] = Method(run, frozenset(roles), per_minute, counts_conversations)
        return run

    return register


async def answer(workspace: Workspace, request: web.Request) -> web.Response:
    """Answer one call of the Web API."""
    name = request.match_info["method"]
    workspace.calls[name] += 1
    found = METHODS.get(name)
    headers = {"Cache-Control": "no-store"}
    try:
        if found is None:
            raise ApiError("unknown_method", req_method=name)
        arguments = await read_arguments(request)
        if fault := await workspace.faults.strike(name, found.per_minute, of=_counted(found, request, arguments)):
            return fault
        call = _enter(workspace, request, found, arguments)
        if call.role == "bot":
            headers |= {"x-oauth-scopes": SCOPES, "x-accepted-oauth-scopes": ""}
        return web.json_response({"ok": True, **await found.run(call)}, headers=headers)
    except ApiError as refused:
        return web.json_response({"ok": False, "error": refused.error, **refused.details}, headers=headers)


def _counted(found: Method, request: web.Request, arguments: Arguments) -> str:
    """Return whose calls count together: Slack's rates are of each app by itself, some of each conversation."""
    return token_of(request, arguments) + (arguments.text("channel") if found.counts_conversations else "")


def _enter(workspace: Workspace, request: web.Request, found: Method, arguments: Arguments) -> Call:
    if not found.roles:
        return Call(workspace, "", "person", arguments)
    user, role = identify(workspace, token_of(request, arguments))
    if role not in found.roles:
        raise ApiError("not_allowed_token_type")
    return Call(workspace, user, role, arguments)


def token_of(request: web.Request, arguments: Arguments | None = None) -> str:
    """Return the token that a request carries."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return arguments.text("token") if arguments else ""


def identify(workspace: Workspace, token: str) -> tuple[str, Role]:
    """Return whose token it is; raise Refused as Slack does."""
    if not token:
        raise ApiError("not_authed")
    if token == APP_TOKEN:
        return "", "app"
    user = workspace.state.user_of(token)
    if user is None:
        raise ApiError("invalid_auth")
    if workspace.state.users[user]["deleted"]:
        raise ApiError("account_inactive")
    return user, "bot" if user == BOT_USER else "person"
