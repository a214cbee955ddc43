"""Forgetting: what Slack no longer has goes here too, by its events and once a night by asking."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.memberships import Memberships
from bot.memory import ThreadMemory
from bot.slack.errors import SLACK_ERRORS, code
from bot.slack.quotes import Quotes
from handlers.request import Request
from indexing.audience import Audience
from indexing.document import Document, Share
from indexing.library import Library

logger = structlog.get_logger()

CHANNEL_GONE = frozenset({
    "channel_left", "group_left", "channel_archive", "group_archive", "channel_deleted", "group_deleted",
})  # fmt: skip
FILE_MOVED = frozenset({"file_unshared", "file_change"})
FILE_GONE_ERRORS = frozenset({"file_not_found", "file_deleted"})
CHANNEL_GONE_ERRORS = frozenset({"channel_not_found", "not_in_channel"})
NIGHT = 3  # o'clock, UTC: the hour of the reconciliation
PAUSE_SECONDS = 0.7  # files.info and conversations.info allow about 100 calls a minute


@dataclass(kw_only=True)
class Reconciler:
    """Keeps the library, the memory and the quotes in line with Slack."""

    client: AsyncWebClient
    redis: Redis
    library: Library
    memory: ThreadMemory
    quotes: Quotes
    audiences: Memberships
    retention_days: int = 0
    _bot: str = ""

    async def handle(self, request: Request) -> None:
        """Do what one of Slack's events asks for; its type is the request's target."""
        event = request.target
        if event in CHANNEL_GONE or (event == "member_left_channel" and request.user == await self._bot_id()):
            await self._forget_channel(request.channel)
        elif event == "file_deleted":
            await self._forget_shares(lambda share: share.file_id in request.files)
        elif event in FILE_MOVED:
            for file_id in request.files:
                await self._compare_file(file_id)
        elif event == "message_deleted":
            await self._forget_message(request)
        elif event == "user_change":
            await self._compare_person(request.user)
        if request.channel:
            await self.audiences.invalidate(request.channel)
        if request.user:
            await self.audiences.invalidate(request.user)

    async def run(self) -> None:
        """Reconcile every night, in one of the processes; runs until cancelled."""
        while True:
            await asyncio.sleep(seconds_until_night(datetime.now(UTC)))
            night = datetime.now(UTC).date().isoformat()
            try:
                if await self.redis.set(f"upkeep:{night}", "1", nx=True, ex=26 * 3600):
                    await self.reconcile()
            except Exception as error:  # a bad night is no reason to stop answering; the next one catches up
                logger.error("not reconciled", exc_info=error)

    async def reconcile(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Compare all that is kept with Slack, for events that never came; forget what is older than the retention."""
        shares = await self.library.shares()
        for file_id in sorted({share.file_id for share in shares}):
            await self._unless_slack_is_away(self._compare_file(file_id))
            await asyncio.sleep(pause_seconds)
        for channel in sorted({share.channel for share in shares} | await self.memory.channels()):
            await self._unless_slack_is_away(self._compare_channel(channel))
            await asyncio.sleep(pause_seconds)
        for user in sorted({share.user for share in shares} | await self.memory.people()):
            await self._unless_slack_is_away(self._compare_person(user))
            await asyncio.sleep(pause_seconds)
        if self.retention_days:
            await self.library.forget_older_than(self.retention_days * 86400)
        await self.tidy()
        logger.info("reconciled", shares_before=len(shares), shares_after=len(await self.library.shares()))

    async def places(self) -> dict[str, frozenset[str]]:
        """Return where each document is shared."""
        documents = await self._documents()
        return {document.id: frozenset(share.channel for share in document.shares) for document in documents}

    async def tidy(self, before: Mapping[str, frozenset[str]] | None = None) -> None:
        """Withdraw the quotes and the memory of documents that are gone, whichever way they went.

        With the places of before also those of documents that are gone from some of their places.
        """
        there = await self.places()
        for document_id, channels in (before or {}).items():
            for channel in channels - there.get(document_id, frozenset()):
                await self._forget_quotes(document_id, channel)
        for document_id in await self.memory.documents() - there.keys():
            await self.memory.forget_document(document_id)
        for document_id in set(await self.quotes.documents()) - there.keys():
            await self.quotes.withdraw(document_id)

    async def _compare_file(self, file_id: str) -> None:
        """Forget a file where Slack does not show it any more; conversations without the bot are not listed."""
        try:
            found = (await self.client.files_info(file=file_id))["file"]
        except SlackApiError as error:
            if code(error) not in FILE_GONE_ERRORS:
                raise
            found = {}
        shown = {channel for kind in ("channels", "groups", "ims") for channel in found.get(kind, ())}
        await self._forget_shares(lambda share: share.file_id == file_id and share.channel not in shown)

    async def _compare_channel(self, channel: str) -> None:
        try:
            found = (await self.client.conversations_info(channel=channel))["channel"]
        except SlackApiError as error:
            if code(error) not in CHANNEL_GONE_ERRORS:
                raise
            found = {"is_archived": True}
        if found.get("is_archived") or not (found.get("is_im") or found.get("is_member")):
            await self._forget_channel(channel)

    async def _compare_person(self, user: str) -> None:
        """Forget what somebody said, and what was shared with the bot alone, once the account is closed."""
        if not (await self.client.users_info(user=user))["user"].get("deleted"):
            return
        await self.memory.forget_person(user)
        await self._forget_shares(lambda share: share.user == user and share.channel.startswith("D"))

    async def _unless_slack_is_away(self, comparing: Awaitable[None]) -> None:
        """Leave for the next night what Slack does not tell now."""
        try:
            await comparing
        except SLACK_ERRORS as error:
            logger.warning("not compared", reason=code(error) or type(error).__name__)

    async def _forget_channel(self, channel: str) -> None:
        await self._forget_shares(lambda share: share.channel == channel)
        await self.memory.forget_channel(channel)

    async def _forget_message(self, request: Request) -> None:
        await self._forget_shares(lambda share: (share.channel, share.ts) == (request.channel, request.ts))
        conversation = f"{request.team}:{request.channel}:{request.thread or request.ts}"
        await self.memory.forget_turn(conversation, f"{request.team}:{request.channel}:{request.ts}")

    async def _forget_shares(self, gone: Callable[[Share], bool]) -> None:
        """Remove shares, and what was quoted of them where they were."""
        for document in await self._documents():
            going = [share for share in document.shares if gone(share)]
            for channel in {share.channel for share in going} - {s.channel for s in document.shares if not gone(s)}:
                await self._forget_quotes(document.id, channel)
            for share in going:
                await self.library.unshare(
                    document_id=document.id, file_id=share.file_id, channel=share.channel, ts=share.ts
                )
        await self.tidy()

    async def _forget_quotes(self, document_id: str, channel: str) -> None:
        await self.quotes.withdraw(document_id, channel)
        await self.memory.forget_document(document_id, channel)

    async def _documents(self) -> list[Document]:
        """Return all documents with all their shares."""
        everywhere = Audience(frozenset(share.channel for share in await self.library.shares()))
        return await self.library.documents(everywhere)

    async def _bot_id(self) -> str:
        self._bot = self._bot or str((await self.client.auth_test())["user_id"])
        return self._bot


def seconds_until_night(now: datetime) -> float:
    """Return how long it is until the next hour of reconciliation."""
    night = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return ((night if night > now else night + timedelta(days=1)) - now).total_seconds()
