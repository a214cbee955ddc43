"""What was posted for a request, in Redis: so that doing it again rewrites the same messages and posts none twice."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import code
from handlers.request import Request

LEDGER_SECONDS = 30 * 86400  # an edited question is answered in the same message that long
EVENT_TYPE = "folio_answer"
LOOK_PAGES = 10

Message = dict[str, Any]


@dataclass
class PostedMessage:
    """The messages of one answer: a ts each, or "" where one was about to be posted."""

    edition: str = ""  # of the question that was answered
    done: bool = False
    messages: list[str] = field(default_factory=list)
    file_ids: list[str] = field(default_factory=list)  # of all files that were handed over, of earlier tries too
    files: list[str] = field(default_factory=list)  # names of those handed over; a name alone was about to be


class PostedMessages:
    """The record of one request, written before and after each post."""

    def __init__(self, redis: Redis, request: Request) -> None:
        self._redis = redis
        self._request = request
        self.record = PostedMessage()

    async def open(self) -> PostedMessage:
        """Read what is known, and begin this edition of the question."""
        if raw := await self._redis.get(f"answer:{self._request.id}"):
            self.record = PostedMessage(**json.loads(raw))
        now = edition(self._request)
        if self.record.edition != now:
            self.record.edition, self.record.done, self.record.files = now, False, []
        return self.record

    async def save(self) -> None:
        """Write it down."""
        kept = json.dumps(asdict(self.record))
        await self._redis.set(f"answer:{self._request.id}", kept, ex=LEDGER_SECONDS)

    async def intend(self, number: int) -> None:
        """Note that message `number` is about to be posted."""
        if len(self.record.messages) <= number:
            self.record.messages.append("")
            await self.save()

    async def posted(self, number: int, ts: str) -> None:
        """Note that it was."""
        self.record.messages[number] = ts
        await self.save()

    async def lost(self, number: int) -> None:
        """Note that somebody deleted the message: another takes its place."""
        self.record.messages[number] = ""
        await self.save()

    async def finish(self) -> None:
        """Note that the whole answer stands."""
        self.record.done = True
        await self.save()


def edition(request: Request) -> str:
    """Return what differs when a question was edited, without keeping its words."""
    about = (request.document, request.message_ts, request.confirmed)
    words = json.dumps([request.action, request.text, request.files, about])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def metadata(request: Request, number: int) -> dict[str, Any]:
    """Return the mark by which a message is known as part of a request's answer."""
    return {"event_type": EVENT_TYPE, "event_payload": {"request": request.id, "part": number}}


def is_marked(message: Message, request: Request, number: int) -> bool:
    """Tell whether a message carries the mark."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return payload.get("request") == request.id and payload.get("part") == number


def is_stray(message: Message, bot: str) -> bool:
    """Tell whether this is a message of ours that lost its writer: only finished ones carry a mark.

    A stream gets its mark when it is stopped, so one that was started just before a kill has none. The work of a
    thread is done in order: there is at most one such, and it belongs to the request that is at it.
    """
    own = message.get("user") == bot
    return own and not (message.get("metadata") or {}).get("event_payload") and not message.get("files")


async def thread_messages(client: AsyncWebClient, channel: str, thread: str) -> list[Message]:
    """Return a thread's messages with their marks, oldest first; empty if it is gone."""
    messages: list[Message] = []
    cursor = None
    for _ in range(LOOK_PAGES):
        try:
            page = await client.conversations_replies(
                channel=channel, ts=thread, cursor=cursor, limit=200, include_all_metadata=True
            )
        except SlackApiError as error:
            if code(error) in {"thread_not_found", "channel_not_found", "not_in_channel"}:
                return messages
            raise
        messages += page["messages"]
        if not (cursor := (page.get("response_metadata") or {}).get("next_cursor")):
            break
    return messages


async def adopt(client: AsyncWebClient, request: Request, number: int, known: list[str]) -> str:
    """Find the message that a killed process posted without noting its ts; return "" if there is none."""
    bot = str((await client.auth_test())["user_id"])
    messages = await thread_messages(client, request.channel, request.thread)
    replies = [message for message in messages if message["ts"] not in known and message["ts"] != request.thread]
    for message in replies:
        if is_marked(message, request, number):
            return str(message["ts"])
    later = [message for message in replies if message["ts"] > (request.ts or request.thread)]
    strays = [message for message in later if is_stray(message, bot)]
    return str(strays[-1]["ts"]) if strays else ""
