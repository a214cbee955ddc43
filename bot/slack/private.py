"""An answer that only the asker sees: by the command's response_url, else as an ephemeral message."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.blocks import (
    MOST_BLOCKS,
    Block,
    markdown_block,
    message_blocks,
    message_lines,
    page_blocks,
    plain_text,
    row_blocks,
    section_blocks,
    source_blocks,
    source_lines,
)
from bot.slack.markdown import readable
from bot.slack.posted import PostedMessages
from bot.slack.quotes import Quotes, SharesOf
from bot.slack.uploads import Uploads
from handlers.pieces import Attachment, Choices, MessageSource, MessageSources, Picture, Pieces, Source, Sources, Text
from handlers.request import Request
from handlers.text.messages import say

LONGEST_TEXT = 3_000  # characters; more was seen to be refused in ephemeral messages


class PrivateAnswer:
    """Such messages can't be streamed, read back or changed: the answer is one message, at the end."""

    def __init__(
        self, client: AsyncWebClient, ledger: PostedMessages, request: Request, quotes: Quotes, shares_of: SharesOf
    ) -> None:
        self._client, self._ledger, self._request = client, ledger, request
        self._quotes, self._shares_of = quotes, shares_of
        self._uploads = Uploads(client, ledger, request)
        self._text = ""
        self._sources: list[Source] = []
        self._messages: list[MessageSource] = []
        self._rows: list[Choices] = []

    async def show(self, pieces: Pieces) -> None:
        """Gather the pieces, then show them at once."""
        async for piece in pieces:
            match piece:
                case Text(markdown):
                    self._text += markdown
                case Sources(sources):
                    self._sources += sources
                case MessageSources(messages):
                    self._messages += messages
                case Choices():
                    self._rows.append(piece)
                case Picture(name, png, description):
                    await self._to_dm(name, png, description)
                case Attachment(name, data):
                    await self._to_dm(name, data)
        await self._send()

    async def fail(self, text: str) -> None:
        """Show only this sentence."""
        self._text, self._sources, self._messages, self._rows = text, [], [], []
        await self._send()

    async def _to_dm(self, name: str, data: bytes, description: str = "") -> None:
        """Hand a file over where nobody else sees it: there are no ephemeral files."""
        dm = await self._client.conversations_open(users=self._request.user)
        await self._uploads.hand_over(name, data, description, channel=str(dm["channel"]["id"]))
        if (sentence := say("slack.sent_to_dm", self._request.language)) not in self._text:
            self._text += f"\n\n{sentence}"

    async def _send(self) -> None:
        again = bool(self._ledger.record.messages)
        await self._ledger.intend(0)
        if self._request.response_url:
            await self._respond(again)
        else:
            await self._ephemeral()
        for file_id in self._ledger.record.file_ids:
            await self._quotes.record_file(await self._shares(), file_id)
        await self._ledger.finish()

    async def _respond(self, again: bool) -> None:
        """Answer by response_url; an answer that may have been shown before is replaced."""
        webhook = AsyncWebhookClient(
            self._request.response_url,
            session=self._client.session,
            timeout=30,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)],  # others might say it twice
        )
        webhook.proxy = self._client.proxy
        head = {"response_type": "ephemeral", "replace_original": again, "unfurl_links": False}
        sent = await webhook.send_dict(head | self._body())
        if sent.status_code == 400:  # seen for webhooks: no markdown block there
            sent = await webhook.send_dict(head | self._body(older=True))
        if sent.status_code >= 500:
            raise ConnectionError(f"response_url: {sent.status_code}")
        if sent.status_code != 200:  # older than 30 minutes, or the sixth
            await self._ephemeral()

    async def _ephemeral(self) -> None:
        try:
            await self._client.chat_postEphemeral(
                channel=self._request.channel,
                user=self._request.user,
                thread_ts=self._request.beside or None,
                **self._body(),
            )
        except SlackApiError:
            await self._in_dm()

    async def _in_dm(self) -> None:
        """Say it where it stays, so that what it quotes can be taken back."""
        posted = await self._client.chat_postMessage(
            channel=self._request.user, unfurl_links=False, unfurl_media=False, **self._body()
        )
        await self._quotes.record(
            await self._shares(), str(posted["channel"]), str(posted["ts"]), self._request.language
        )

    async def _shares(self) -> Mapping[str, frozenset[str]]:
        return await self._shares_of({source.passage.document_id for source in self._sources}, self._request)

    def _body(self, *, older: bool = False) -> dict[str, Any]:
        """Return the message; with `older` in the blocks that every surface of Slack takes."""
        text, language = readable(self._text), self._request.language
        below = [*(row.markdown for row in self._rows), source_lines(self._sources, language)]
        below.append(message_lines(self._messages))
        blocks: list[Block] = [*row_blocks(self._rows, language), *source_blocks(self._sources)]
        blocks += message_blocks(self._messages)
        if self._request.action != "show_page":
            blocks += page_blocks(self._sources, language)
        return {
            "text": plain_text(text, *below, longest=LONGEST_TEXT) or "…",
            "blocks": [*(section_blocks(text) if older else markdown_block(text)), *blocks[:MOST_BLOCKS]],
        }
