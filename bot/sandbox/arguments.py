"""What a call says, whichever way it came: query, form or JSON."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.errors import ApiError, invalid


class Arguments:
    """A call's arguments; a value may be given as itself or as text."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text."""
        value = self._values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        """Return an argument that must be there."""
        if not (value := self.text(name)):
            raise invalid(error, f"missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a yes or no."""
        value = self._values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in {"1", "true", "yes"}

    def number(self, name: str, default: int, *, least: int, most: int, error: str = "invalid_limit") -> int:
        """Return a whole number within its bounds."""
        value = self.text(name, str(default)) or str(default)
        if not value.lstrip("-").isdecimal() or not least <= int(value) <= most:
            raise ApiError(error)
        return int(value)

    def parsed(self, name: str, error: str) -> Any:
        """Return structured data, given as itself or as JSON; None if it is not there."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise ApiError(error) from None

    def names(self, name: str, default: str = "") -> list[str]:
        """Return a list that is written with commas."""
        value = self._values.get(name, default)
        parts = value if isinstance(value, list) else str(value).split(",")
        return [str(part).strip() for part in parts if str(part).strip()]


async def read_arguments(request: web.Request) -> Arguments:
    """Gather a call's arguments from its query and its body; raise Refused if the body is not what it says it is."""
    values: dict[str, Any] = dict(request.query)
    if request.method != "POST" or not request.can_read_body:
        return Arguments(values)
    if request.content_type == "application/json":
        return Arguments(values | await _json(request))
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return Arguments(values | {name: _field(value) for name, value in (await request.post()).items()})
    if await request.read():
        raise ApiError("invalid_post_type")
    return Arguments(values)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return body


def _field(value: object) -> object:
    return value.file.read().decode("utf-8", "replace") if isinstance(value, web.FileField) else value
