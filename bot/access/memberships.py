"""Who may read what: Slack's memberships, the facts that bot/access/rule.py decides on."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.rule import Conversation, Standing, conversation_kind, is_external, may_read, standing_of
from bot.slack.errors import SLACK_ERRORS, code
from handlers.request import Request
from indexing.audience import NOBODY, Audience

CACHE_SECONDS = 45  # Slack's events drop it at once; without them a membership is at most this old
LANGUAGE_SECONDS = 86_400
FEW_PEOPLE = 20  # more are looked up as one list
AT_ONCE = 8  # look-ups
PAGE = 200


class AudienceUnknown(Exception):
    """Slack did not tell who may read; nothing is answered from documents until it does."""


class Memberships:
    """Resolves audiences from Slack, remembering each look-up for less than a minute."""

    def __init__(self, client: AsyncWebClient, redis: Redis, bot_team: str) -> None:
        self._client, self._team = client, bot_team
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._bot = ""
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def resolve(self, request: Request) -> Audience:
        """Return the conversations whose documents an answer to this request may use.

        Raises AudienceUnknown when Slack does not tell.
        """
        try:
            return await self._resolve(request)
        except (*SLACK_ERRORS, KeyError) as error:
            raise AudienceUnknown(code(error) or type(error).__name__) from error

    async def invalidate(self, key: str) -> None:
        """Forget what was looked up about a channel or a person."""
        kinds = ("info", "members", "person", "language")
        await self._redis.delete(*(f"audience:{kind}:{key}" for kind in kinds), "audience:bot:", "audience:everyone:")

    async def known_language(self, user: str) -> str:
        """Return a person's language without asking Slack; "" if it is not known."""
        return str(await self._redis.get(f"audience:language:{user}") or "")

    async def language(self, user: str) -> str:
        """Return the language that a person set in Slack, "en" or "fr", and know it for a day."""
        try:
            person = await self._person(user)
        except SLACK_ERRORS:
            return "en"
        language = "fr" if str(person.get("locale") or "").startswith("fr") else "en"
        await self._redis.set(f"audience:language:{user}", language, ex=LANGUAGE_SECONDS)
        return language

    async def _resolve(self, request: Request) -> Audience:
        place = await self._place_of(request)
        sources = await self._sources(request, place)
        people = {request.user} | (place.members if place else frozenset())
        standings = await self._standings(people)
        if request.user_team not in {"", self._team}:
            standings[request.user] = "outsider"
        readable = [s.id for s in sources if may_read(request.user, place, s, lambda who: standings[who])]
        return Audience(frozenset(readable)) if readable else NOBODY

    async def _place_of(self, request: Request) -> Conversation | None:
        """Return the conversation that is answered in; None where the asker alone sees the answer.

        What is said in a thread is seen by others: who they are is asked anew, for events can be late. A thread in a
        conversation that Slack does not show us is no place of the asker's own: nothing is known of its readers.
        """
        if not request.thread:
            return await self._place(request.channel)
        await self._redis.delete(f"audience:info:{request.channel}", f"audience:members:{request.channel}")
        place = await self._place(request.channel)
        if place is None:
            raise AudienceUnknown("not_in_channel")
        return place

    async def _place(self, channel: str) -> Conversation | None:
        """Return the conversation that is answered in; None where the bot is not, and answers the asker alone."""
        try:
            info = await self._info(channel)
        except SlackApiError as error:
            if code(error) == "channel_not_found":
                return None
            raise
        if conversation_kind(info) != "direct" and not info.get("is_member"):
            return None
        return await self._with_members(info)

    async def _sources(self, request: Request, place: Conversation | None) -> list[Conversation]:
        """Return what may come into question: this very place, and the channels the bot is in."""
        own = [place] if place else [await self._direct_message(request.user)]
        channels = [info for info in await self._bots_channels() if info["id"] != request.channel]
        if place and (place.kind == "public" or place.external):
            channels = [info for info in channels if conversation_kind(info) == "public"]
        return own + list(await asyncio.gather(*(self._source(info) for info in channels)))

    async def _source(self, info: Mapping[str, Any]) -> Conversation:
        """Return a channel with its members, which only matter where it is not public."""
        if conversation_kind(info) == "public":
            return Conversation(str(info["id"]), "public", frozenset(), is_external(info))
        return await self._with_members(info)

    async def _with_members(self, info: Mapping[str, Any]) -> Conversation:
        members = await self._members(str(info["id"]))
        return Conversation(
            str(info["id"]), conversation_kind(info), members - {await self._own_id()}, is_external(info)
        )

    async def _direct_message(self, user: str) -> Conversation:
        opened = await self._client.conversations_open(users=user)
        return Conversation(str(opened["channel"]["id"]), "direct", frozenset({user}))

    async def _standings(self, people: Iterable[str]) -> dict[str, Standing]:
        ids = sorted(people)
        if len(ids) <= FEW_PEOPLE:
            found = await asyncio.gather(*(self._person(user) for user in ids))
            return {user: standing_of(person, self._team) for user, person in zip(ids, found, strict=True)}
        everyone = await self._remembered("everyone", "", self._ask_everyone)
        return {user: everyone.get(user, "outsider") for user in ids}

    # Look-ups, each remembered in Redis so that all processes forget it together.

    async def _info(self, channel: str) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            answer = await self._client.conversations_info(channel=channel)
            kept = ("id", "is_im", "is_mpim", "is_channel", "is_private", "is_member", "is_ext_shared",
                    "is_pending_ext_shared", "is_archived", "user")  # fmt: skip
            return {name: answer["channel"].get(name) for name in kept}

        return dict(await self._remembered("info", channel, ask))

    async def _members(self, channel: str) -> frozenset[str]:
        async def ask() -> list[str]:
            return await self._pages(self._client.conversations_members, "members", channel=channel)

        return frozenset(await self._remembered("members", channel, ask))

    async def _bots_channels(self) -> list[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            types = "public_channel,private_channel,mpim"
            listed = await self._pages(self._client.users_conversations, "channels", types=types, exclude_archived=True)
            kept = ("id", "is_im", "is_mpim", "is_channel", "is_private", "is_ext_shared", "is_pending_ext_shared")
            return [{name: channel.get(name) for name in kept} for channel in listed]

        return list(await self._remembered("bot", "", ask))

    async def _person(self, user: str) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            answer = await self._client.users_info(user=user, include_locale=True)
            kept = ("deleted", "is_stranger", "team_id", "is_restricted", "is_ultra_restricted", "locale")
            return {name: answer["user"].get(name) for name in kept}

        return dict(await self._remembered("person", user, ask))

    async def _ask_everyone(self) -> dict[str, Standing]:
        listed = await self._pages(self._client.users_list, "members")
        return {str(user["id"]): standing_of(user, self._team) for user in listed}

    async def _own_id(self) -> str:
        if not self._bot:
            self._bot = str((await self._client.auth_test())["user_id"])
        return self._bot

    async def _pages(self, method: Callable[..., Awaitable[Any]], field: str, **arguments: Any) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while True:
            answer = await method(limit=PAGE, cursor=cursor or None, **arguments)
            found += answer[field]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    async def _remembered(self, kind: str, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        name = f"audience:{kind}:{key}"
        if (kept := await self._redis.get(name)) is not None:
            return json.loads(kept)
        async with self._gate:
            answer = await ask()
        await self._redis.set(name, json.dumps(answer), ex=CACHE_SECONDS)
        return answer
