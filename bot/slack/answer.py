"""Slack out: shows the pieces of an answer in the thread, once, whatever happens on the way."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from enum import Enum, auto

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import (
    MOST_BLOCKS,
    Block,
    feedback_block,
    message_blocks,
    message_lines,
    page_blocks,
    row_blocks,
    source_blocks,
    source_lines,
)
from bot.slack.errors import SLACK_ERRORS
from bot.slack.markdown import SafeStream, safe
from bot.slack.post import Post
from bot.slack.posted import PostedMessages
from bot.slack.private import PrivateAnswer
from bot.slack.quotes import Quotes, SharesOf, in_its_own_conversation
from bot.slack.rate_limits import RateLimits
from bot.slack.status import Status
from bot.slack.uploads import Uploads
from handlers.pieces import (
    Attachment,
    Choices,
    MessageSource,
    MessageSources,
    Picture,
    Piece,
    Pieces,
    Progress,
    Source,
    Sources,
    Text,
)
from handlers.request import Request
from handlers.text.messages import say

PROGRESS_AFTER_SECONDS = 3.0  # quicker work needs no bar


class _Mark(Enum):
    """What comes between the pieces."""

    PROGRESS = auto()  # something was reported
    END = auto()  # the handler has nothing more to say


class Answer:
    """One request's answer; the same messages are taken up when the request is done again."""

    def __init__(
        self, client: AsyncWebClient, redis: Redis, request: Request, shares_of: SharesOf = in_its_own_conversation
    ) -> None:
        """Make an answer; `shares_of` tells which shares allow what it shows, none for what was taken away."""
        self._client, self._request = client, request
        self._ledger = PostedMessages(redis, request)
        self._pace = RateLimits(redis, request.team)
        self._quotes, self._shares_of = Quotes(client, redis), shares_of
        self._uploads = Uploads(client, self._ledger, request)
        self._status = Status(client, request.channel, "" if request.unasked else request.thread)
        self._private = (
            None if request.thread else PrivateAnswer(client, self._ledger, request, self._quotes, shares_of)
        )
        self._safe = SafeStream()
        self._post: Post | None = None
        self._sources: list[Source] = []
        self._messages: list[MessageSource] = []
        self._rows: list[Choices] = []
        self._is_failed = False  # it ends with a sentence of our own
        self._is_cut = False  # a file stands below the last message
        self._began_at = time.monotonic()
        self._coming: asyncio.Queue[Piece | _Mark] = asyncio.Queue()
        self._reported: Progress | None = None  # the last that is not shown yet

    @property
    def documents(self) -> frozenset[str]:
        """Return the documents of the sources that were shown."""
        return frozenset(source.passage.document_id for source in self._sources)

    def report(self, progress: Progress) -> None:
        """Show what is going on as soon as Slack is free; only the last of several reports is."""
        if self._reported is None:
            self._coming.put_nowait(_Mark.PROGRESS)
        self._reported = progress

    async def show(self, pieces: Pieces) -> None:
        """Show the pieces as they come; return when the whole answer stands."""
        record = await self._ledger.open()
        if record.done:
            return
        if self._private:
            await self._private.show(pieces)
            return
        self._status.assume(say("slack.thinking", self._request.language))
        try:
            async with self._side_by_side(pieces):
                await self._show()
            await self._finish()
        finally:
            await self._status.clear()

    async def note(self, text: str) -> None:
        """Say in the status line what is going on."""
        self._status.want(safe(text))
        if self._request.thread:
            await self._status.send()

    async def fail(self, text: str) -> None:
        """End the answer with this sentence, below what stands already."""
        if not self._ledger.record.edition:
            await self._ledger.open()
        if self._ledger.record.done:
            return
        if self._private:
            await self._private.fail(text)
            return
        try:
            await self._end_with(text)
        finally:
            await self._status.clear()

    async def _end_with(self, text: str) -> None:
        if self._post is None and await self._end_earlier_stream(text):
            return
        self._sources, self._messages, self._rows, self._is_failed = [], [], [], True
        self._append(self._safe.rest())
        post = await self._current()
        self._append(("\n\n" if post.text.strip() else "") + safe(text))
        await self._finish()

    async def _end_earlier_stream(self, text: str) -> bool:
        """End the stream of an earlier try with a sentence, so that what it said stays; tell whether there was one."""
        messages = self._ledger.record.messages
        if not messages:
            return False
        post = Post(self._client, self._ledger, self._pace, self._request, len(messages) - 1)
        if not await post.end_with(safe(text)):
            return False
        await self._ledger.finish()
        return True

    # Taking pieces.

    async def _show(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._due_seconds()):
                    piece = await self._coming.get()
            except TimeoutError:
                await self._tick()
                continue
            if piece is _Mark.END:
                return
            if piece is _Mark.PROGRESS:
                await self._progress()
            else:
                await self._take(piece)
            if self._due_seconds() == 0:
                await self._tick()

    def _due_seconds(self) -> float | None:
        dues = [
            self._status.due_seconds() if self._is_silent else None,
            self._post.due_seconds() if self._post else None,
        ]
        return min((due for due in dues if due is not None), default=None)

    @property
    def _is_silent(self) -> bool:
        """Tell whether the thread shows nothing of this answer yet: then the status line is what people see."""
        return self._post is None or self._post.mode == "new"

    async def _tick(self) -> None:
        if self._is_silent and self._status.due_seconds() == 0:
            await self._status.send()
        if self._post and self._post.is_expiring:
            await self._renew()
        if self._post and self._post.due_seconds() == 0:
            await self._post.flush()

    async def _take(self, piece: Piece) -> None:
        match piece:
            case Text(markdown):
                await self._go_on()
                self._append(self._safe.add(markdown))
                await self._roll_over()
            case Sources(sources):
                self._sources += sources
            case MessageSources(messages):
                self._messages += messages
            case Choices():
                self._rows.append(piece)
            case Picture(name, png, description):
                await self._hand_over(name, png, description)
            case Attachment(name, data):
                await self._hand_over(name, data)

    async def _hand_over(self, name: str, data: bytes, description: str = "") -> None:
        """Upload a file below what was said so far."""
        self._append(self._safe.rest())
        if self._post and self._post.text:
            await self._post.flush()
            self._is_cut = True
        await self._uploads.hand_over(name, data, description)

    async def _go_on(self) -> None:
        """Say the next below the file that was handed over."""
        post = await self._current()
        if self._is_cut:
            self._is_cut = False
            await post.finish()
            self._post = await self._open(post.number + 1)

    async def _progress(self) -> None:
        progress, self._reported = self._reported, None
        if progress is None:
            return
        self._status.want(safe(progress.text))
        if not progress.total or time.monotonic() - self._began_at < PROGRESS_AFTER_SECONDS:
            return
        post = await self._current()
        if not post.text:
            post.progress = safe(progress.text)

    async def _current(self) -> Post:
        if self._post is None:
            self._post = await self._open(0)
        return self._post

    async def _open(self, number: int) -> Post:
        post = Post(self._client, self._ledger, self._pace, self._request, number)
        await post.find()
        return post

    def _append(self, text: str) -> None:
        if text and self._post:
            self._post.add(text)

    async def _roll_over(self) -> None:
        """Go on in a new message when this one is full."""
        post = await self._current()
        while rest := post.overflow():
            await post.finish()
            post = self._post = await self._open(post.number + 1)
            post.add(rest.lstrip("\n"))

    async def _renew(self) -> None:
        """Go on in a new message, or in this one if it has no text yet, before Slack ends the stream."""
        post = await self._current()
        if not post.text:
            await post.to_update()
            return
        rest = post.unsent()
        await post.finish()
        self._post = await self._open(post.number + 1)
        self._append(rest)

    # The end.

    async def _finish(self) -> None:
        self._append(self._safe.rest())
        if self._post is None and not (self._sources or self._messages or self._rows):
            await self._nothing_to_say()
            return
        await self._current()
        await self._roll_over()
        post = await self._current()
        streamed = post.mode == "stream"
        below, pages = self._below(streamed), self._pages()
        if post.ts:
            await self._record_quotes()
        await post.finish(below=below, blocks=pages[0])
        for page in pages[1:]:
            post = await self._open(post.number + 1)
            await post.finish(blocks=page)
        await self._close(post.number + 1)

    async def _nothing_to_say(self) -> None:
        """Nothing is said, or only files were handed over: take earlier messages away."""
        await self._close(0)

    async def _close(self, count: int) -> None:
        await self._record_quotes()
        await self._delete_surplus(count)
        await self._withdraw_what_went()
        await self._ledger.finish()

    async def _record_quotes(self) -> None:
        documents = {source.passage.document_id for source in self._sources}
        shares = await self._shares_of(documents, self._request)
        noted = dict.fromkeys(documents, frozenset[str]()) | dict(shares)
        for ts in filter(None, self._ledger.record.messages):
            await self._quotes.record(noted, self._request.channel, ts, self._request.language)
        for file_id in self._ledger.record.file_ids:
            await self._quotes.record_file(noted, file_id)

    async def _withdraw_what_went(self) -> None:
        """Take back what shows a document that was taken away while it was written: no event finds it any more."""
        documents = {source.passage.document_id for source in self._sources}
        for document_id in documents - (await self._shares_of(documents, self._request)).keys():
            await self._quotes.withdraw(document_id)

    def _below(self, streamed: bool) -> list[str]:
        """Return what `text` says besides the answer; rows of a streamed message are in its blocks alone."""
        rows = [] if streamed else [row.markdown for row in self._rows]
        return [*rows, source_lines(self._sources, self._request.language), message_lines(self._messages)]

    def _pages(self) -> list[list[Block]]:
        """Return the blocks below the text, as many as a message holds on each page."""
        language = self._request.language
        blocks = row_blocks(self._rows, language) + source_blocks(self._sources)
        blocks += message_blocks(self._messages)
        if self._request.action != "show_page":
            blocks += page_blocks(self._sources, language)
        if self._sources or (self._request.action == "ask" and not self._is_failed):  # a refusal may be wrong, too
            blocks.append(feedback_block(self._request.id, language))
        return [blocks[at : at + MOST_BLOCKS] for at in range(0, len(blocks), MOST_BLOCKS)] or [[]]

    async def _delete_surplus(self, count: int) -> None:
        """Take away messages of an earlier, longer try."""
        surplus = self._ledger.record.messages[count:]
        for ts in filter(None, surplus):
            with contextlib.suppress(*SLACK_ERRORS):
                await self._client.chat_delete(channel=self._request.channel, ts=ts)
        del self._ledger.record.messages[count:]

    @contextlib.asynccontextmanager
    async def _side_by_side(self, pieces: Pieces) -> AsyncIterator[None]:
        """Run the handler in a task of its own, so that it goes on while Slack is waited for.

        What it raises is raised here, after the pieces before it were taken.
        """

        async def run() -> None:
            try:
                async with contextlib.aclosing(pieces):
                    async for piece in pieces:
                        self._coming.put_nowait(piece)
            finally:
                self._coming.put_nowait(_Mark.END)

        task = asyncio.create_task(run())
        try:
            yield
            await task
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: what broke off the showing is what counts
