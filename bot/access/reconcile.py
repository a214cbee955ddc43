"""Forgetting: what Slack no longer has goes here too, by its events and once a night by asking."""

import asyncio
import math
import time
from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.gone import Gone
from bot.audit import Audit
from bot.figures import RedisFigures
from bot.memory import ThreadMemory
from bot.open_questions import RedisOpenQuestions
from bot.queue.worker import TryAgain
from bot.slack.changes import CHANNEL_GONE, SlackChange
from bot.slack.errors import SLACK_ERRORS, code
from bot.slack.quotes import Quotes
from bot.slack.talks import Talks
from indexing.audience import Audience
from indexing.document import IMPORTED, Document, Share
from indexing.library import Library
from indexing.stored import SLICES

logger = structlog.get_logger()

FILE_GONE_ERRORS = frozenset({"file_not_found", "file_deleted"})
CHANNEL_GONE_ERRORS = frozenset({"channel_not_found", "not_in_channel"})
NIGHT = 3  # o'clock, UTC: the hour of the reconciliation
UNSURE_SECONDS = 60  # so long after an upload Slack may not list yet where a file is
NIGHT_SECONDS = 6 * 3600  # of comparing files: 30,000 of them at the pace below
NEXT_SLICE = "upkeep-slice"  # of the documents: with which the next night begins
NEXT_SLICE_SECONDS = 30 * 86400
PAUSE_SECONDS = 0.7  # files.info and conversations.info allow about 100 calls a minute


