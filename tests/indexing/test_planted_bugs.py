"""The state machine is not blind: of each kind of fault one is planted, and it is caught.

Slow: `nice python -m pytest -m slow tests/indexing/test_planted_bugs.py`; each bug gets as many runs as it needs,
`PLANTED` (500) at most.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from indexing import adding, library, records, stored
from tests.indexing.every_state import EveryState

pytestmark = pytest.mark.slow
UNTIL_CAUGHT = settings(
    max_examples=int(os.environ.get("PLANTED", "500")), stateful_step_count=30, deadline=None, database=None,
    derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
)  # fmt: skip
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


@pytest.mark.parametrize(
    "plant", [lost_update, brought_back, half_read, left_words, stale_search, not_shown, old_version]
)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(EveryState, settings=UNTIL_CAUGHT)
