"""What people see before they ask: the app's Home, and prompts to begin with."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from handlers.text.messages import say

PROMPTS = ("help", "docs", "summarize")  # Slack shows at most four


async def greet(client: AsyncWebClient, event: Mapping[str, Any], language: str) -> None:
    """Publish the Home, or suggest prompts where the person opened the conversation."""
    if event.get("tab") == "messages" and event.get("channel"):
        await client.assistant_threads_setSuggestedPrompts(  # without thread_ts: with one it fails without a word
            channel_id=str(event["channel"]), prompts=prompts(language)
        )
    else:
        await client.views_publish(user_id=str(event["user"]), view=home(language))


def home(language: str) -> dict[str, Any]:
    """Return the Home's view."""
    header = {"type": "header", "text": {"type": "plain_text", "text": say("slack.home_title", language)}}
    text = {"type": "section", "text": {"type": "mrkdwn", "text": say("slack.home", language)}}
    return {"type": "home", "blocks": [header, text]}


def prompts(language: str) -> list[dict[str, str]]:
    """Return the prompts: what one reads, and what one then says."""
    return [
        {"title": say(f"slack.prompt_{name}_title", language), "message": say(f"slack.prompt_{name}", language)}
        for name in PROMPTS
    ]
