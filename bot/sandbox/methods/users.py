"""People: who they are."""

from bot.sandbox.dispatch import TIER_2, TIER_3, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.pagination import page_of
from bot.sandbox.serializers import user_object


@method("users.info", per_minute=TIER_4)
async def info(call: Call) -> Result:
    """Tell who somebody is."""
    user = call.workspace.state.user(call.arguments.need("user", "user_not_found"))
    return {"user": user_object(user, locale=call.arguments.flag("include_locale"), grid=call.workspace.faults.grid)}


@method("users.list", per_minute=TIER_2)
async def list_users(call: Call) -> Result:
    """List everybody."""
    page, more = page_of(call.arguments, list(call.workspace.state.users.values()))
    locale = call.arguments.flag("include_locale")
    return {
        "members": [user_object(user, locale=locale, grid=call.workspace.faults.grid) for user in page],
        "cache_ts": 0,
        **more,
    }


@method("users.lookupByEmail", per_minute=TIER_3)
async def by_email(call: Call) -> Result:
    """Find somebody by address."""
    email = call.arguments.need("email", "users_not_found")
    for user in call.workspace.state.users.values():
        if user["profile"].get("email") == email:
            return {"user": user_object(user, grid=call.workspace.faults.grid)}
    raise ApiError("users_not_found")


@method("users.profile.get", per_minute=TIER_4)
async def profile(call: Call) -> Result:
    """Tell somebody's profile."""
    return {"profile": call.workspace.state.user(call.arguments.text("user") or call.user)["profile"]}


@method("users.profile.set", per_minute=TIER_3, roles=("person",))
async def set_profile(call: Call) -> Result:
    """Change one's status or photo, of which Slack tells everybody's apps, twice."""
    user = call.workspace.state.users[call.user]
    given = call.arguments.parsed("profile", "invalid_profile")
    if not isinstance(given, dict):
        raise ApiError("invalid_profile")
    user["profile"] |= given
    call.workspace.state.save_user(user)
    told = user_object(user, locale=True, grid=call.workspace.faults.grid)
    call.workspace.announce({"type": "user_change", "user": told, "cache_ts": 0})
    call.workspace.announce({"type": "user_status_changed", "user": told, "cache_ts": 0})
    return {"profile": user["profile"]}
