"""What an administrator does with people: new ones, guests, closed accounts."""

import re

from bot.sandbox.dispatch import TIER_2, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.people import BOT_USER, PERSON_TOKEN, SISTER_TEAM, TEAM, make_user
from bot.sandbox.serializers import user_object


@method("admin.users.invite", per_minute=TIER_2, roles=("person",))
async def invite(call: Call) -> Result:
    """Add somebody, whose token is xoxp- and the name."""
    state, name = call.workspace.state, call.arguments.need("name")
    if not re.fullmatch(r"[a-z0-9]{1,21}", name):
        raise ApiError("invalid_name")
    if any(user["name"] == name for user in state.users.values()):
        raise ApiError("already_in_team")
    user = make_user(state.new_id("U"), name, call.arguments.text("real_name", name.title()))
    if (home := call.arguments.text("home", TEAM)) not in {TEAM, SISTER_TEAM}:
        raise ApiError("team_not_found")
    user |= {"team_id": home, "_is_ours": True}  # on Grid one may be at home in another workspace, and in this one
    state.save_user(user)
    state.dm(user["id"], BOT_USER)
    told = user_object(user, grid=call.workspace.faults.grid)
    call.workspace.announce({"type": "team_join", "user": told})
    return {"user": told, "token": f"{PERSON_TOKEN}{name}"}


@method("admin.users.remove", per_minute=TIER_2, roles=("person",))
async def remove(call: Call) -> Result:
    """Close somebody's account."""
    return _change(call, deleted=True)


@method("admin.users.setRegular", per_minute=TIER_2, roles=("person",))
async def set_regular(call: Call) -> Result:
    """Make somebody a full member, or open a closed account again."""
    return _change(call, deleted=False, is_restricted=False, is_ultra_restricted=False)


@method("admin.users.setRestricted", per_minute=TIER_2, roles=("person",))
async def set_restricted(call: Call) -> Result:
    """Make somebody a guest."""
    return _change(call, is_restricted=True)


def _change(call: Call, **fields: bool) -> Result:
    if not call.workspace.state.users[call.user]["is_admin"]:
        raise ApiError("not_an_admin")
    user = call.workspace.state.user(call.arguments.need("user_id", "user_not_found"))
    if user["is_bot"] or user["id"] == call.user:
        raise ApiError("cannot_be_done")
    user |= fields
    call.workspace.state.save_user(user)
    told = user_object(user, locale=True, grid=call.workspace.faults.grid)
    call.workspace.announce({"type": "user_change", "user": told, "cache_ts": 0})
    return {}
