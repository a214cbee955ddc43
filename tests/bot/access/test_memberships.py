"""Who may read, looked up in Slack: closed when Slack does not tell, and never older than the last event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.memberships import CACHE_SECONDS, AudienceUnknown, Memberships
from handlers.request import Request
from tests.bot.slack.wire import BOT, Wire

TEAM = "T1"


@dataclass
class World:
    """A workspace: who is what, and who is where."""

    people: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            BOT: {"team_id": TEAM, "is_bot": True},
            "alice": {"team_id": TEAM, "locale": "fr-FR"},
            "bob": {"team_id": TEAM, "locale": "en-GB"},
            "carol": {"team_id": TEAM},
            "guest": {"team_id": TEAM, "is_restricted": True},
            "dana": {"team_id": "T9"},
        }
    )
    channels: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "general": {"members": {BOT, "alice", "bob", "carol"}},
            "team": {"members": {BOT, "alice", "bob", "carol"}, "is_private": True},
            "finance": {"members": {BOT, "alice", "bob"}, "is_private": True},
            "open-house": {"members": {BOT, "alice", "bob", "carol", "guest"}},
            "partner": {"members": {BOT, "alice", "dana"}, "is_private": True, "is_ext_shared": True},
            "elsewhere": {"members": {"alice", "bob"}},
            "secret": {"members": {"alice", "bob"}, "is_private": True},
            "Dalice": {"members": {BOT, "alice"}, "is_im": True, "is_channel": False},
        }
    )

    def answer(self, wire: Wire) -> None:
        """Have the Slack of the test answer from this world."""
        wire.answers |= {
            "conversations.info": lambda a: {"channel": self._info(a["channel"])},
            "conversations.members": lambda a: {"members": sorted(self.channels[self._seen(a["channel"])]["members"])},
            "users.info": lambda a: {"user": {"id": a["user"], **self._person(a["user"])}},
            "users.list": lambda a: {"members": [{"id": name, **who} for name, who in self.people.items()]},
            "users.conversations": self._conversations,
            "conversations.open": lambda a: {"channel": {"id": f"D{a['users']}"}},
        }

    def _seen(self, channel: str) -> str:
        known = self.channels.get(channel)
        if known is None or (known.get("is_private") and BOT not in known["members"]):
            raise LookupError("channel_not_found")
        return channel

    def _info(self, channel: str) -> dict[str, Any]:
        about = {"is_channel": True, "is_private": False, **self.channels[self._seen(channel)]}
        return about | {"id": channel, "is_member": BOT in about["members"], "members": None}

    def _person(self, user: str) -> dict[str, Any]:
        if user not in self.people:
            raise LookupError("user_not_found")
        return self.people[user]

    def _conversations(self, _: dict[str, Any]) -> dict[str, Any]:
        mine = [name for name, about in self.channels.items() if BOT in about["members"] and not about.get("is_im")]
        return {"channels": [self._info(name) for name in mine]}


@pytest.fixture
def world(wire: Wire) -> World:
    """The workspace of the stories."""
    world = World()
    world.answer(wire)
    return world


@pytest.fixture
def asks(client: AsyncWebClient, redis: Redis, world: World) -> Callable[..., Any]:
    """Resolve the audience of a question."""
    audiences = Memberships(client, redis, TEAM)

    async def resolve(user: str, channel: str, **fields: Any) -> set[str]:
        request = Request(id="1", action="ask", team=TEAM, channel=channel, user=user, **fields)
        return set((await audiences.resolve(request)).channels)

    resolve.audiences = audiences  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    ("user", "channel", "readable"),
    [
        ("alice", "general", {"general", "open-house"}),
        ("carol", "team", {"team", "general", "open-house"}),
        ("alice", "finance", {"finance", "team", "general", "open-house"}),
        ("alice", "open-house", {"open-house"}),
        ("guest", "open-house", {"open-house"}),
        ("guest", "general", set()),
        ("alice", "partner", {"partner"}),
        ("dana", "partner", {"partner"}),
        ("alice", "Dalice", {"Dalice", "general", "team", "finance", "open-house", "partner"}),
        ("carol", "elsewhere", {"Dcarol", "general", "team", "open-house"}),
        ("carol", "secret", {"Dcarol", "general", "team", "open-house"}),
        ("guest", "elsewhere", set()),
        ("carol", "finance", set()),
    ],
)
async def test_who_may_read_what(asks: Callable[..., Any], user: str, channel: str, readable: set[str]) -> None:
    assert await asks(user, channel) == readable


async def test_in_a_thread_the_asker_is_never_taken_to_be_alone(
    asks: Callable[..., Any], world: World, redis: Redis
) -> None:
    """The bot was invited a moment ago, and no event told: what was remembered says that it is not there."""
    assert "finance" in await asks("alice", "elsewhere")
    world.channels["elsewhere"]["members"] |= {BOT, "carol"}
    assert await asks("alice", "elsewhere", thread="1.0") == {"elsewhere", "general", "open-house"}


@pytest.mark.parametrize("channel", ["elsewhere", "secret"])
async def test_in_a_thread_where_the_bot_is_not_nothing_is_answered(asks: Callable[..., Any], channel: str) -> None:
    with pytest.raises(AudienceUnknown):
        await asks("alice", channel, thread="1.0")


async def test_who_came_in_a_moment_ago_is_one_of_a_threads_readers(asks: Callable[..., Any], world: World) -> None:
    """No event told, and what was remembered does not know it."""
    assert "finance" in await asks("alice", "finance", thread="1.0")
    world.channels["pair"] = {"members": {BOT, "alice", "bob"}, "is_private": True}
    assert "finance" in await asks("alice", "pair", thread="1.0")
    world.channels["pair"]["members"] |= {"carol"}
    assert "finance" not in await asks("alice", "pair", thread="1.0")


async def test_somebody_of_another_company_is_one_even_if_slack_forgets_to_say(asks: Callable[..., Any]) -> None:
    assert await asks("alice", "general", user_team="T9") == {"general"}


async def test_leaving_counts_at_once_after_its_event(asks: Callable[..., Any], world: World) -> None:
    assert "team" in await asks("alice", "finance")
    world.channels["team"]["members"] -= {"bob"}
    await asks.audiences.invalidate("team")  # type: ignore[attr-defined]
    assert "team" not in await asks("alice", "finance")


async def test_becoming_a_guest_counts_at_once_after_its_event(asks: Callable[..., Any], world: World) -> None:
    assert "general" in await asks("alice", "team")
    world.people["carol"]["is_restricted"] = True
    await asks.audiences.invalidate("carol")  # type: ignore[attr-defined]
    assert await asks("alice", "team") == {"team"}


async def test_what_was_looked_up_is_remembered_for_less_than_a_minute(
    asks: Callable[..., Any], redis: Redis, wire: Wire
) -> None:
    await asks("alice", "finance")
    calls = len(wire.calls)
    await asks("alice", "finance")
    assert len(wire.calls) == calls
    ttls = [await redis.ttl(key) async for key in redis.scan_iter("audience:*")]
    assert ttls
    assert max(ttls) <= CACHE_SECONDS < 60


@pytest.mark.parametrize("method", ["conversations.info", "conversations.members", "users.info", "users.conversations"])
@pytest.mark.parametrize("fault", ["internal_error", "503", "broken", "missing_scope"])
async def test_what_slack_does_not_tell_is_not_guessed(
    asks: Callable[..., Any], wire: Wire, method: str, fault: str
) -> None:
    wire.faults[method] = [fault] * 20
    with pytest.raises(AudienceUnknown):
        await asks("alice", "finance")
    wire.faults[method] = []
    assert "finance" in await asks("alice", "finance")


async def test_a_crowd_is_looked_up_as_a_list(asks: Callable[..., Any], world: World, wire: Wire) -> None:
    crowd = {f"u{n}" for n in range(60)}
    world.people |= {name: {"team_id": TEAM} for name in crowd}
    world.channels["general"]["members"] |= crowd
    assert "open-house" in await asks("alice", "general")
    assert wire.count("users.info") == 0
    world.channels["general"]["members"] |= {"dana", "stranger"}
    await asks.audiences.invalidate("general")  # type: ignore[attr-defined]
    assert await asks("alice", "general") == {"general"}


async def test_the_language_is_the_one_set_in_slack(asks: Callable[..., Any]) -> None:
    language = asks.audiences.language  # type: ignore[attr-defined]
    assert [await language(user) for user in ("alice", "bob", "nobody")] == ["fr", "en", "en"]


PEOPLE = ("alice", "bob", "carol", "guest", "dana")
changes = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "guest", "member"]),
        st.sampled_from(["general", "team", "finance", "open-house", "partner"]),
        st.sampled_from(PEOPLE),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, st.sampled_from(PEOPLE), st.sampled_from(["general", "team", "finance", "open-house", "partner"]))
async def test_whatever_changed_nobody_reads_through_us_what_slack_hides(
    asks: Callable[..., Any], wire: Wire, redis: Redis, history: list[tuple[str, str, str]], user: str, channel: str
) -> None:
    """Each change comes with its event; then somebody asks, and each reader could have opened each source himself."""
    await redis.flushall()
    world = World()
    world.answer(wire)
    for kind, where, who in history:
        members = world.channels[where]["members"]
        if kind in {"join", "leave"}:
            world.channels[where]["members"] = members | {who} if kind == "join" else members - {who}
        else:
            world.people[who] = replace_standing(world.people[who], kind)
        await asks(who, where)
        await asks.audiences.invalidate(where)  # type: ignore[attr-defined]
        await asks.audiences.invalidate(who)  # type: ignore[attr-defined]
    for source in await asks(user, channel):
        for reader in {user} | (world.channels[channel]["members"] - {BOT}):
            about, person = world.channels[source], world.people[reader]
            full = person["team_id"] == TEAM and not person.get("is_restricted")
            assert source == channel or full
            assert reader in about["members"] or (full and not about.get("is_private"))


def replace_standing(person: dict[str, Any], kind: str) -> dict[str, Any]:
    """Make somebody a guest, or a full member again."""
    return {**person, "is_restricted": kind == "guest"}
