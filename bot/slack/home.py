"""What people see before they ask: the app's Home, and prompts to begin with."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import Block, row_blocks
from bot.slack.payload import Body, part, team_of
from handlers.pieces import Choices, Pieces
from handlers.request import Request
from handlers.text.messages import say

MOST_BLOCKS = 100  # of a view
PROMPTS = ("help", "docs", "summarize")  # Slack shows at most four


async def greet(client: AsyncWebClient, event: Mapping[str, Any], language: str) -> None:
    """Publish a first Home to somebody new, or suggest prompts where the person opened the conversation."""
    if event.get("tab") == "messages" and event.get("channel"):
        await client.assistant_threads_setSuggestedPrompts(  # without thread_ts: with one it fails without a word
            channel_id=str(event["channel"]), prompts=prompts(language)
        )
    elif not event.get("view"):  # else the worker brings it up to date
        await client.views_publish(user_id=str(event["user"]), view=home(language))


def opened_home(body: Body) -> Request | None:
    """Return the request to bring somebody's Home up to date; None where none was opened."""
    event = part(body.get("event"))
    if event.get("type") != "app_home_opened" or event.get("tab") != "home" or not event.get("channel"):
        return None
    user, channel = str(event.get("user") or ""), str(event["channel"])
    request_id = f"{team_of(body)}:{channel}:home:{event.get('event_ts')}"
    return Request(id=request_id, action="home", team=team_of(body), channel=channel, user=user, unasked=True)


async def publish_home(client: AsyncWebClient, request: Request, pieces: Pieces) -> None:
    """Show a person's Home."""
    rows = [piece async for piece in pieces if isinstance(piece, Choices)]
    view = home(request.language, row_blocks(rows, request.language), channel=request.channel)
    await client.views_publish(user_id=request.user, view=view)


def home(language: str, below: Sequence[Block] = (), *, channel: str = "") -> dict[str, Any]:
    """Return the Home's view; it knows the direct message in which its buttons are answered."""
    header = {"type": "header", "text": {"type": "plain_text", "text": say("slack.home_title", language)}}
    text = {"type": "section", "text": {"type": "mrkdwn", "text": say("slack.home", language)}}
    blocks = [header, text, *([{"type": "divider"}] if below else []), *below]
    return {"type": "home", "blocks": blocks[:MOST_BLOCKS], "private_metadata": channel}


def prompts(language: str) -> list[dict[str, str]]:
    """Return the prompts: what one reads, and what one then says."""
    return [
        {"title": say(f"slack.prompt_{name}_title", language), "message": say(f"slack.prompt_{name}", language)}
        for name in PROMPTS
    ]
