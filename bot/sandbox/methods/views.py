"""Modals and the app's Home."""

import time

from bot.sandbox.blocks import check_view
from bot.sandbox.dispatch import TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.people import APP, BOT, TEAM
from bot.sandbox.state import Row


@method("views.publish", per_minute=TIER_4, roles=("bot",))
async def publish(call: Call) -> Result:
    """Show somebody a Home."""
    user = call.workspace.state.user(call.arguments.need("user_id"))["id"]
    view = _whole(call, check_view(call.arguments.parsed("view", "invalid_arguments"), kind=("home",)))
    call.workspace.state.save_home(user, view)
    call.workspace.live.tell("home", only=user, view=view)
    return {"view": view}


@method("views.open", per_minute=TIER_4, roles=("bot",))
@method("views.push", per_minute=TIER_4, roles=("bot",))
async def open_view(call: Call) -> Result:
    """Open a modal, once for something that a person did just now."""
    user, until = call.workspace.triggers.pop(call.arguments.need("trigger_id", "invalid_trigger_id"), ("", 0.0))
    if not user:
        raise ApiError("invalid_trigger_id")
    if until < time.monotonic():
        raise ApiError("expired_trigger_id")
    view = _whole(call, check_view(call.arguments.parsed("view", "invalid_arguments"), kind=("modal",)))
    call.workspace.views[view["id"]] = view | {"_user": user}
    call.workspace.live.tell("view", only=user, view=view)
    return {"view": view}


@method("views.update", per_minute=TIER_4, roles=("bot",))
async def update(call: Call) -> Result:
    """Change a modal."""
    known = call.workspace.views.get(call.arguments.need("view_id"))
    if known is None:
        raise ApiError("not_found")
    if call.arguments.text("hash", known["hash"]) != known["hash"]:
        raise ApiError("hash_conflict")
    given = check_view(call.arguments.parsed("view", "invalid_arguments"), kind=("modal",))
    view = _whole(call, given) | {"id": known["id"]}
    call.workspace.views[view["id"]] = view | {"_user": known["_user"]}
    call.workspace.live.tell("view", only=known["_user"], view=view)
    return {"view": view}


@method("views.home", roles=("person",))
async def home(call: Call) -> Result:
    """Return the Home that a person sees; Slack has no such method, but people have eyes."""
    return {"view": call.workspace.state.homes.get(call.user)}


def _whole(call: Call, view: Row) -> Row:
    known = {"private_metadata": "", "callback_id": "", "state": {"values": {}}} | view
    marks = {"id": call.workspace.state.new_id("V"), "hash": f"{time.time():.6f}"}
    return known | marks | {"team_id": TEAM, "app_id": APP, "bot_id": BOT, "app_installed_team_id": TEAM}
