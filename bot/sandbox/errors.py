"""How Slack says no: an error's name, and sometimes more."""

from typing import Any


class ApiError(Exception):
    """What a method answers with `ok: false`."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


def invalid(error: str, *messages: str) -> ApiError:
    """Return the refusal that also says which arguments are wrong, as Slack does."""
    return ApiError(error, response_metadata={"messages": [f"[ERROR] {message}" for message in messages]})
