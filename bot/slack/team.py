"""The workspace's people as the handlers see them: who is an admin, and what a thread is told of somebody's doing."""

from collections.abc import Collection

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import code
from bot.slack.markdown import escape
from bot.slack.post import GONE, NOT_OURS

KINDS, PAGE = "public_channel,private_channel,mpim", 999  # what users.conversations allows
ADMIN = ("is_admin", "is_owner", "is_primary_owner")


class SlackTeam:
    """The Team of handlers/ports.py, asked of Slack each time: it is asked rarely, and what it allows is not undone."""

    def __init__(self, client: AsyncWebClient, admins: Collection[str] = ()) -> None:
        self._client, self._admins = client, frozenset(admins)

    async def is_admin(self, user: str) -> bool:
        """Tell whether somebody is an admin or owner of the workspace, or named by the settings."""
        if user in self._admins:
            return True
        person = (await self._client.users_info(user=user))["user"]
        return not person.get("deleted") and any(person.get(name) for name in ADMIN)

    async def is_member(self, channel: str, user: str) -> bool:
        """Tell whether somebody is in a channel, and not only allowed to look at it."""
        cursor = None
        while True:
            page = await self._client.users_conversations(
                user=user, types=KINDS, exclude_archived=True, limit=PAGE, cursor=cursor
            )
            if any(there["id"] == channel for there in page["channels"]):
                return True
            if not (cursor := (page.get("response_metadata") or {}).get("next_cursor")):
                return False

    async def tell(self, channel: str, thread: str, user: str, sentence: str) -> None:
        """Tell a thread what this person did; nothing is told where the thread is gone."""
        text = f"<@{user}> {escape(sentence)}"
        block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        try:
            await self._client.chat_postMessage(
                channel=channel, thread_ts=thread or None, text=text, blocks=[block],
                unfurl_links=False, unfurl_media=False,
            )  # fmt: skip
        except SlackApiError as error:
            if code(error) not in GONE | NOT_OURS:
                raise
