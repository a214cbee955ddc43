"""The rule who may read, against a model of it that is written the other way round."""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.audience import Kind, Place, Standing, is_external, kind_of, may_read, standing_of

PEOPLE = ("alice", "bob", "carol", "guest", "dana", "left")
NEWCOMER = "newcomer"  # a full member of the workspace who is in no channel yet
STANDING: dict[str, Standing] = {"guest": "guest", "dana": "outsider", "left": "gone"}


def standing(person: str) -> Standing:
    return STANDING.get(person, "full")


def can_open(person: str, place: Place) -> bool:
    """The model: what Slack itself lets a person look at."""
    if standing(person) == "gone":
        return False
    if place.kind == "public" and standing(person) == "full":
        return True
    return person in place.members


def viewers(place: Place) -> set[str]:
    """The model: everyone in the workspace who can look at what is said in a place, now or by joining it."""
    return {person for person in (*PEOPLE, NEWCOMER) if can_open(person, place)}


def model(asker: str, place: Place | None, source: Place) -> bool:
    """The model: nobody sees what Slack would not show him, and outside eyes see one place only."""
    if standing(asker) == "gone":
        return False
    eyes = {asker} if place is None else viewers(place) | {asker}
    if place is not None and not can_open(asker, place):
        return False
    outside = {person for person in eyes if standing(person) != "full"}
    if place is not None and source.id == place.id:
        return True
    if outside or (place is not None and place.external):
        return False
    return eyes <= viewers(source)


members = st.frozensets(st.sampled_from(PEOPLE))
kinds: st.SearchStrategy[Kind] = st.sampled_from(["public", "private"])


def places(name: str) -> st.SearchStrategy[Place]:
    return st.builds(Place, id=st.just(name), kind=kinds, members=members, external=st.booleans())


direct = st.builds(lambda who: Place(f"D-{who}", "direct", frozenset({who})), who=st.sampled_from(PEOPLE))


@settings(max_examples=4000)
@given(
    asker=st.sampled_from(PEOPLE),
    place=st.one_of(st.none(), places("here"), direct),
    source=st.one_of(places("here"), places("there"), direct),
)
@example("alice", Place("here", "public", frozenset({"alice"})), Place("there", "private", frozenset({"alice", "bob"})))
@example("alice", Place("here", "private", frozenset({"alice", "guest"})), Place("there", "public", frozenset()))
def test_the_rule_is_the_model(asker: str, place: Place | None, source: Place) -> None:
    if place and source.id == place.id:
        source = place
    assert may_read(asker, place, source, standing) == model(asker, place, source)


@dataclass
class World:
    """A workspace in which things change."""

    places: dict[str, Place]
    shares: set[str]

    def move(self, kind: str, name: str, who: str) -> None:
        place = self.places[name]
        changed = {
            "join": place.members | {who},
            "leave": place.members - {who},
        }
        self.places[name] = Place(name, place.kind, changed.get(kind, place.members), place.external)
        if kind == "share":
            self.shares.add(name)
        if kind == "unshare":
            self.shares.discard(name)


moves = st.tuples(
    st.sampled_from(["join", "leave", "share", "unshare"]),
    st.sampled_from(["general", "finance", "connect", "open"]),
    st.sampled_from(PEOPLE),
)


@settings(max_examples=2000)
@given(
    st.lists(moves, max_size=12),
    st.sampled_from(PEOPLE),
    st.sampled_from(["general", "finance", "connect", "open", ""]),
)
def test_whatever_happened_before_no_eye_sees_more_than_slack_shows(
    history: list[tuple[str, str, str]], asker: str, name: str
) -> None:
    """People join and leave, documents are shared, unshared and shared again: then somebody asks."""
    nobody: frozenset[str] = frozenset()
    world = World(
        {
            "general": Place("general", "public", nobody),
            "finance": Place("finance", "private", nobody),
            "connect": Place("connect", "private", nobody, external=True),
            "open": Place("open", "public", nobody),
        },
        set(),
    )
    for kind, where, who in history:
        world.move(kind, where, who)
    place = world.places.get(name)
    readable = {n for n in world.shares if may_read(asker, place, world.places[n], standing)}
    eyes = {asker} | (viewers(place) if place else set())
    for found in readable:
        assert all(can_open(eye, world.places[found]) for eye in eyes if standing(eye) != "gone")
        if any(standing(eye) in {"guest", "outsider"} for eye in eyes):
            assert found == name


def test_in_doubt_a_person_is_an_outsider() -> None:
    assert standing_of({}, "T1") == "outsider"
    assert standing_of({"team_id": "T2"}, "T1") == "outsider"
    assert standing_of({"team_id": "T1", "is_stranger": True}, "T1") == "outsider"
    assert standing_of({"team_id": "T1", "is_restricted": True}, "T1") == "guest"
    assert standing_of({"team_id": "T1", "is_ultra_restricted": True}, "T1") == "guest"
    assert standing_of({"team_id": "T1", "deleted": True}, "T1") == "gone"
    assert standing_of({"team_id": "T1"}, "T1") == "full"


def test_in_doubt_a_conversation_is_private() -> None:
    assert kind_of({"is_channel": True}) == "private"
    assert kind_of({"is_channel": True, "is_private": True}) == "private"
    assert kind_of({"is_channel": True, "is_private": False}) == "public"
    assert kind_of({"is_channel": True, "is_private": False, "is_mpim": True}) == "private"
    assert kind_of({"is_im": True}) == "direct"
    assert is_external({"is_pending_ext_shared": True})
