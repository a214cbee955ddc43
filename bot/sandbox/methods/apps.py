"""Who am I, what is this: auth, api, apps, bots, team."""

from bot.sandbox.dispatch import SPECIAL, TIER_3, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.people import APP, BOT, BOT_USER, CREATED, ENTERPRISE, TEAM, TEAM_DOMAIN, TEAM_NAME


@method("api.test", per_minute=SPECIAL, roles=())
async def api_test(call: Call) -> Result:
    """Answer, to show that there is somebody."""
    if error := call.arguments.text("error"):
        raise ApiError(error)
    return {"args": {}}


@method("auth.test", per_minute=SPECIAL)
async def auth_test(call: Call) -> Result:
    """Tell whose token it is."""
    user = call.workspace.state.users[call.user]
    told = {
        "url": f"{call.workspace.url}/",
        "team": TEAM_NAME,
        "user": user["name"],
        "team_id": user["team_id"],
        "user_id": call.user,
        "is_enterprise_install": False,
    }
    told |= {"enterprise_id": ENTERPRISE} if call.workspace.faults.grid else {}
    return told | ({"bot_id": BOT} if call.role == "bot" else {})


@method("apps.connections.open", per_minute=TIER_3, roles=("app",))
async def open_connection(call: Call) -> Result:
    """Give the address of a socket."""
    ticket = call.workspace.sockets.ticket()
    return {"url": f"{call.workspace.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"}


@method("bots.info")
async def bot_info(call: Call) -> Result:
    """Tell what the app is."""
    if call.arguments.text("bot") not in {"", BOT}:
        raise ApiError("bot_not_found")
    bot = {"id": BOT, "deleted": False, "name": "folio", "updated": CREATED, "app_id": APP, "user_id": BOT_USER}
    return {"bot": bot | {"icons": {}}}


@method("team.info")
async def team_info(call: Call) -> Result:
    """Tell what the workspace is."""
    if call.arguments.text("team") not in {"", TEAM}:
        raise ApiError("team_not_found")
    return {"team": {"id": TEAM, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "email_domain": "", "icon": {}}}


@method("emoji.list", per_minute=TIER_4)
async def emoji(call: Call) -> Result:
    """Tell that there are no pictures of our own."""
    return {"emoji": {}}
