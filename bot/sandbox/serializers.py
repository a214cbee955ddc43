"""Slack's objects as one person or the app may see them."""

from typing import Any
from urllib.parse import quote

from bot.sandbox.people import APP, BOT, BOT_USER, ENTERPRISE, PARTNER_TEAM, SISTER_TEAM, TEAM
from bot.sandbox.state import Row, State


def channel_object(state: State, channel: Row, viewer: str) -> Row:
    """Return a conversation."""
    shown = {name: value for name, value in channel.items() if not name.startswith("_")}
    members = channel["_members"]
    if channel.get("is_im"):
        others = [member for member in members if member != viewer]
        return shown | {"user": others[0] if others else viewer, "is_user_deleted": False, "is_open": True}
    teams = [TEAM, PARTNER_TEAM] if channel["is_ext_shared"] else [TEAM]
    return shown | {"is_member": viewer in members, "num_members": len(members), "shared_team_ids": teams}


def user_object(user: Row, *, locale: bool = False, grid: str = "") -> Row:
    """Return a person; the language only if it is asked for, on Enterprise Grid with what is told there."""
    shown = {name: value for name, value in user.items() if not name.startswith("_") and (name != "locale" or locale)}
    if user["team_id"] != TEAM:
        shown |= {"is_stranger": False}
    if grid and user["team_id"] != PARTNER_TEAM:
        shown["enterprise_user"] = _of_enterprise(user, grid)
    if grid == "no_team_id":
        del shown["team_id"]
    return shown


def _of_enterprise(user: Row, grid: str) -> Row:
    """Return what ties somebody to the organisation; Slack does not always tell of which of its workspaces."""
    told = {"id": user["id"].replace("U", "W", 1), "enterprise_id": ENTERPRISE, "enterprise_name": "Lantern group"}
    teams = sorted({TEAM, user["team_id"]} if user["team_id"] != SISTER_TEAM or user.get("_is_ours") else {SISTER_TEAM})
    return told if grid == "organisation" else told | {"teams": teams}


def message_object(state: State, url: str, message: Row, viewer: str) -> Row:
    """Return a message with its files in full, and how its thread goes on."""
    shown = {name: value for name, value in message.items() if not name.startswith("_")}
    if message.get("_files"):
        shown["files"] = [file_object(state, url, file, viewer) for file in message["_files"]]
        shown["upload"] = False
    return shown


def bot_profile() -> Row:
    """Return what a message of the app says of the app."""
    return {"id": BOT, "app_id": APP, "user_id": BOT_USER, "name": "folio", "deleted": False, "team_id": TEAM}


def file_object(state: State, url: str, file_id: str, viewer: str) -> Row:
    """Return a file; where it is shared is told of public channels, and of others only to their members."""
    file = state.files.get(file_id)
    if file is None:
        return {"id": file_id, "mode": "tombstone"}
    if viewer == BOT_USER and file.get("_pending"):  # not ready yet: an app learns no more
        return {"id": file_id, "name": file["name"], "mode": file["mode"], "user": file["user"]}
    shown = {name: value for name, value in file.items() if not name.startswith("_")}
    return shown | _addresses(url, file) | _shares(state, file, viewer)


def file_stub(file_id: str) -> Row:
    """Return what an event of a channel shared with another company tells of a file."""
    return {"id": file_id, "mode": "file_access", "file_access": "check_file_info", "created": 0, "user": ""}


def may_see_file(state: State, file: Row, viewer: str) -> bool:
    """Tell whether somebody may see a file: its owner, and whoever may know a conversation it is shared in."""
    if file["user"] == viewer:
        return True
    shared_in = [state.channels[channel] for channel in file["_shares"] if channel in state.channels]
    if viewer == BOT_USER:
        return any(viewer in channel["_members"] for channel in shared_in)
    return any(state.is_open_to(viewer, channel) for channel in shared_in)


def _addresses(url: str, file: Row) -> Row:
    name = quote(file["name"].replace("/", "_"), safe="")
    place = f"{url}/files-pri/{TEAM}-{file['id']}"
    return {
        "url_private": f"{place}/{name}",
        "url_private_download": f"{place}/download/{name}",
        "permalink": f"{url}/files/{file['user']}/{file['id']}/{name}",
        "permalink_public": f"{url}/files-public/{TEAM}-{file['id']}",
    }


def _shares(state: State, file: Row, viewer: str) -> Row:
    found: dict[str, Any] = {"channels": [], "groups": [], "ims": []}
    shares: dict[str, dict[str, list[Row]]] = {"public": {}, "private": {}}
    for channel_id, times in file["_shares"].items():
        channel = state.channels.get(channel_id)
        if channel is None or (not _is_public(channel) and viewer not in channel["_members"]):
            continue
        kind = "ims" if channel.get("is_im") else "channels" if _is_public(channel) else "groups"
        found[kind].append(channel_id)
        side = "public" if _is_public(channel) else "private"
        shares[side][channel_id] = [_share(state, channel, ts, file["user"]) for ts in times]
    return found | {"shares": {side: there for side, there in shares.items() if there}} | {
        "is_public": bool(found["channels"])
    }  # fmt: skip


def _share(state: State, channel: Row, ts: str, user: str) -> Row:
    message = state.messages[channel["id"]].get(ts, {})
    share = {
        "ts": ts,
        "channel_name": channel.get("name", ""),
        "team_id": TEAM,
        "share_user_id": user,
        "source": "UNKNOWN",
        "reply_users": message.get("reply_users", []),
        "reply_users_count": message.get("reply_users_count", 0),
        "reply_count": message.get("reply_count", 0),
    }
    return share | ({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {})


def _is_public(channel: Row) -> bool:
    return bool(channel.get("is_channel")) and not channel["is_private"]
