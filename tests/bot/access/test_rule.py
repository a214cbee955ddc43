"""The rule who may read, against a model of it that is written the other way round."""

import ast
import copy
import inspect
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.access import rule
from bot.access.rule import Conversation, Kind, Standing, conversation_kind, is_external, may_read, standing_of

PEOPLE = ("alice", "bob", "carol", "guest", "dana", "left")
NEWCOMER = "newcomer"  # a full member of the workspace who is in no channel yet
STANDING: dict[str, Standing] = {"guest": "guest", "dana": "outsider", "left": "gone"}


def standing(person: str) -> Standing:
    return STANDING.get(person, "full")


Standings = Callable[[str], Standing]


def can_open(person: str, place: Conversation, standing: Standings = standing) -> bool:
    """The model: what Slack itself lets a person look at."""
    if standing(person) == "gone":
        return False
    if place.kind == "public" and standing(person) == "full":
        return True
    return person in place.members


def viewers(place: Conversation, standing: Standings = standing) -> set[str]:
    """The model: everyone in the workspace who can look at what is said in a place, now or by joining it."""
    return {person for person in (*PEOPLE, NEWCOMER) if can_open(person, place, standing)}


def model(asker: str, place: Conversation | None, source: Conversation, standing: Standings = standing) -> bool:
    """The model: nobody sees what Slack would not show him, and outside eyes see one place only."""
    if standing(asker) == "gone":
        return False
    eyes = {asker} if place is None else viewers(place, standing) | {asker}
    if place is not None and not can_open(asker, place, standing):
        return False
    outside = {person for person in eyes if standing(person) != "full"}
    if place is not None and source.id == place.id:
        return True
    if outside or (place is not None and place.external):
        return False
    return eyes <= viewers(source, standing)


members = st.frozensets(st.sampled_from(PEOPLE))
kinds: st.SearchStrategy[Kind] = st.sampled_from(["public", "private"])


def places(name: str) -> st.SearchStrategy[Conversation]:
    return st.builds(Conversation, id=st.just(name), kind=kinds, members=members, external=st.booleans())


direct = st.builds(lambda who: Conversation(f"D-{who}", "direct", frozenset({who})), who=st.sampled_from(PEOPLE))


Case = tuple[str, Conversation | None, Conversation]


def of_one_place(case: Case) -> Case:
    """Let a source that is the place itself be just that."""
    asker, place, source = case
    return (asker, place, place if place and source.id == place.id else source)


cases: st.SearchStrategy[Case] = st.tuples(
    st.sampled_from(PEOPLE),
    st.one_of(st.none(), places("here"), direct),
    st.one_of(places("here"), places("there"), direct),
).map(of_one_place)


@settings(max_examples=4000, deadline=None)
@given(cases)
@example(
    (
        "alice",
        Conversation("here", "public", frozenset({"alice"})),
        Conversation("there", "private", frozenset({"alice"})),
    )
)
@example(
    (
        "alice",
        Conversation("here", "private", frozenset({"alice", "guest"})),
        Conversation("there", "public", frozenset()),
    )
)
def test_the_rule_is_the_model(case: Case) -> None:
    assert may_read(*case, standing) == model(*case)


def mutations(tree: ast.Module) -> Iterator[ast.Module]:
    """Break one decision at a time: a condition never holds, or one of its parts is not asked."""
    nodes = list(ast.walk(tree))
    for at, node in enumerate(nodes):
        parts = node.values if isinstance(node, ast.BoolOp) else node.elts if isinstance(node, ast.Set) else []
        for part in range(len(parts)):
            broken = copy.deepcopy(tree)
            twin: Any = list(ast.walk(broken))[at]
            del (twin.values if isinstance(twin, ast.BoolOp) else twin.elts)[part]
            yield broken
        if isinstance(node, ast.If | ast.comprehension) and (isinstance(node, ast.If) or node.ifs):
            broken = copy.deepcopy(tree)
            twin = list(ast.walk(broken))[at]
            if isinstance(twin, ast.If):
                twin.test = ast.Constant(False)
            else:
                twin.ifs = []
            yield broken


