"""What the rule must know: what is kept of it, else what Slack tells, asked by one process at a time."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.cache import Fact, SlackCache
from bot.access.directory import Directory
from bot.access.rule import Conversation
from bot.access.single_flight import SingleFlight
from bot.slack.errors import code

DAY_SECONDS = 86_400
PERSON_SECONDS = DAY_SECONDS  # the slices come round earlier
MEMBERS_SECONDS = 6 * 3600  # the slices come round earlier
CHANNELS_SECONDS = 600  # what the bot is in
OF_PERSON_SECONDS = 60  # what somebody is in: one call for those who ask, so it need not be trusted for long
FRESH_MILLISECONDS = 500  # questions in one conversation within this time share one look at who reads it
FEW_PEOPLE = 20  # more are looked up as one list
LARGE = 1_000  # members; of more than one page only the number is asked, and the pages where it differs
TRIES = 5  # of a look-up that events overtake
SLICE_SETS = 10  # conversations.members is allowed 100 times a minute
OLD_SECONDS = 600  # a set that was filled since is not checked
GONE_ERRORS = frozenset({"channel_not_found", "not_in_channel", "is_archived"})


class AudienceUnknown(Exception):
    """Slack did not tell who may read; nothing is answered from documents until it does."""


class Lookups:
    """People and conversations as they are kept; `directory` and `kept` are the two places where that comes from."""

    def __init__(self, client: AsyncWebClient, redis: Redis, team: str) -> None:
        self.directory, self.kept = Directory(client, team), SlackCache(redis)
        self._flight = SingleFlight(redis)
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    # Who reads a thread.

    async def readers(self, channel: str) -> Conversation:
        """Return a conversation with who is in it now; raise AudienceUnknown where we are not in it."""
        return await self._flight.once(
            f"place:{channel}", lambda: self._seen_just_now(channel), lambda: self._readers_now(channel)
        )

    async def _seen_just_now(self, channel: str) -> Conversation | None:
        """Return a conversation if its readers were looked at a moment ago, or can't change."""
        info = await self.kept.fact(_info(channel))
        if not info or not _is_ours(info):
            return None
        if info["kind"] == "direct" and info["user"]:
            return await self._with_members(channel, info)
        if not await self.kept.is_marked(f"fresh:{channel}"):
            return None
        members = await self.kept.members(_members(channel))
        return None if members is None else Conversation(channel, info["kind"], members, info["external"])

    async def _readers_now(self, channel: str) -> Conversation:
        """Ask Slack who reads a conversation, and keep it."""
        try:
            info = await self._ask_info(channel)
        except SlackApiError as error:
            raise AudienceUnknown(code(error)) from error
        if not _is_ours(info):
            raise AudienceUnknown("not_in_channel")
        if info["kind"] == "direct" and info["user"]:
            return await self._with_members(channel, info)
        large = info["num_members"] > LARGE and info["num_members"] == await self.kept.count(_members(channel))
        members = await self.members(channel) if large else await self._ask_members(channel, info["num_members"])
        await self.kept.mark(f"fresh:{channel}", FRESH_MILLISECONDS)
        return Conversation(channel, info["kind"], members, info["external"])

    # People.

    async def known_person(self, user: str) -> Fact | None:
        """Return what is known of somebody without asking Slack."""
        return await self.kept.fact(_person(user))

    async def keep_person(self, user: str, person: Fact) -> None:
        """Keep what an event tells of somebody."""
        await self.kept.put({_person(user): person}, asked_at=await self.kept.now(), seconds=PERSON_SECONDS)

    async def people(self, users: Sequence[str]) -> dict[str, Fact]:
        """Return what these people are."""
        facts = await self._facts_of(users)
        unknown = [user for user in users if user not in facts]
        if len(unknown) > FEW_PEOPLE and not await self.kept.is_marked("roster"):
            await self._flight.once("roster", self._roster_kept, self._ask_roster)
            facts = await self._facts_of(users)
            unknown = [user for user in users if user not in facts]
        if len(unknown) > FEW_PEOPLE:  # whom Slack does not list is no member of ours
            return {user: {"standing": "outsider"} for user in unknown} | facts
        asked = await asyncio.gather(*(self.person(user) for user in unknown))
        return facts | dict(zip(unknown, asked, strict=True))

    async def _facts_of(self, users: Sequence[str]) -> dict[str, Fact]:
        facts = await self.kept.facts([_person(user) for user in users])
        return {user: fact for user, fact in zip(users, facts, strict=True) if fact}

    async def person(self, user: str) -> Fact:
        """Return what somebody is. Raises SlackApiError."""

        async def ask() -> Fact:
            asked_at = await self.kept.now()
            person = await self.directory.person(user)
            await self.kept.put({_person(user): person}, asked_at=asked_at, seconds=PERSON_SECONDS)
            return await self.kept.fact(_person(user)) or person

        return await self._flight.once(f"person:{user}", lambda: self.kept.fact(_person(user)), ask)

    async def _roster_kept(self) -> bool | None:
        return await self.kept.is_marked("roster") or None

    async def _ask_roster(self) -> bool:
        while await self._ask_roster_page():
            pass
        return True

    async def _ask_roster_page(self) -> bool:
        """Ask for the next page of everybody; False if it was the last."""
        cursor = str((await self.kept.fact("roster-page") or {}).get("cursor", ""))
        asked_at = await self.kept.now()
        try:
            people, following = await self.directory.people(cursor)
        except SlackApiError as error:
            if code(error) != "invalid_cursor":
                raise
            people, following = await self.directory.people("")
        facts = {_person(user): fact for user, fact in people.items()}
        await self.kept.put(facts, asked_at=asked_at, seconds=PERSON_SECONDS)
        await self.kept.put({"roster-page": {"cursor": following}}, asked_at=asked_at, seconds=DAY_SECONDS)
        if not following:
            await self.kept.mark("roster", PERSON_SECONDS * 1000 // 2)
        return bool(following)

    # Conversations.

    async def place(self, channel: str) -> Conversation | None:
        """Return a conversation as it is known; None where we are not in it. Raises SlackApiError."""
        info = await self.info(channel)
        return await self._with_members(channel, info) if _is_ours(info) else None

    async def _with_members(self, channel: str, info: Fact) -> Conversation:
        if info["kind"] == "direct" and info["user"]:
            members = frozenset({str(info["user"])})
        else:
            members = await self.members(channel)
        return Conversation(channel, info["kind"], members, info["external"])

    async def info(self, channel: str) -> Fact:
        """Return what a conversation is. Raises SlackApiError."""
        name = _info(channel)
        return await self._flight.once(name, lambda: self.kept.fact(name), lambda: self._ask_info(channel))

    async def _ask_info(self, channel: str) -> Fact:
        asked_at = await self.kept.now()
        info = await self.directory.conversation(channel)
        seconds = DAY_SECONDS if info["kind"] == "direct" else CHANNELS_SECONDS
        await self.kept.put({_info(channel): info}, asked_at=asked_at, seconds=seconds)
        return info

    async def members(self, channel: str) -> frozenset[str]:
        """Return who is in a conversation, without us. Raises SlackApiError."""
        name = _members(channel)
        return await self._flight.once(name, lambda: self.kept.members(name), lambda: self._ask_members(channel))

    async def _ask_members(self, channel: str, count: int = -1) -> frozenset[str]:
        name = _members(channel)
        for _ in range(TRIES):
            version = await self.kept.version(name)
            members = await self.directory.members(channel)
            if await self.kept.fill(name, version, members, count=count, seconds=MEMBERS_SECONDS):
                await self._note_checked(channel)
                return members
        raise AudienceUnknown("memberships change faster than Slack tells them")

    async def channels_of(self, user: str) -> frozenset[str]:
        """Return the private channels that both somebody and the bot are in."""
        name = _channels(user)

        async def ask() -> frozenset[str]:
            for _ in range(TRIES):
                version = await self.kept.version(name)
                channels = frozenset(await self.directory.channels(user))
                if await self.kept.fill(name, version, channels, seconds=OF_PERSON_SECONDS):
                    return channels
            raise AudienceUnknown("memberships change faster than Slack tells them")

        return await self._flight.once(name, lambda: self.kept.members(name), ask)

    async def forget(self, channel: str) -> None:
        """Forget what is known of a conversation."""
        await self.kept.drop_fact(_info(channel))
        await self.kept.drop_fact("bot")
        await self.kept.drop_set(_members(channel))
        await self.kept.unmark(f"fresh:{channel}")

    async def move(self, channel: str, user: str, *, is_in: bool, at: float) -> None:
        """Let somebody into a conversation or out of it, as an event tells."""
        await self.kept.move(_members(channel), user, is_in=is_in, at=at)
        await self.kept.move(_channels(user), channel, is_in=is_in, at=at)
        await self.kept.unmark(f"fresh:{channel}")

    async def members_among(self, channels: Sequence[str], people: Sequence[str]) -> list[frozenset[str]]:
        """Return of each conversation which of these people are in it."""
        names = [_members(channel) for channel in channels]
        unknown = [name.removeprefix(_members("")) for name in await self.kept.unknown(names)]
        await asyncio.gather(*(self.members(channel) for channel in unknown))
        return await self.kept.among(names, people)

    async def bots_channels(self) -> dict[str, Fact]:
        """Return what we are in."""

        async def ask() -> Fact:
            asked_at = await self.kept.now()
            channels: Fact = {"channels": await self.directory.channels()}
            await self.kept.put({"bot": channels}, asked_at=asked_at, seconds=CHANNELS_SECONDS)
            return channels

        return dict((await self._flight.once("bot", lambda: self.kept.fact("bot"), ask))["channels"])

    async def direct_message(self, user: str) -> str:
        """Return the id of our direct message with somebody."""

        async def ask() -> Fact:
            direct: Fact = {"channel": await self.directory.direct_message(user)}
            await self.kept.put({f"dm:{user}": direct}, asked_at=await self.kept.now(), seconds=DAY_SECONDS)
            return direct

        return str((await self._flight.once(f"dm:{user}", lambda: self.kept.fact(f"dm:{user}"), ask))["channel"])

    # Slices.

    async def check_slice(self) -> None:
        """Ask anew for what was asked the longest ago: a page of people and the members of some conversations."""
        if await self.kept.is_marked("roster"):
            await self._ask_roster_page()
        old = await self.kept.now() - OLD_SECONDS
        for channel in await self._redis.zrangebyscore("access:checked", "-inf", old, start=0, num=SLICE_SETS):
            await self._check_members(channel)

    async def _check_members(self, channel: str) -> None:
        before = await self.kept.members(_members(channel))
        if before is None:
            await self._redis.zrem("access:checked", channel)
            return
        count = await self.kept.count(_members(channel))
        try:
            await self._ask_members(channel, count)
        except SlackApiError as error:
            if code(error) not in GONE_ERRORS:
                raise
            await self.forget(channel)

    async def _note_checked(self, channel: str) -> None:
        async with self._redis.pipeline() as pipeline:
            pipeline.zadd("access:checked", {channel: await self.kept.now()})
            await pipeline.expire("access:checked", DAY_SECONDS).execute()


def _is_ours(info: Fact) -> bool:
    """Tell whether we are in a conversation."""
    return bool(info["kind"] == "direct" or info["is_member"])


def _person(user: str) -> str:
    return f"person:{user}"


def _info(channel: str) -> str:
    return f"info:{channel}"


def _members(channel: str) -> str:
    return f"members:{channel}"


def _channels(user: str) -> str:
    return f"channels:{user}"
