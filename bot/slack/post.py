"""One message of an answer: streamed while that works, else rewritten as a whole."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import posted
from bot.slack.blocks import LONGEST_TEXT, Block, markdown_block, plain_text
from bot.slack.errors import SLACK_ERRORS, code, is_uncertain
from bot.slack.markdown import closing, open_fence, split
from bot.slack.posted import PostedMessages
from bot.slack.rate_limits import APPENDS, STARTS, UPDATES, RateLimits
from handlers.request import Request

STREAM_BYTES = 9_000  # Slack breaks off streamed messages between 10,600 and 12,000
UPDATE_BYTES = 3_000  # what is rewritten also stands in `text`, of which 4,000 are allowed, with its sources
STREAM_SECONDS = 240  # Slack ends a stream after five minutes, even one that is written to
UPDATE_SECONDS = 3.0  # Slack's advice for updates of one message
FLUSH_SECONDS = 0.6
FIRST_FLUSH_SECONDS = 0.25  # an answer that is complete by then is posted at once
GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
KEPT = {"markdown", "rich_text", "section", "header", "divider", "context", "table"}  # blocks of a stopped answer
NOT_OURS = {"channel_not_found", "not_in_channel", "is_archived"}

Mode = Literal["new", "stream", "update"]


@dataclass
class Post:
    """A message with what it shall say, and how much of that Slack has."""

    client: AsyncWebClient
    ledger: PostedMessages
    pace: RateLimits
    request: Request
    number: int
    text: str = ""  # all of it, safe markdown
    ts: str = ""
    mode: Mode = "new"
    progress: str = ""
    _sent: str = ""
    _shown_progress: str = ""
    _started_at: float = 0
    _due_at: float = field(default_factory=lambda: time.monotonic() + FIRST_FLUSH_SECONDS)

    async def find(self) -> None:
        """Take up the message that an earlier try left behind, if there is one; it is no stream any more."""
        messages = self.ledger.record.messages
        if len(messages) <= self.number:
            return
        known = messages[self.number]
        self.ts = known or await posted.adopt(self.client, self.request, self.number, messages)
        if self.ts:
            await self._end_stream()
            await self.ledger.posted(self.number, self.ts)

    async def end_with(self, sentence: str) -> bool:
        """End a message that an earlier try left, below what it says, with a sentence; tell whether there was one."""
        self.ts = self.ledger.record.messages[self.number]
        if not self.ts:
            return False
        try:
            await self.client.chat_stopStream(
                channel=self.request.channel,
                ts=self.ts,
                chunks=[{"type": "markdown_text", "text": f"\n\n{sentence}"}],
                metadata=posted.metadata(self.request, self.number),
            )
        except SLACK_ERRORS:
            return await self._add_below(sentence)
        return True

    async def _add_below(self, sentence: str) -> bool:
        """Add a sentence to a message that is no stream any more: a person pressed Stop. What stands is kept."""
        try:
            messages = await posted.thread_messages(self.client, self.request.channel, self.request.thread)
            standing = next((message for message in messages if message["ts"] == self.ts), None)
            if standing is None:
                return False
            text = str(standing.get("text") or "")
            blocks = [kept(block) for block in standing.get("blocks") or () if block.get("type") in KEPT]
            await self.client.chat_update(
                channel=self.request.channel,
                ts=self.ts,
                text=plain_text(f"{text}\n\n{sentence}"),
                blocks=[*(blocks or markdown_block(text)), *markdown_block(sentence)],
                metadata=posted.metadata(self.request, self.number),
            )
        except SLACK_ERRORS as error:
            return code(error) not in GONE  # it stands as it is: better than to write it anew without its words
        return True

    def add(self, text: str) -> None:
        """Append to what it shall say."""
        if not self._pending and self.mode == "new":
            self._due_at = max(self._due_at, time.monotonic() + FIRST_FLUSH_SECONDS)
        self.text += text

    @property
    def _pending(self) -> bool:
        return self.text != self._sent or (bool(self.progress) and self.progress != self._shown_progress)

    def due_seconds(self) -> float | None:
        """Return after how long something should go out; None if nothing waits."""
        return max(0.0, self._due_at - time.monotonic()) if self._pending else None

    @property
    def is_expiring(self) -> bool:
        """Tell whether Slack will soon end the stream."""
        return self.mode == "stream" and time.monotonic() - self._started_at > STREAM_SECONDS

    def overflow(self) -> str:
        """Cut off and return what does not fit into this message any more."""
        room = UPDATE_BYTES if self.mode == "update" else STREAM_BYTES
        if len(self.text.encode()) <= room:
            return ""
        kept = self._sent if self.mode == "stream" else ""
        head, tail = split(self.text[len(kept) :], max(0, room - len(kept.encode())))
        return self._cut(kept + head, tail)

    def unsent(self) -> str:
        """Cut off and return what Slack does not have yet."""
        return self._cut(self._sent, self.text[len(self._sent) :])

    def _cut(self, head: str, tail: str) -> str:
        if fence := open_fence(head):
            head, tail = head.rstrip("\n") + f"\n{closing(fence)}", f"{fence}\n{tail}"
        self.text = head
        return tail

    async def flush(self) -> None:
        """Send what waits, if the workspace's pace allows; else later."""
        if not self._pending:
            return
        if self.mode == "new":
            await (self._post((), ()) if await self.pace.wait_seconds(STARTS) else self._start())
        elif wait := await self.pace.wait_seconds(APPENDS if self.mode == "stream" else UPDATES):
            self._due_at = time.monotonic() + wait
            return
        else:
            await (self._append() if self.mode == "stream" else self._rewrite())
        self._due_at = time.monotonic() + (UPDATE_SECONDS if self.mode == "update" else FLUSH_SECONDS)

    async def finish(self, *, below: Sequence[str] = (), blocks: Sequence[Block] = ()) -> None:
        """Make it complete: all its text, what stands below it as words, and its blocks."""
        self.progress = ""
        if self.mode == "new":
            await self._post(below, blocks)
        elif self.mode == "stream":
            await self._stop(below, blocks)
        else:
            await self._rewrite(below=below, blocks=blocks, final=True)

    async def to_update(self) -> None:
        """Give up streaming, keep the message."""
        await self._end_stream()
        await self._rewrite()

    # Streaming.

    async def _start(self) -> None:
        await self.ledger.intend(self.number)
        try:
            response = await self.client.chat_startStream(
                channel=self.request.channel,
                thread_ts=self.request.thread,
                recipient_team_id=self.request.user_team or self.request.team,
                recipient_user_id=self.request.user,
                chunks=self._chunks(),
            )
            self.mode = "stream"
            await self._posted(str(response["ts"]))
        except SLACK_ERRORS as error:
            await self._start_failed(error)

    async def _start_failed(self, error: BaseException) -> None:
        if code(error) in NOT_OURS:
            raise error
        if is_uncertain(error):
            await self.find()
        if self.ts:
            await self._rewrite()
        else:
            await self._post((), ())

    async def _append(self) -> None:
        chunks = self._chunks()
        try:
            await self.client.chat_appendStream(channel=self.request.channel, ts=self.ts, chunks=chunks)
            self._note_sent()
        except SLACK_ERRORS:
            await self.to_update()

    async def _stop(self, below: Sequence[str], blocks: Sequence[Block]) -> None:
        """Complete the stream; what stands below as words is only said where no blocks show it."""
        words = [] if blocks else list(filter(None, below))
        whole = "\n\n".join([self.text.rstrip(), *words]) if words else self.text
        chunks = self._chunks(whole)
        try:
            await self.client.chat_stopStream(
                channel=self.request.channel,
                ts=self.ts,
                chunks=chunks or None,
                blocks=list(blocks) or None,
                metadata=posted.metadata(self.request, self.number),
            )
        except SLACK_ERRORS:
            await self._end_stream()
            await self._rewrite(below=below, blocks=blocks, final=True)

    def _chunks(self, text: str | None = None) -> list[dict[str, Any]]:
        """Return what Slack does not have yet; whitespace that was cut at the end of what was sent is not missed."""
        text = self.text if text is None else text
        new = text[len(self._sent) :] if text.startswith(self._sent) else text[len(self._sent.rstrip()) :]
        chunks: list[dict[str, Any]] = []
        if self.progress and self.progress != self._shown_progress and not self.text:
            chunks.append(_task(self.progress, "in_progress"))
        elif self._shown_progress and (self.text or not self.progress):
            chunks.append(_task(self._shown_progress, "complete"))
        if new:
            chunks.append({"type": "markdown_text", "text": new})
        return chunks

    def _note_sent(self) -> None:
        self._sent = self.text
        self._shown_progress = "" if self.text else self.progress
        if self.text:
            self.progress = ""

    async def _end_stream(self) -> None:
        self.mode = "update"
        self._sent = ""
        with contextlib.suppress(*SLACK_ERRORS):
            await self.client.chat_stopStream(channel=self.request.channel, ts=self.ts)

    # As a whole.

    async def _post(self, below: Sequence[str], blocks: Sequence[Block]) -> None:
        await self.ledger.intend(self.number)
        try:
            response = await self.client.chat_postMessage(
                channel=self.request.channel,
                thread_ts=self.request.thread or None,
                unfurl_links=False,
                unfurl_media=False,
                metadata=posted.metadata(self.request, self.number),
                **self._body(below, blocks, longest=STREAM_BYTES * 2),
            )
            self.mode = "update"
            await self._posted(str(response["ts"]))
        except SLACK_ERRORS as error:
            if not is_uncertain(error):
                raise
            await self.find()
            if not self.ts:
                raise
            await self._rewrite(below=below, blocks=blocks, final=True)

    async def _rewrite(self, *, below: Sequence[str] = (), blocks: Sequence[Block] = (), final: bool = False) -> None:
        try:
            await self._update(self._body(below, blocks) | {"metadata": posted.metadata(self.request, self.number)})
            self._note_sent()
        except SLACK_ERRORS as error:
            if code(error) in GONE:
                await self.ledger.lost(self.number)
                await self._post(below, blocks)
            elif final:
                raise

    async def _update(self, body: dict[str, Any]) -> None:
        try:
            await self.client.chat_update(channel=self.request.channel, ts=self.ts, **body)
        except SlackApiError as error:
            if code(error) != "streaming_state_conflict":
                raise
            await self._end_stream()
            await self.client.chat_update(channel=self.request.channel, ts=self.ts, **body)

    def _body(self, below: Sequence[str], blocks: Sequence[Block], *, longest: int = LONGEST_TEXT) -> dict[str, Any]:
        text = self.text or self.progress
        return {"text": plain_text(text, *below, longest=longest) or "…", "blocks": [*markdown_block(text), *blocks]}

    async def _posted(self, ts: str) -> None:
        self.ts, self._started_at = ts, time.monotonic()
        self._note_sent()
        await self.ledger.posted(self.number, ts)


def _task(title: str, status: str) -> dict[str, Any]:
    return {"type": "task_update", "id": "progress", "title": title[:250], "status": status}


def kept(block: Block) -> Block:
    """Return a block as it may be sent again."""
    return {name: value for name, value in block.items() if name != "block_id"}