def mutants() -> list[str]:
    """Return the source of the rule with a deliberate bug in it, one for each place where it could be wrong."""
    functions = (rule.may_read, rule.scope_of, rule.is_in_scope, rule._may_see)
    tree = ast.parse("\n".join(inspect.getsource(function) for function in functions))
    return [ast.unparse(ast.fix_missing_locations(broken)) for broken in mutations(tree)]


SMALL_TEAM = ("alice", "bob", "guest", "dana", "left")


@pytest.fixture(scope="module")
def every_case() -> list[tuple[Case, bool]]:
    """All there is for five people, with what the model says: 175,000 cases."""
    circles = [frozenset(some) for n in range(6) for some in itertools.combinations(SMALL_TEAM, n)]
    kinds: tuple[Kind, ...] = ("public", "private")
    here, there = (
        [
            Conversation(name, kind, circle, external)
            for kind in kinds
            for circle in circles
            for external in (False, True)
        ]
        for name in ("here", "there")
    )
    alone = [Conversation(f"D-{who}", "direct", frozenset({who})) for who in SMALL_TEAM]
    product = itertools.product(SMALL_TEAM, [None, *here, *alone], [*here, *there, *alone])
    found = [(case, model(*case)) for case in product if of_one_place(case) == case]
    random.Random(1).shuffle(found)  # a bug is then seen at once
    return found


def test_the_rule_is_the_model_in_every_case_of_a_small_team(every_case: list[tuple[Case, bool]]) -> None:
    assert all(may_read(*case, standing) == expected for case, expected in every_case)


@pytest.mark.parametrize("source", mutants(), ids=[str(n) for n in range(len(mutants()))])
def test_a_bug_in_the_rule_is_caught(source: str, every_case: list[tuple[Case, bool]]) -> None:
    """Each decision counts: without it, somebody reads what he may not, or not what he may, or the rule breaks."""
    names: dict[str, Any] = dict(vars(rule))
    exec(compile(source, "mutant", "exec"), names)
    with suppress(AttributeError):
        assert any(names["may_read"](*case, standing) != expected for case, expected in every_case)


@dataclass
class World:
    """A workspace in which things change."""

    places: dict[str, Conversation]
    shares: set[str]

    def move(self, kind: str, name: str, who: str) -> None:
        place = self.places[name]
        changed = {
            "join": place.members | {who},
            "leave": place.members - {who},
        }
        self.places[name] = Conversation(name, place.kind, changed.get(kind, place.members), place.external)
        if kind == "share":
            self.shares.add(name)
        if kind == "unshare":
            self.shares.discard(name)


moves = st.tuples(
    st.sampled_from(["join", "leave", "share", "unshare"]),
    st.sampled_from(["general", "finance", "connect", "open"]),
    st.sampled_from(PEOPLE),
)


@settings(max_examples=2000, deadline=None)
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
            "general": Conversation("general", "public", nobody),
            "finance": Conversation("finance", "private", nobody),
            "connect": Conversation("connect", "private", nobody, external=True),
            "open": Conversation("open", "public", nobody),
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
    assert conversation_kind({"is_channel": True}) == "private"
    assert conversation_kind({"is_channel": True, "is_private": True}) == "private"
    assert conversation_kind({"is_channel": True, "is_private": False}) == "public"
    assert conversation_kind({"is_channel": True, "is_private": False, "is_mpim": True}) == "private"
    assert conversation_kind({"is_im": True}) == "direct"
    assert is_external({"is_pending_ext_shared": True})
    assert is_external({"is_org_shared": True})


GRID = {"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "teams": ["T2", "T1"]}}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (GRID, "full"),
        (GRID | {"is_restricted": True}, "guest"),
        (GRID | {"is_stranger": True}, "outsider"),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "teams": ["T2"]}}, "outsider"),
        ({"enterprise_user": {"enterprise_id": "E1"}}, "full"),
        ({"enterprise_user": {"enterprise_id": "E2"}}, "outsider"),
        ({"enterprise_user": {"enterprise_id": "E1"}, "is_stranger": True}, "outsider"),
    ],
)
def test_on_enterprise_grid_one_belongs_to_several_workspaces(user: dict[str, Any], expected: str) -> None:
    """Somebody at home in another workspace of the organisation is ours if he belongs to ours, too."""
    assert standing_of(user, "T1", "E1") == expected
