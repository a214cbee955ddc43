"""Long lists in pages, with Slack's cursors."""

import base64
import binascii
from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import ApiError

MOST = 1000


def page_of(arguments: Arguments, items: list[Any], *, default: int = 100) -> tuple[list[Any], dict[str, Any]]:
    """Return one page of a list, and what tells where the next one begins."""
    limit = arguments.number("limit", default, least=0, most=MOST) or default
    start = int(read_cursor(arguments.text("cursor"), "next") or 0)
    end = start + limit
    cursor = write_cursor("next", str(end)) if end < len(items) else ""
    return items[start:end], {"response_metadata": {"next_cursor": cursor}}


def write_cursor(kind: str, value: str) -> str:
    """Return a cursor."""
    return base64.b64encode(f"{kind}:{value}".encode()).decode()


def read_cursor(cursor: str, kind: str) -> str:
    """Return what a cursor says; "" for none."""
    if not cursor:
        return ""
    try:
        found, _, value = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise ApiError("invalid_cursor") from None
    if found != kind or not value.isdecimal():
        raise ApiError("invalid_cursor")
    return value
