"""Who may read, looked up in Slack: closed when Slack does not tell, and never older than the last event."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.access import lookups
from bot.access.lookups import DAY_SECONDS
from bot.access.memberships import AudienceUnknown, Memberships
from handlers.request import Request
from tests.bot.conftest import eventually
from tests.bot.slack.wire import BOT, Wire

TEAM = "T1"
CLOCK = itertools.count(1_700_000_000)


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

    def _conversations(self, a: dict[str, Any]) -> dict[str, Any]:
        both = {BOT, a.get("user") or BOT}
        mine = [name for name, about in self.channels.items() if both <= about["members"] and not about.get("is_im")]
        if a.get("user"):
            mine = [name for name in mine if self.channels[name].get("is_private")]
        return {"channels": [self._info(name) for name in mine]}

    def moved(self, channel: str, user: str, *, is_in: bool, at: float = 0) -> dict[str, Any]:
        """Let somebody in or out, and return the event that tells of it."""
        members = self.channels[channel]["members"]
        self.channels[channel]["members"] = members | {user} if is_in else members - {user}
        kind = "member_joined_channel" if is_in else "member_left_channel"
        return {"type": kind, "channel": channel, "user": user, "event_ts": str(at or next(CLOCK))}

    def became(self, user: str, **facts: Any) -> dict[str, Any]:
        """Change what somebody is, and return the event that tells of it."""
        self.people[user] = {**self.people[user], **facts}
        return {"type": "user_change", "user": {"id": user, **self.people[user]}}


@pytest.fixture(autouse=True)
def no_look_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions of half a second share one look at who reads a thread; these tests are faster than that."""
    monkeypatch.setattr(lookups, "FRESH_MILLISECONDS", 1)


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
    """No event told, and what was remembered does not know it; one look holds for FRESH_MILLISECONDS."""
    assert "finance" in await asks("alice", "finance", thread="1.0")
    world.channels["pair"] = {"members": {BOT, "alice", "bob"}, "is_private": True}
    assert "finance" in await asks("alice", "pair", thread="1.0")
    world.channels["pair"]["members"] |= {"carol"}
    await asyncio.sleep(lookups.FRESH_MILLISECONDS / 1000)
    assert "finance" not in await asks("alice", "pair", thread="1.0")


async def test_somebody_of_another_company_is_one_even_if_slack_forgets_to_say(asks: Callable[..., Any]) -> None:
    assert await asks("alice", "general", user_team="T9") == {"general"}


async def test_leaving_counts_at_once_after_its_event(asks: Callable[..., Any], world: World) -> None:
    assert "team" in await asks("alice", "finance")
    await asks.audiences.change(world.moved("team", "bob", is_in=False))  # type: ignore[attr-defined]
    assert "team" not in await asks("alice", "finance")


async def test_becoming_a_guest_counts_at_once_after_its_event(asks: Callable[..., Any], world: World) -> None:
    assert "general" in await asks("alice", "team")
    await asks.audiences.change(world.became("carol", is_restricted=True))  # type: ignore[attr-defined]
    assert await asks("alice", "team") == {"team"}


async def test_what_was_looked_up_is_kept_for_a_while(asks: Callable[..., Any], redis: Redis, wire: Wire) -> None:
    await asks("alice", "finance")
    calls = len(wire.calls)
    await asks("alice", "finance")
    assert len(wire.calls) == calls
    ttls = [await redis.ttl(key) async for key in redis.scan_iter("access:*")]
    assert ttls
    assert 0 < min(ttls) <= max(ttls) <= DAY_SECONDS


async def test_statuses_and_photos_tell_nothing_new(asks: Callable[..., Any], world: World, wire: Wire) -> None:
    await asks("alice", "finance")
    calls = len(wire.calls)
    change = asks.audiences.change  # type: ignore[attr-defined]
    for status in range(50):
        assert not await change(world.became("bob", profile={"status_text": f"meeting {status}"}))
        assert not await change(world.became("carol", profile={"status_text": f"meeting {status}"}))
    await asks("alice", "finance")
    assert len(wire.calls) == calls
    assert await change(world.became("bob", deleted=True))
    assert await change({"type": "user_change", "user": {"id": "unheard-of", "deleted": True}})


