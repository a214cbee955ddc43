"""The state machine is not blind: of each kind of fault one is planted, and it is caught.

What happens is given, and when its second part comes in between the calls of the first; the machine looks on as ever.
"""

from collections.abc import Callable
from typing import Any

import pytest

from indexing import adding, library, records, stored
from tests.indexing.every_state import EveryState

Plant = Callable[[pytest.MonkeyPatch], None]


def lost_update(patch: pytest.MonkeyPatch) -> None:
    """A record is written over whatever another worker wrote meanwhile."""

    async def swap(self: records.Records, before: Any, after: Any) -> bool:
        if after is None:
            await self.index.remove([stored.id_of(before.document_id, "document")])
        else:
            await self.index.put([after.point()])
        return True

    patch.setattr(records.Records, "swap", swap)


def brought_back(patch: pytest.MonkeyPatch) -> None:
    """What was deleted while it was read is shown when it has been read."""

    def whole(current: Any, read: Any) -> Any:
        return completed(current, read) if current.shares else adding.replace(completed(current, read), shares=shares)

    completed, shares = adding.completed, []  # type: ignore[var-annotated]

    def remember(_record: Any, share: Any) -> bool:
        shares[:] = [share]
        return True

    patch.setattr(adding, "has_share", remember)
    patch.setattr(adding, "completed", whole)


def half_read(patch: pytest.MonkeyPatch) -> None:
    """A document is listed while it is still being read."""

    def seen_by(self: Any, audience: Any, hidden: Any = frozenset()) -> Any:
        shares = tuple(share for share in self.shares if share.channel in audience and share not in hidden)
        return self.document(shares) if shares else None

    patch.setattr(stored.StoredDocument, "seen_by", seen_by)
    patch.setattr(library, "WHOLE", [stored.WHOLE, stored.OPEN])


def left_words(patch: pytest.MonkeyPatch) -> None:
    """What is gone keeps its chunks and pages."""

    async def nothing(_self: records.Records, _document_id: str) -> None:
        return

    patch.setattr(records.Records, "collect", nothing)


def stale_search(patch: pytest.MonkeyPatch) -> None:
    """A search believes its chunks, whatever the records say by then."""

    async def seen(self: Any, some: Any, readable_by: Any) -> list[Any]:
        return [record.document(record.shares) for record in some]

    patch.setattr(library.Library, "_seen", seen)


def not_shown(patch: pytest.MonkeyPatch) -> None:
    """A document is shared in one more conversation, and its chunks are not found there."""

    async def nothing(_self: records.Records, _record: Any) -> None:
        return

    patch.setattr(records.Records, "show", nothing)


def old_version(patch: pytest.MonkeyPatch) -> None:
    """The older of two versions takes the newer one's place."""
    patch.setattr(adding, "is_replaced_by", lambda old, new: stored.name_key(old) == stored.name_key(new))
    patch.setattr(adding, "is_newer", lambda _other, _share: False)


Scene = list[tuple[str, tuple[Any, ...]]]
HERE, THERE = ("share", (0, 0, "C1", "U1", "a.txt")), ("share", (1, 0, "C2", "U2", "b.txt"))
NEWER, FORGET = ("share", (1, 1, "C1", "U1", "a.txt")), ("forget_person", (1, "U1"))
SCENES: dict[Plant, Scene] = {
    lost_update: [HERE, THERE],
    brought_back: [HERE, FORGET],
    half_read: [HERE],
    left_words: [HERE, FORGET],
    stale_search: [HERE, ("delete_file", (1, 0))],
    not_shown: [HERE, THERE],
    old_version: [HERE, NEWER],
}
TURNS = (1, 4, 8, 40)  # of the first part before the second begins; by the last it has ended


def play(scene: Scene, turns: int) -> None:
    """Let the machine see a scene to its end; raise AssertionError where something does not hold."""
    machine = EveryState()
    try:
        machine.begin()
        for name, arguments in scene:
            getattr(machine, name)(*arguments)
            for _ in range(turns):
                if any(job.turn for job in machine.jobs):
                    machine.go_on(0, 1)
        while any(job.turn for job in machine.jobs):
            machine.go_on(1, 1)  # the last that began goes first
    finally:
        machine.teardown()


@pytest.mark.parametrize("plant", SCENES)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        for turns in TURNS:
            play(SCENES[plant], turns)


@pytest.mark.parametrize("turns", TURNS)
def test_where_nothing_is_planted_nothing_is_caught(turns: int) -> None:
    for scene in ([HERE, THERE], [HERE, FORGET], [HERE, NEWER]):
        play(scene, turns)
