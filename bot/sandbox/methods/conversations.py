"""Which conversations there are, and who is in them."""

from bot.sandbox.dispatch import TIER_2, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.pagination import page_of
from bot.sandbox.people import make_channel
from bot.sandbox.serializers import channel_object
from bot.sandbox.state import Row

TYPES = frozenset({"public_channel", "private_channel", "mpim", "im"})


@method("conversations.list", per_minute=TIER_2)
async def list_conversations(call: Call) -> Result:
    """List what the caller may know."""
    found = [channel for channel in _of_types(call) if call.workspace.state.is_open_to(call.user, channel)]
    return _listed(call, found)


@method("users.conversations")
async def of_user(call: Call) -> Result:
    """List what somebody is in; of what is not public only what the caller is in, too."""
    state = call.workspace.state
    user = state.user(call.arguments.text("user") or call.user)["id"]
    found = [
        channel for channel in _of_types(call) if user in channel["_members"] and state.is_open_to(call.user, channel)
    ]
    return _listed(call, found)


@method("conversations.info")
async def info(call: Call) -> Result:
    """Tell what a conversation is."""
    state = call.workspace.state
    channel = state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    return {"channel": channel_object(state, channel, call.user)}


@method("conversations.members", per_minute=TIER_4)
async def members(call: Call) -> Result:
    """Tell who is in a conversation."""
    channel = call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    page, more = page_of(call.arguments, list(channel["_members"]))
    return {"members": page, **more}


@method("conversations.open")
async def open_dm(call: Call) -> Result:
    """Open the direct message with somebody."""
    state, arguments = call.workspace.state, call.arguments
    if given := arguments.text("channel"):
        channel = state.channel(given, call.user)
        if not channel.get("is_im"):
            raise ApiError("method_not_supported_for_channel_type")
    else:
        users = arguments.names("users")
        if not users:
            raise ApiError("users_list_not_supplied")
        channel = _group(call, users) if len(users) > 1 else _dm(call, users[0])
    told = channel_object(state, channel, call.user) if arguments.flag("return_im") else {"id": channel["id"]}
    return {"channel": told}


@method("conversations.close", per_minute=TIER_2)
async def close(call: Call) -> Result:
    """Close a direct message; it opens again by itself."""
    call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    return {}


@method("conversations.mark")
async def mark(call: Call) -> Result:
    """Note how far somebody has read."""
    call.workspace.state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    return {}


def _dm(call: Call, other: str) -> Row:
    state = call.workspace.state
    if other == call.user:
        raise ApiError("cannot_dm_bot" if call.role == "bot" else "not_supported")
    if state.user(other)["deleted"]:
        raise ApiError("user_disabled")
    return state.dm(call.user, other)


def _group(call: Call, users: list[str]) -> Row:
    state = call.workspace.state
    people = {call.user, *(state.user(user)["id"] for user in users)}
    for channel in state.channels.values():
        if channel.get("is_mpim") and set(channel["_members"]) == people:
            return channel
    names = "--".join(sorted(state.users[user]["name"] for user in people))
    made = make_channel(state.new_id("C"), f"mpdm-{names}-1", call.user, private=True)
    made |= {"is_mpim": True, "is_channel": False, "_members": sorted(people)}
    state.save_channel(made)
    return made


def _of_types(call: Call) -> list[Row]:
    wanted = set(call.arguments.names("types", "public_channel"))
    if not wanted <= TYPES:
        raise ApiError("invalid_types")
    skip_archived = call.arguments.flag("exclude_archived")
    return [
        channel
        for channel in call.workspace.state.channels.values()
        if _type(channel) in wanted and not (skip_archived and channel["is_archived"])
    ]


def _type(channel: Row) -> str:
    if channel.get("is_im"):
        return "im"
    if channel.get("is_mpim"):
        return "mpim"
    return "private_channel" if channel["is_private"] else "public_channel"


def _listed(call: Call, found: list[Row]) -> Result:
    page, more = page_of(call.arguments, found)
    return {"channels": [channel_object(call.workspace.state, channel, call.user) for channel in page], **more}
