"""The methods of the Web API by family; importing a family registers it."""

from bot.sandbox.methods import (
    admin,
    agents,
    apps,
    canvases,
    chat,
    conversations,
    files,
    history,
    interaction,
    members,
    reactions,
    streams,
    users,
    views,
)

__all__ = [
    "admin",
    "agents",
    "apps",
    "canvases",
    "chat",
    "conversations",
    "files",
    "history",
    "interaction",
    "members",
    "reactions",
    "streams",
    "users",
    "views",
]
