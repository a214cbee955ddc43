"""A workspace of 10,000 people and 3,000 channels: what a question costs Slack, with the rule's figures as they are."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.access import lookups
from bot.access.memberships import Memberships
from bot.access.rule import Conversation, is_in_scope, scope_of, standing_of
from handlers.request import Request
from tests.bot.slack.wire import BOT, Wire

TEAM = "T1"
PEOPLE, PUBLIC, PRIVATE = 10_000, 2_000, 1_000
TIERS = {  # calls that Slack allows a minute
    "conversations.info": 50, "conversations.members": 100, "conversations.open": 50, "users.conversations": 50,
    "users.info": 100, "users.list": 20,
}  # fmt: skip
WARM_UP, MINUTES, QUESTIONS = 5, 5, 30  # questions a minute
CALLS = 3  # fewer a question
NOISE, MOVES = 120, 12  # events a minute


@dataclass
class Company:
    """Who is what and who is where."""

    dice: random.Random = field(default_factory=lambda: random.Random(7))
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=lambda: iter(range(1_700_000_000, 1_800_000_000)))

    def __post_init__(self) -> None:
        self.people = {f"U{n}": {"id": f"U{n}", "team_id": TEAM, "locale": "en-GB"} for n in range(PEOPLE)}
        for n in range(0, PEOPLE, 199):
            self.people[f"U{n}"]["is_restricted"] = True
        names = [name for name, person in self.people.items() if not person.get("is_restricted")]
        self.channels["Call"] = {"is_private": False, "members": {BOT, *names}}
        for n in range(1, PUBLIC):
            some = self.dice.sample(sorted(self.people), self.dice.randint(2, 40))
            self.channels[f"Cpub{n}"] = {"is_private": False, "members": {BOT, *some}}
        for n in range(PRIVATE):
            some = self.dice.sample(names, self.dice.randint(2, 25))
            self.channels[f"Cpriv{n}"] = {"is_private": True, "members": {BOT, *some}}

    def info(self, channel: str) -> dict[str, Any]:
        if channel.startswith("D"):
            return {"id": channel, "is_im": True, "user": channel[1:]}
        about = self.channels[channel]
        kind = {"is_channel": True, "is_private": about["is_private"], "num_members": len(about["members"])}
        return {"id": channel, "is_member": BOT in about["members"], **kind}

    def answer(self, wire: Wire) -> None:
        """Have the Slack of the test answer for this company, in pages."""

        def conversations(a: dict[str, Any]) -> dict[str, Any]:
            user = a.get("user", BOT)
            mine = [name for name, about in self.channels.items() if user in about["members"]]
            listed = [name for name in mine if self.channels[name]["is_private"]] if "user" in a else mine
            return page(a, "channels", [self.info(name) for name in listed])

        wire.answers |= {
            "conversations.info": lambda a: {"channel": self.info(a["channel"])},
            "conversations.members": lambda a: page(a, "members", sorted(self.channels[a["channel"]]["members"])),
            "users.info": lambda a: {"user": self.people[a["user"]]},
            "users.list": lambda a: page(a, "members", list(self.people.values())),
            "users.conversations": conversations,
            "conversations.open": lambda a: {"channel": {"id": f"D{a['users']}"}},
        }

    def question(self) -> tuple[str, str]:
        """Return who asks where: half in direct messages, the rest in channels, now and then in the one of all."""
        user = f"U{self.dice.randrange(1, 400)}"
        draw = self.dice.random()
        if draw < 0.5:
            return user, f"D{user}"
        if draw < 0.55:
            return user, "Call"
        kind = "Cpriv" if draw < 0.8 else "Cpub"
        channel = f"{kind}{self.dice.randrange(1, 60)}"
        return self.dice.choice(sorted(self.channels[channel]["members"] - {BOT})), channel

    def move(self) -> dict[str, Any]:
        """Let somebody in or out, and return the event that tells of it."""
        channel, user = f"Cpriv{self.dice.randrange(PRIVATE)}", f"U{self.dice.randrange(PEOPLE)}"
        is_in = user not in self.channels[channel]["members"]
        self.channels[channel]["members"] ^= {user}
        kind = "member_joined_channel" if is_in else "member_left_channel"
        return {"type": kind, "channel": channel, "user": user, "event_ts": str(next(self.clock))}

    def noise(self) -> dict[str, Any]:
        """Return the event of somebody's new status."""
        user = self.people[f"U{self.dice.randrange(PEOPLE)}"]
        return {"type": "user_change", "user": {**user, "profile": {"status_text": str(self.dice.random())}}}

    def readable(self, user: str, channel: str) -> set[str]:
        """Return what the rule allows, from everything that there is."""

        def conversation(name: str) -> Conversation:
            about = self.channels[name]
            return Conversation(
                name, "private" if about["is_private"] else "public", frozenset(about["members"] - {BOT})
            )

        direct = Conversation(channel, "direct", frozenset({user}))
        place = direct if channel.startswith("D") else conversation(channel)
        scope = scope_of(user, place, lambda who: standing_of(self.people[who], TEAM))
        return {one.id for one in (place, *map(conversation, self.channels)) if is_in_scope(scope, one)}


def page(arguments: dict[str, Any], field_name: str, items: list[Any]) -> dict[str, Any]:
    """Return one page of a list."""
    first, limit = int(arguments.get("cursor") or 0), int(arguments["limit"])
    following = str(first + limit) if first + limit < len(items) else ""
    return {field_name: items[first : first + limit], "response_metadata": {"next_cursor": following}}


async def let_a_minute_pass(redis: Redis) -> None:
    """Take a minute from every key's time to live."""
    keys = [key async for key in redis.scan_iter("access:*", count=5000)]
    async with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.pttl(key)
        left = await pipeline.execute()
        for key, milliseconds in zip(keys, left, strict=True):
            assert milliseconds != -1, f"{key} would stay for ever"
            pipeline.pexpire(key, max(1, milliseconds - 60_000))
        await pipeline.execute()


async def test_a_question_costs_few_calls_and_none_beyond_its_tier(
    client: AsyncWebClient, redis: Redis, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People ask, come and go, and change their status; each audience is what the rule says of the whole company."""
    monkeypatch.setattr(lookups, "OLD_SECONDS", 0)  # the slices have work every minute
    monkeypatch.setattr(lookups, "FRESH_MILLISECONDS", 1)  # no two questions share a look
    company = Company()
    company.answer(wire)
    audiences = Memberships(client, redis, TEAM)
    asked: Counter[str] = Counter()
    for minute in range(WARM_UP + MINUTES):
        wire.calls.clear()
        for _ in range(QUESTIONS):
            user, channel = company.question()
            request = Request(id="1", action="ask", team=TEAM, channel=channel, user=user, thread="1.0")
            assert set((await audiences.resolve(request)).channels) == company.readable(user, channel)
        by_questions = Counter(method for method, _ in wire.calls)
        for _ in range(NOISE):
            await audiences.change(company.noise())
        for _ in range(MOVES):
            await audiences.change(company.move())
        await audiences.check_slice()
        counted = Counter(method for method, _ in wire.calls)
        if minute >= WARM_UP:
            asked += by_questions
            assert not {method: count for method, count in counted.items() if count > TIERS.get(method, 0)}
        await let_a_minute_pass(redis)
    per_question = asked.total() / (MINUTES * QUESTIONS)
    print(f"{per_question:.2f} calls a question: {dict(asked)}")
    assert per_question < CALLS
