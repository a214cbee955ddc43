"""Small parts of what Slack sends; whatever is missing or odd is empty."""

import json
import math
from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]
Event = Mapping[str, Any]


def team_of(body: Body) -> str:
    """Return the workspace that the app is installed in, which for Slack Connect is not the message's own."""
    return str(first(body.get("authorizations")).get("team_id") or body.get("team_id") or "")


def part(value: object) -> Event:
    """Return an object within a body."""
    return value if isinstance(value, Mapping) else {}


def first(value: object) -> Event:
    """Return the first object of a list."""
    return part(value[0]) if isinstance(value, list) and value else {}


def id_in(value: object) -> str:
    """Return the id of what may be an object or its id alone."""
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")


def file_ids(files: object) -> tuple[str, ...]:
    """Return the ids of a list of files."""
    listed = files if isinstance(files, list) else []
    return tuple(str(file["id"]) for file in listed if isinstance(file, Mapping) and file.get("id"))


def json_object(value: object) -> Mapping[str, Any]:
    """Read the JSON that a button carries."""
    try:
        read = json.loads(str(value))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def seconds(ts: object) -> float:
    """Return a ts as seconds; 0 if it is none."""
    try:
        value = float(str(ts))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
