"""What people do with the assistant: one file a verb, and the table from action to handler."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.request import Handler

ACTIONS = {
    "chat": "chat", "ask": "ask", "overhear": "overhear", "read_here": "read_here", "settings": "settings",
    "show_page": "show_page", "home": "home",
    "summarize": "summarize", "recap": "recap", "reopen": "reopen",
    "upload": "upload", "docs": "docs", "help": "help",
    "forget": "forget", "forget_me": "forget", "stop": "stop",
    "sentiment": "sentiment", "extract": "extract", "attention": "attention",
}  # fmt: skip  # action -> file


class _Handlers(Mapping[str, "Handler"]):
    """Imports a handler when it is looked up, so that the gateway, which needs only the verbs, starts in a second."""

    def __getitem__(self, action: str) -> "Handler":
        handler: Handler = getattr(import_module(f"handlers.{ACTIONS[action]}"), action)
        return handler

    def __iter__(self) -> Iterator[str]:
        return iter(ACTIONS)

    def __len__(self) -> int:
        return len(ACTIONS)


HANDLERS: Mapping[str, "Handler"] = _Handlers()
PRIVATE = frozenset({"docs", "settings", "help", "forget_me", "home"})  # a command's answer that only the asker sees
