"""Who may read what: Slack's memberships, kept as sets in Redis, the facts that bot/access/rule.py decides on.

They are filled on demand, changed by Slack's events, and checked against Slack in slices; what is not known and what
Slack does not tell is never guessed. Who reads a thread is asked anew for each answer, since events can be late.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.lookups import AudienceUnknown, Lookups
from bot.access.rule import Conversation, Scope, Standing, is_in_scope, scope_of
from bot.slack.errors import SLACK_ERRORS, code
from bot.slack.payload import seconds
from handlers.request import Request
from indexing.audience import NOBODY, Audience

__all__ = ["AudienceUnknown", "Memberships"]

logger = structlog.get_logger()

SLICE_SECONDS = 60
LISTENING_SECONDS = 120  # nobody heard Slack's events for so long: some may be lost
OF_PEOPLE = frozenset({"user_change", "team_join"})
MOVES = {"member_joined_channel": True, "member_left_channel": False}
CONVERTED = frozenset({"channel_convert_to_private", "channel_convert_to_public"})  # subtypes of messages
OF_CHANNELS = ("channel_", "group_", "member_")  # beginnings of the types of events that change a conversation


class Memberships:
    """Resolves audiences, and keeps what it needs for that."""

    def __init__(self, client: AsyncWebClient, redis: Redis, bot_team: str) -> None:
        self._team = bot_team
        self._lookups = Lookups(client, redis, bot_team)

    async def resolve(self, request: Request) -> Audience:
        """Return the conversations whose documents an answer to this request may use.

        Raises AudienceUnknown when Slack does not tell.
        """
        try:
            return await self._resolve(request)
        except (*SLACK_ERRORS, KeyError) as error:
            raise AudienceUnknown(code(error) or type(error).__name__) from error

    async def known_language(self, user: str) -> str:
        """Return a person's language without asking Slack; "" if it is not known."""
        person = await self._lookups.known_person(user)
        return str(person["language"]) if person else ""

    async def language(self, user: str) -> str:
        """Return the language that a person set in Slack, "en" or "fr", and know it for a day."""
        try:
            return str((await self._lookups.person(user))["language"])
        except (*SLACK_ERRORS, KeyError):
            return "en"

    # Slack's events.

    async def change(self, event: Mapping[str, Any]) -> bool:
        """Keep up with one of Slack's events; False if it tells nothing new about a person.

        A user_change comes for every status and photo of everybody in the workspace.
        """
        kind, user, channel = str(event.get("type") or ""), event.get("user"), _id(event.get("channel"))
        if kind in OF_PEOPLE:
            return isinstance(user, Mapping) and await self._change_person(user)
        if kind in MOVES and _id(user) != await self._lookups.directory.bot():
            await self._lookups.move(channel, _id(user), is_in=MOVES[kind], at=seconds(event.get("event_ts")))
        elif kind.startswith(OF_CHANNELS) or event.get("subtype") in CONVERTED:
            for one in {channel, _id(event.get("old_channel_id")), _id(event.get("new_channel_id"))} - {""}:
                await self._lookups.forget(one)
        return True

    async def _change_person(self, user: Mapping[str, Any]) -> bool:
        if not (user_id := _id(user)):
            return False
        now, before = await self._lookups.directory.person_fact(user), await self._lookups.known_person(user_id)
        if before and "locale" not in user:
            now["language"] = before["language"]
        await self._lookups.keep_person(user_id, now)
        if before is None or now["standing"] == "gone":  # of one who is not known only this matters
            return bool(now["standing"] == "gone")
        return any(before.get(field) != value for field, value in now.items())

    # An audience.

    async def _resolve(self, request: Request) -> Audience:
        place = await self._place(request)
        standings = await self._standings({request.user} | (place.members if place else frozenset()), request)
        scope = scope_of(request.user, place, standings.__getitem__)
        sources = await self._sources(request, place, scope)
        readable = [source.id for source in sources if is_in_scope(scope, source)]
        return Audience(frozenset(readable)) if readable else NOBODY

    async def _place(self, request: Request) -> Conversation | None:
        """Return the conversation that is answered in; None where the asker alone sees the answer.

        What is said in a thread is seen by others. A thread in a conversation that Slack does not show us is no place
        of the asker's own: nothing is known of its readers.
        """
        if request.thread:
            return await self._lookups.readers(request.channel)
        try:
            return await self._lookups.place(request.channel)
        except SlackApiError as error:
            if code(error) == "channel_not_found":
                return None
            raise

    async def _standings(self, people: Collection[str], request: Request) -> dict[str, Standing]:
        facts = await self._lookups.people(sorted(people))
        standings: dict[str, Standing] = {user: fact["standing"] for user, fact in facts.items()}
        if request.user_team not in {"", self._team} and not facts[request.user].get("ours"):
            standings[request.user] = "outsider"
        return standings

    async def _sources(self, request: Request, place: Conversation | None, scope: Scope) -> list[Conversation]:
        """Return what may come into question: this very place, and the channels the bot is in."""
        if scope.reach == "nothing":
            return []
        if scope.reach == "here":
            return [place] if place else []
        own = place.id if place else await self._lookups.direct_message(request.user)
        kinds = {channel: fact["kind"] for channel, fact in (await self._lookups.bots_channels()).items()}
        sources = [place or Conversation(own, "direct", frozenset({request.user}))]
        sources += [Conversation(one, "public", frozenset()) for one, kind in kinds.items() if kind == "public"]
        if scope.reach == "readers":
            closed = {one for one, kind in kinds.items() if kind != "public"} - {own}
            sources += await self._closed_sources(request.user, closed, scope.readers)
        return sources

    async def _closed_sources(
        self, asker: str, channels: Collection[str], readers: frozenset[str]
    ) -> list[Conversation]:
        """Return the private channels that the asker is in, each with those of the readers who are in it."""
        of_asker = sorted(await self._lookups.channels_of(asker) & set(channels))
        if readers == {asker}:
            return [Conversation(channel, "private", readers) for channel in of_asker]
        members = await self._lookups.members_among(of_asker, sorted(readers))
        return [Conversation(channel, "private", some) for channel, some in zip(of_asker, members, strict=True)]

    # Checks.

    async def run(self) -> None:
        """Check a slice of what is kept against Slack every minute, in one of the processes; runs until cancelled."""
        while True:
            await asyncio.sleep(SLICE_SECONDS)
            try:
                if await self._lookups.kept.mark("slice", SLICE_SECONDS * 1000 - 5_000):
                    await self.check_slice()
            except (*SLACK_ERRORS, RedisError, AudienceUnknown) as error:
                logger.warning("memberships not checked", reason=code(error) or type(error).__name__)

    async def listen(self, is_connected: Callable[[], bool]) -> None:
        """Note that Slack's events are heard; after a time in which nobody heard them, begin with nothing known."""
        while True:
            try:
                if is_connected():
                    await self._lookups.kept.hear(LISTENING_SECONDS)
            except RedisError as error:
                logger.warning("memberships not kept", reason=type(error).__name__)
            await asyncio.sleep(LISTENING_SECONDS / 4)

    async def check_slice(self) -> None:
        """Ask anew for what was asked the longest ago: a page of people and the members of some conversations."""
        await self._lookups.check_slice()


def _id(value: object) -> str:
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")
