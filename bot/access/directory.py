"""Who is who, and who is where, as Slack tells it now: the only file of this folder that asks Slack for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.rule import conversation_kind, is_external, standing_of
from bot.slack.errors import code

AT_ONCE = 8  # look-ups of one process
PAGE = 1000
CONVERSATIONS_PAGE = 999  # users.conversations refuses more

Fact = dict[str, Any]


class Directory:
    """Slack's answers, cut down to the facts that the rule needs."""

    def __init__(self, client: AsyncWebClient, team: str) -> None:
        self._client, self._team = client, team
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._bot = self._enterprise = ""

    async def bot(self) -> str:
        """Return our own user id."""
        if not self._bot:
            identity = await self._client.auth_test()
            self._enterprise = str(identity.get("enterprise_id") or "")
            self._bot = str(identity["user_id"])
        return self._bot

    async def conversation(self, channel: str) -> Fact:
        """Return what a conversation is, and how many are in it; raise SlackApiError."""
        async with self._gate:
            answer = await self._client.conversations_info(channel=channel, include_num_members=True)
        return conversation_fact(answer["channel"])

    async def members(self, channel: str) -> frozenset[str]:
        """Return who is in a conversation, without us."""
        everyone = await self._pages(self._client.conversations_members, "members", PAGE, channel=channel)
        return frozenset(everyone) - {await self.bot()}

    async def channels(self, user: str = "") -> dict[str, Fact]:
        """Return the channels that we are in, or those of them that somebody is in."""
        listed = await self._pages(
            self._client.users_conversations, "channels", CONVERSATIONS_PAGE,
            types="private_channel,mpim" if user else "public_channel,private_channel,mpim",
            exclude_archived=True, **({"user": user} if user else {}),
        )  # fmt: skip
        return {str(channel["id"]): conversation_fact(channel) for channel in listed}

    async def person(self, user: str) -> Fact:
        """Return what somebody is; whom Slack does not know is an outsider."""
        await self.bot()
        try:
            async with self._gate:
                answer = await self._client.users_info(user=user, include_locale=True)
        except SlackApiError as error:
            if code(error) not in {"user_not_found", "user_not_visible"}:
                raise
            return {"standing": "outsider", "language": "en", "ours": False}
        return await self.person_fact(answer["user"])

    async def people(self, cursor: str) -> tuple[dict[str, Fact], str]:
        """Return one page of everybody, and where the next begins; "" at the end."""
        async with self._gate:
            answer = await self._client.users_list(limit=PAGE, cursor=cursor or None, include_locale=True)
        people = {str(user["id"]): await self.person_fact(user) for user in answer["members"]}
        return people, _next_cursor(answer)

    async def direct_message(self, user: str) -> str:
        """Return the id of our direct message with somebody."""
        async with self._gate:
            return str((await self._client.conversations_open(users=user))["channel"]["id"])

    async def person_fact(self, user: Mapping[str, Any]) -> Fact:
        """Cut a user object down to what is kept of it."""
        await self.bot()
        standing = standing_of(user, self._team, self._enterprise)
        return {
            "standing": standing,
            "language": "fr" if str(user.get("locale") or "").startswith("fr") else "en",
            "ours": bool(user.get("enterprise_user")) and standing != "outsider",
        }

    async def _pages(self, method: Callable[..., Awaitable[Any]], field: str, limit: int, **given: Any) -> list[Any]:
        listed: list[Any] = []
        cursor = ""
        while True:
            async with self._gate:
                answer = await method(limit=limit, cursor=cursor or None, **given)
            listed += answer[field]
            if not (cursor := _next_cursor(answer)):
                return listed


def conversation_fact(channel: Mapping[str, Any]) -> Fact:
    """Cut a conversation object down to what is kept of it."""
    return {
        "kind": conversation_kind(channel),
        "external": is_external(channel),
        "is_member": bool(channel.get("is_member")),
        "user": str(channel.get("user") or ""),
        "num_members": int(channel.get("num_members") or 0),
    }


def _next_cursor(answer: Any) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")