async def test_news_in_the_wrong_order_leaves_the_last(asks: Callable[..., Any], world: World) -> None:
    """Slack tells again what was not acknowledged, and in any order."""
    assert "team" in await asks("alice", "finance")
    out, back = world.moved("team", "bob", is_in=False), world.moved("team", "bob", is_in=True)
    again = world.moved("team", "bob", is_in=False)
    for event in (again, back, out, back):
        await asks.audiences.change(event)  # type: ignore[attr-defined]
    assert "team" not in await asks("alice", "finance")


async def test_an_event_during_a_look_up_is_not_overwritten(asks: Callable[..., Any], world: World, wire: Wire) -> None:
    """Slack's answer is older than the event that comes while it is on its way."""
    audiences, gate = asks.audiences, asyncio.Event()  # type: ignore[attr-defined]

    def members(a: dict[str, Any]) -> dict[str, Any]:
        listed = {"members": sorted(world.channels[a["channel"]]["members"])}
        if a["channel"] == "team" and not gate.is_set():
            gate.set()
            told.append(asyncio.ensure_future(audiences.change(world.moved("team", "bob", is_in=False))))
        return listed

    told: list[asyncio.Future[Any]] = []
    wire.answers["conversations.members"] = members
    wire.slow["conversations.members"] = 0.1
    assert "team" not in await asks("alice", "finance")
    await told[0]


async def test_processes_that_want_the_same_ask_once(
    client: AsyncWebClient, redis: Redis, world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "FRESH_MILLISECONDS", 5_000)
    request = Request(id="1", action="ask", team=TEAM, channel="finance", user="alice", thread="1.0")
    processes = [Memberships(client, redis, TEAM) for _ in range(12)]
    audiences = await asyncio.gather(*(process.resolve(request) for process in processes))
    assert len(set(audiences)) == 1
    counted = {m: wire.count(m) for m in ("conversations.info", "users.conversations", "users.info")}
    assert counted == {"conversations.info": 1, "users.conversations": 2, "users.info": 2}


async def test_after_a_time_in_which_nobody_heard_events_nothing_is_known(
    asks: Callable[..., Any], redis: Redis, world: World
) -> None:
    """The gateway was away: somebody left a channel, and no event told."""
    audiences = asks.audiences  # type: ignore[attr-defined]
    listening = asyncio.create_task(audiences.listen(lambda: True))
    await eventually(lambda: redis.exists("access:listening"))
    assert "team" in await asks("alice", "finance")
    listening.cancel()
    await redis.delete("access:listening")
    world.channels["team"]["members"] -= {"bob"}
    listening = asyncio.create_task(audiences.listen(lambda: True))
    await eventually(lambda: redis.exists("access:listening"))
    assert "team" not in await asks("alice", "finance")
    listening.cancel()
    await asyncio.wait([listening])


async def test_the_slices_find_what_no_event_told(
    asks: Callable[..., Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "team" in await asks("alice", "finance")
    world.channels["team"]["members"] -= {"bob"}
    assert "team" in await asks("alice", "finance")
    monkeypatch.setattr(lookups, "OLD_SECONDS", 0)
    await asks.audiences.check_slice()  # type: ignore[attr-defined]
    assert "team" not in await asks("alice", "finance")


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
    for user in ("dana", "stranger"):
        await asks.audiences.change(world.moved("general", user, is_in=True))  # type: ignore[attr-defined]
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
    wire.calls.clear()
    world = World()
    world.answer(wire)
    for kind, where, who in history:
        await asks(who, where)
        moves = kind in {"join", "leave"}
        event = (
            world.moved(where, who, is_in=kind == "join") if moves else world.became(who, is_restricted=kind == "guest")
        )
        await asks.audiences.change(event)  # type: ignore[attr-defined]
    for source in await asks(user, channel):
        for reader in {user} | (world.channels[channel]["members"] - {BOT}):
            about, person = world.channels[source], world.people[reader]
            full = person["team_id"] == TEAM and not person.get("is_restricted")
            assert source == channel or full
            assert reader in about["members"] or (full and not about.get("is_private"))
