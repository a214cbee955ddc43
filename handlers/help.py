"""Help: what the assistant can do, from the first line of each handler's docstring."""

from handlers import HANDLERS
from handlers.pieces import Pieces, Text
from handlers.request import Request, Services
from handlers.text.language import request_language
from handlers.text.messages import say

SHOWN = {
    "chat": "", "ask": "/ask", "upload": "", "summarize": "/summarize", "recap": "", "docs": "/docs",
    "show_page": "", "home": "",
    "extract": "/extract",
    "sentiment": "/sentiment", "attention": "/attention", "stop": "stop", "forget": "forget",
    "overhear": "", "reopen": "", "read_here": "", "settings": "settings", "forget_me": "/forget-me", "help": "/help",
}  # fmt: skip  # action -> how it is called; "" for what needs no word


async def help(request: Request, services: Services) -> Pieces:  # noqa: A001  # the verb of the person
    """Tell what I can do: `/help`."""
    language = request_language(request)
    lines = [f"- {line(action, language)}" for action in SHOWN]
    yield Text("\n".join([say("help.opening", language), "", *lines, "", say("help.closing", language)]))


def line(action: str, language: str) -> str:
    """Return one action's line: how it is called and what it does."""
    does = help_line(action) if language == "en" else say(f"help.{action}", language)
    return f"`{SHOWN[action]}` {does}" if SHOWN[action] else does


def help_line(action: str) -> str:
    """Return the first line of a handler's docstring."""
    return (HANDLERS[action].__doc__ or "").strip().split("\n")[0]
