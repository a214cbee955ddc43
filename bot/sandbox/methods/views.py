"""Modals and the app's Home."""

import time
import uuid

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


@method("views.submit", roles=("person",))
async def submit(call: Call) -> Result:
    """Press a modal's button, with what was chosen in its selects and radio buttons."""
    view = call.workspace.views.get(call.arguments.need("view_id"))
    if view is None or view["_user"] != call.user:
        raise ApiError("not_found")
    given = call.arguments.parsed("values", "invalid_arguments")
    chosen = given if isinstance(given, dict) else {}
    shown = {name: value for name, value in view.items() if not name.startswith("_")}
    person = call.workspace.state.users[call.user]
    payload = {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": call.user, "name": person["name"], "team_id": person["team_id"]},
        "api_app_id": APP,
        "token": "sandbox",
        "trigger_id": uuid.uuid4().hex,
        "view": shown | {"state": {"values": _values(view, chosen)}},
        "response_urls": [],
        "is_enterprise_install": False,
    }
    said = await call.workspace.delivery.ask("interactive", payload)
    if not (isinstance(said, dict) and said.get("response_action")):
        del call.workspace.views[view["id"]]
    return {}


def _values(view: Row, chosen: Row) -> Row:
    """Return the state of a modal's inputs; raise ApiError where a choice is missing or is none of the options."""
    values: Row = {}
    for block in (block for block in view["blocks"] if block["type"] == "input"):
        element = block["element"]
        initial = (element.get("initial_option") or {}).get("value")
        value = chosen.get(block["block_id"], initial)
        option = next((one for one in element.get("options", ()) if one["value"] == value), None)
        if option is None and not block.get("optional"):
            raise ApiError("missing_input", block=block["block_id"])
        told = {"type": element["type"], "selected_option": option}
        values[block["block_id"]] = {element["action_id"]: told}
    return values


@method("views.home", roles=("person",))
async def home(call: Call) -> Result:
    """Return the Home that a person sees; Slack has no such method, but people have eyes."""
    return {"view": call.workspace.state.homes.get(call.user)}


def _whole(call: Call, view: Row) -> Row:
    known = {"private_metadata": "", "callback_id": "", "state": {"values": {}}} | view
    marks = {"id": call.workspace.state.new_id("V"), "hash": f"{time.time():.6f}"}
    return known | marks | {"team_id": TEAM, "app_id": APP, "bot_id": BOT, "app_installed_team_id": TEAM}
