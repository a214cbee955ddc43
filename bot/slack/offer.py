"""The documents that were in a channel before we came: offered once, read when somebody says so."""

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import row_blocks
from bot.slack.markdown import mrkdwn
from handlers.pieces import Choice, Choices
from handlers.request import Files
from handlers.text.messages import say

OFFERED_SECONDS = 86_400  # Slack may tell twice that we came


async def offer_documents(client: AsyncWebClient, redis: Redis, files: Files, channel: str, language: str) -> None:
    """Say in a channel that we came to (again) how many documents are there, with a button to have them read."""
    documents = await files.shared_in(channel)
    if not documents or not await redis.set(f"offered:{channel}", "1", nx=True, ex=OFFERED_SECONDS):
        return
    key = "read_here.offer_one" if len(documents) == 1 else "read_here.offer"
    text = say(key, language, count=len(documents), name=documents[0].name)
    row = Choices(text, (Choice(say("read_here.button", language), "read_here"),))
    await client.chat_postMessage(
        channel=channel, text=mrkdwn(text), blocks=row_blocks([row], language), unfurl_links=False, unfurl_media=False
    )