@dataclass(kw_only=True)
class Reconciler:
    """Keeps the library, the memory and the quotes in line with Slack."""

    client: AsyncWebClient
    redis: Redis
    library: Library
    memory: ThreadMemory
    quotes: Quotes
    team: str = ""
    retention_days: int = 0
    audit: Audit = field(default_factory=Audit)

    async def handle(self, change: SlackChange) -> None:
        """Let go of what a change in Slack took away, or follow where it went."""
        if change.kind in CHANNEL_GONE:
            await self._forget_channel(change.channel, until=change.at or math.inf)
        elif change.kind == "file_deleted":
            for file_id in change.files:
                await self._unshare(file_id=file_id)
        elif change.kind == "file_unshared":
            await self._follow_unshared(change)
        elif change.kind == "message_deleted":
            await self._forget_message(change)
        elif change.kind == "channel_id_changed":
            await self._rename_channel(change)
        elif change.kind == "user_left":
            await self._forget_person(change.user)

    @property
    def _questions(self) -> RedisOpenQuestions:
        return RedisOpenQuestions(self.redis, self.team)

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
        """Compare with Slack what is kept, for events that never came; forget what is older than the retention.

        The documents are compared slice by slice; where a night ends, the next one begins.
        """
        began = time.time()
        documents = await self._compare_documents(began, pause_seconds)
        for channel in sorted({*await self.library.channels(), *await self.memory.channels()}):
            await self._unless_slack_is_away(self._compare_channel(channel))
            await asyncio.sleep(pause_seconds)
        for user in sorted({*await self.library.people(), *await self.memory.people()} - {""}):
            await self._unless_slack_is_away(self._compare_person(user))
            await asyncio.sleep(pause_seconds)
        if self.retention_days:
            await self.library.forget_older_than(self.retention_days * 86400)
        await self.tidy()
        await self._clean_disks()
        await RedisFigures(self.redis, self.team).night(documents, time.time() - began)
        logger.info("reconciled", documents=documents, seconds=round(time.time() - began))

    async def _compare_documents(self, began: float, pause_seconds: float) -> int:
        """Compare one slice of the documents after the other, until all are done or the night is over."""
        count = 0
        first = int(await self.redis.get(NEXT_SLICE) or 0)
        for number in range(first, first + SLICES):
            if time.time() - began > NIGHT_SECONDS:
                break
            documents = await self.library.documents_of_slice(number % SLICES)
            for document in documents:
                await self._compare_document(document, pause_seconds)
            await self.redis.set(NEXT_SLICE, (number + 1) % SLICES, ex=NEXT_SLICE_SECONDS)
            count += len(documents)
        return count

    async def _compare_document(self, document: Document, pause_seconds: float) -> None:
        for file_id in sorted({share.file_id for share in document.shares if not share.file_id.startswith(IMPORTED)}):
            await self._unless_slack_is_away(self._compare_file(file_id))
            await asyncio.sleep(pause_seconds)
        await self.library.checked([document.id])

    async def _clean_disks(self) -> None:
        """Let no forgotten word stay in the files of the index and of Redis."""
        await self.library.sweep()
        await self.library.compact()
        try:
            await self.redis.bgrewriteaof()
        except RedisError as error:  # some hosts do not allow it, or it is under way
            logger.warning("append-only file not rewritten", reason=type(error).__name__)

    async def tidy(self) -> None:
        """Settle everything of which something is shown or remembered."""
        await self.settle([*await self.quotes.documents(), *await self.memory.documents()])

    async def settle(self, document_ids: Iterable[str], going: Mapping[str, Collection[str]] | None = None) -> None:
        """Take back what is shown and remembered of documents and no share that allowed it is left; harmless twice.

        Where a document's shares in some conversations are about to go, they count as gone.
        """
        for document_id in sorted(set(document_ids)):
            allowed = await self.quotes.allowed(document_id) | await self.memory.allowed(document_id)
            document = await self.library.document(document_id, readable_by=Audience(allowed))
            visible = {share.channel for share in document.shares} if document else set()
            visible -= set((going or {}).get(document_id, ()))
            await self.quotes.withdraw(document_id, visible)
            await self.memory.forget_document(document_id, visible)

    async def _follow_unshared(self, change: SlackChange) -> None:
        """Forget files in the channel that they left; where Slack names none, wherever it does not show them."""
        for file_id in change.files:
            if change.ts:  # it was taken out of a message
                await self._unshare(file_id=file_id, channel=change.channel, ts=change.ts)
            else:
                await self._compare_file(file_id, change)

    async def _compare_file(self, file_id: str, change: SlackChange | None = None) -> None:
        """Forget a file where Slack does not show it any more, or in one channel if that is all that changed."""
        shown = await self._shown_in(file_id)
        if change and change.channel in shown:
            await Gone(self.redis).clear(change)
        elif change and not shown and (age := time.time() - change.at) < UNSURE_SECONDS:
            raise TryAgain("shares are not listed", after_seconds=UNSURE_SECONDS - age)
        for channel in sorted(await self._channels(file_id=file_id) - shown):
            if not change or change.channel in {"", channel}:
                await self._unshare(file_id=file_id, channel=channel)

    async def _channels(self, **which: str) -> set[str]:
        """Return where the shares are that match."""
        removals = await self.library.would_go(until=math.inf, **which)
        return {share.channel for removal in removals for share in removal.shares}

    async def _shown_in(self, file_id: str) -> set[str]:
        """Ask Slack where a file is; conversations without the bot are not listed."""
        try:
            file = (await self.client.files_info(file=file_id))["file"]
        except SlackApiError as error:
            if code(error) not in FILE_GONE_ERRORS:
                raise
            return set()
        return {channel for kind in ("channels", "groups", "ims") for channel in file.get(kind, ())}

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
        if (await self.client.users_info(user=user))["user"].get("deleted"):
            await self._forget_person(user)

    async def _forget_person(self, user: str) -> None:
        """Forget what somebody said, and what was shared with the bot alone: the account was closed."""
        await self.memory.forget_person(user)
        await self._questions.forget_person(user)
        for channel in sorted(await self._channels(user=user)):
            if channel.startswith("D"):
                await self._unshare(user=user, channel=channel)

    async def _unless_slack_is_away(self, comparing: Awaitable[None]) -> None:
        """Leave for the next night what Slack does not tell now."""
        try:
            await comparing
        except SLACK_ERRORS as error:
            logger.warning("not compared", reason=code(error) or type(error).__name__)

    async def _forget_channel(self, channel: str, *, until: float = math.inf) -> None:
        """Forget a conversation that was left; what was shared in it later, because the bot is back, stays."""
        await self._unshare(until, channel=channel)
        await self.memory.forget_channel(channel)
        await self._questions.forget_channel(channel)

    async def _rename_channel(self, change: SlackChange) -> None:
        await self.library.move_channel(change.channel, change.new_channel)
        await self.memory.move_channel(change.channel, change.new_channel)
        await self.quotes.move_channel(change.channel, change.new_channel)
        await self._questions.move_channel(change.channel, change.new_channel)
        await Talks(self.redis).move_channel(change.team, change.channel, change.new_channel)

    async def _forget_message(self, change: SlackChange) -> None:
        await self._unshare(channel=change.channel, ts=change.ts)
        await self.memory.forget_turn(change.conversation, change.request_id)
        await self._questions.drop(change.channel, change.request_id)

    async def take_away(self, share: Share) -> None:
        """Remove a file that is gone from its folder, and what was said from it."""
        await self._unshare(file_id=share.file_id, channel=share.channel)

    async def _unshare(self, until: float = math.inf, **which: str) -> None:
        """Remove shares, and before them what they alone allowed: a kill in between leaves nothing behind.

        Afterwards once more: an answer may have been shown meanwhile.
        """
        removals = await self.library.would_go(until=until, **which)
        ids = [removal.document_id for removal in removals]
        await self.settle(ids, going={removal.document_id: removal.channels for removal in removals})
        for removal in await self.library.unshare(until=until, **which):
            self.audit.write("removed", document=removal.document_id, channels=sorted(removal.channels), by="slack")
        await self.settle(ids)


def seconds_until_night(now: datetime) -> float:
    """Return how long it is until the next hour of reconciliation."""
    night = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return ((night if night > now else night + timedelta(days=1)) - now).total_seconds()
