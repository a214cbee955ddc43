"""The line below a thread that says what the bot is doing: the only file that knows how Slack calls it.

Slack means to replace `assistant.threads.setStatus`; then this is the place to change.
"""

import time

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_ERRORS, code

REPLACED = frozenset({"unknown_method", "method_deprecated", "deprecated_endpoint", "feature_disabled"})
SHORTEST_SECONDS = 1.0  # between two different lines
REFRESH_SECONDS = 90.0  # Slack takes the line away after two minutes


class Status:
    """One thread's line; a courtesy, so that an error is no reason to stop."""

    def __init__(self, client: AsyncWebClient, channel: str, thread: str) -> None:
        self._client, self._channel, self._thread = client, channel, thread
        self._shown, self._wanted = "", ""
        self._at = float("-inf")
        self._is_ours = True

    def want(self, text: str) -> None:
        """Say what it should read."""
        self._wanted = text

    def assume(self, text: str) -> None:
        """Take for granted that it reads this: the gateway has sent it."""
        self._shown = self._wanted = text
        self._at = time.monotonic()
        self._is_ours = False

    def due_seconds(self) -> float | None:
        """Return after how long it should be sent (again); None if there is nothing to say."""
        if not self._wanted or not self._thread:
            return None
        pause = REFRESH_SECONDS if self._wanted == self._shown else SHORTEST_SECONDS if self._is_ours else 0.0
        return max(0.0, self._at + pause - time.monotonic())

    async def send(self) -> None:
        """Send it."""
        self._shown, self._at, self._is_ours = self._wanted, time.monotonic(), True
        await set_status(self._client, self._channel, self._thread, self._wanted)

    async def clear(self) -> None:
        """Take it away: Slack leaves it standing after an answer that was not streamed."""
        self._wanted = ""
        if self._thread:
            await self.send()


async def set_status(client: AsyncWebClient, channel: str, thread: str, text: str) -> None:
    """Show the line, or take it away with an empty text; if Slack refuses, there is none.

    Its successor knows no words: where only that is left, people see at least that something is being done.
    """
    try:
        await client.assistant_threads_setStatus(channel_id=channel, thread_ts=thread, status=text[:100])
    except SlackApiError as error:
        if code(error) in REPLACED:
            await _set_session(client, channel, thread, "processing" if text else "active")
    except SLACK_ERRORS:
        return


async def end_session(client: AsyncWebClient, channel: str, thread: str) -> None:
    """Say that nothing is being done in a thread any more; Slack does not find that out when Stop is pressed."""
    await set_status(client, channel, thread, "")
    await _set_session(client, channel, thread, "active")


async def _set_session(client: AsyncWebClient, channel: str, thread: str, status: str) -> None:
    try:
        await client.agents_sessions_setStatus(channel_id=channel, thread_ts=thread, status=status)
    except SLACK_ERRORS:
        return
