"""People: who they are."""

from bot.sandbox.dispatch import TIER_2, TIER_3, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.pagination import page_of
from bot.sandbox.serializers import user_object


@method("users.info", per_minute=TIER_4)
async def info(call: Call) -> Result:
    """Tell who somebody is."""
    user = call.workspace.state.user(call.arguments.need("user", "user_not_found"))
    return {"user": user_object(user, locale=call.arguments.flag("include_locale"))}


@method("users.list", per_minute=TIER_2)
async def list_users(call: Call) -> Result:
    """List everybody."""
    page, more = page_of(call.arguments, list(call.workspace.state.users.values()))
    locale = call.arguments.flag("include_locale")
    return {"members": [user_object(user, locale=locale) for user in page], "cache_ts": 0, **more}


@method("users.lookupByEmail", per_minute=TIER_3)
async def by_email(call: Call) -> Result:
    """Find somebody by address."""
    email = call.arguments.need("email", "users_not_found")
    for user in call.workspace.state.users.values():
        if user["profile"].get("email") == email:
            return {"user": user_object(user)}
    raise ApiError("users_not_found")


@method("users.profile.get", per_minute=TIER_4)
async def profile(call: Call) -> Result:
    """Tell somebody's profile."""
    return {"profile": call.workspace.state.user(call.arguments.text("user") or call.user)["profile"]}
