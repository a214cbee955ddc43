"""What can go wrong between us and Slack, sorted by what follows from it."""

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

SLACK_ERRORS = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)


def code(error: BaseException) -> str:
    """Return Slack's name of an error; "" if Slack did not name it."""
    if not isinstance(error, SlackApiError):
        return ""
    data = getattr(error.response, "data", error.response)  # a str where something before Slack answered
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def is_uncertain(error: BaseException) -> bool:
    """Tell whether Slack may have done it all the same: no answer came, or one without a name."""
    return code(error) in {"", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}


def is_restricted(error: BaseException) -> bool:
    """Tell whether a conversation's posting permissions forbid a message, in one of Slack's ways."""
    return code(error).startswith("restricted_action")
