"""The thread that a command is answered in: the question, posted as a message of the bot."""

from dataclasses import replace
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_ERRORS, code, is_restricted, is_uncertain
from bot.slack.markdown import escape
from bot.slack.posted import LEDGER_SECONDS, is_marked, metadata
from handlers.request import Request
from handlers.text.messages import say

ROOT = -1  # the part number of the question itself
PRIVATELY = {"channel_not_found", "not_in_channel", "is_archived"}
NEEDS_NO_WORDS = frozenset({"summarize"})  # the last document is meant
LONGEST_QUESTION = 2_500  # characters; a section block holds 3,000, escapes and name included


async def open_thread(client: AsyncWebClient, redis: Redis, request: Request) -> Request:
    """Post `@alice asks: …` once and return the request with its thread.

    Where the bot may not post the request comes back as it was: it is answered privately.
    """
    if request.thread or request.is_pressed or not (request.text or request.action in NEEDS_NO_WORDS):
        return request  # in a thread already, pressed on another's message, or nothing worth a place in the channel
    key = f"root:{request.id}"
    answers: Any = redis  # its types say bytes-or-str for what decode_responses makes str
    known: str | None = await answers.get(key)
    if known is None:
        await redis.set(key, "", ex=LEDGER_SECONDS)
    try:
        ts = known or (await _find(client, request) if known == "" else "") or await _post(client, request)
    except SlackApiError as error:
        if code(error) in PRIVATELY or is_restricted(error):
            return request
        raise
    await redis.set(key, ts, ex=LEDGER_SECONDS)
    return replace(request, thread=ts)


async def _post(client: AsyncWebClient, request: Request) -> str:
    """Post the root; if it is not known whether it stands, look before anyone tries again."""
    text = root_text(request)
    try:
        posted = await client.chat_postMessage(
            channel=request.channel,
            text=text,
            blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": text[:3000], "verbatim": True}}],
            metadata=metadata(request, ROOT),
            unfurl_links=False,
            unfurl_media=False,
        )
    except SLACK_ERRORS as error:
        if is_uncertain(error) and (ts := await _find(client, request)):
            return ts
        raise
    return str(posted["ts"])


async def _find(client: AsyncWebClient, request: Request) -> str:
    """Find the root that a killed process posted without noting its ts."""
    history = await client.conversations_history(channel=request.channel, limit=200, include_all_metadata=True)
    return next((str(message["ts"]) for message in history["messages"] if is_marked(message, request, ROOT)), "")


def root_text(request: Request) -> str:
    """Return the root's words: who asks, which the bot may mention, and what, in which nothing is live."""
    verb = "summarize" if request.action == "recap" else request.action.replace("_", "-")
    command = "" if verb == "ask" else f"/{verb} "
    question = (command + request.text).strip()
    cut = question if len(question) <= LONGEST_QUESTION else question[:LONGEST_QUESTION] + "…"
    quoted = "\n".join(f"> {line}" for line in escape(cut).splitlines() or [""])
    return f"<@{request.user}> *{say('slack.asks', request.language)}:*\n{quoted}"
