"""The places of the KV cache: what each still remembers, whose it is, and how many cells that takes."""

from dataclasses import dataclass, field
from typing import Protocol

from bot.engine.cells import Cells, distinct_cells
from bot.engine.kv_offload import KvOffload
from bot.engine.sequence import Sequence, common_beginning

WORTH_SHARING = 16  # tokens; fewer are computed again sooner than looked after
WORTH_PARKING = 64  # tokens beyond what another slot remembers


class Cache(Protocol):
    """The KV cache itself: llama.cpp's, or the one of a test."""

    whole_only: bool  # a saved state can't be cut: the model's memory is no plain list of tokens

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Let an empty slot share the first tokens of another."""

    def trim(self, slot: int, tokens: int) -> None:
        """Keep only the first tokens of a slot."""

    def reusable(self, slot: int, tokens: int) -> bool:
        """Tell whether the first tokens of a slot can be gone on from, in it or in a copy."""

    def save(self, slot: int) -> bytes:
        """Return what a slot holds."""

    def load(self, slot: int, state: bytes) -> bool:
        """Put saved state into an empty slot; False if the cache can't take it."""


@dataclass
class Slot:
    """One place: the tokens whose KV it holds, the cells they take, and the sequence that owns it now."""

    number: int
    tokens: list[int] = field(default_factory=list)
    cells: Cells = field(default_factory=Cells)
    sequence: Sequence | None = None
    used: int = 0  # when it was given back; the smallest goes first

    def held(self) -> int:
        """Return how many tokens' KV is here."""
        return self.sequence.seen if self.sequence else len(self.tokens)

    def remembered(self) -> list[int]:
        """Return tokens of which the first `held()` have their KV here."""
        return self.sequence.tokens if self.sequence else self.tokens


class Slots:
    """All places: finds the longest common beginning for a newcomer, and makes room for it."""

    def __init__(self, count: int, cells: int, cache: Cache, parked_bytes: int = 0) -> None:
        self.cells = cells
        self.kv_offload = KvOffload(parked_bytes)
        self.restored = 0
        self._cache = cache
        self._slots = [Slot(number) for number in range(count)]
        self._clock = 0
        self._next_cell = 0

    def take(self, sequence: Sequence) -> bool:
        """Give the sequence a slot with all it can be given of what is remembered; False if there is no room."""
        free = [slot for slot in self._slots if slot.sequence is None]
        if not free or self._take_parked(sequence, free):
            return bool(free)
        source, common = self._best(sequence)
        if not self._fits(sequence, source, common):
            return False
        target = self._target(free, source, common)
        self._make_room(sequence, target, source, common)
        if target is source:
            self._trim(target, common)
        else:
            self._empty(target)
            self._copy(source, target, common)
        self._assign(target, sequence, common)
        return True

    def share(self, sequence: Sequence) -> None:
        """Let a sequence that has seen less take over what another slot has seen since."""
        source, common = self._best(sequence)
        if source is None or common < sequence.seen + WORTH_SHARING:
            return
        target = self._slots[_number(sequence)]
        self._cache.trim(target.number, 0)
        self._cache.copy(source.number, target.number, common)
        target.cells = source.cells.first(common)
        self._begin_run(target, sequence)
        sequence.reused += common - sequence.seen
        sequence.seen = common

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Note that the model has seen more of a sequence."""
        sequence.seen += tokens
        self._slots[_number(sequence)].cells.grow(tokens)

    def give_back(self, sequence: Sequence, *, spoilt: bool = False) -> None:
        """Free the slot; what it has seen is kept for the next one unless a failed decode spoilt it."""
        slot = self._slots[_number(sequence)]
        slot.tokens = sequence.tokens[: sequence.seen]
        slot.sequence = sequence.slot = None
        self._clock += 1
        slot.used = self._clock
        if spoilt:
            self._empty(slot, park=False)

    def running(self) -> list[Sequence]:
        """Return the sequences that own a slot."""
        return [slot.sequence for slot in self._slots if slot.sequence]

    def used(self) -> int:
        """Return how many cells are held, shared ones counted once."""
        return distinct_cells(*(slot.cells for slot in self._slots))

    def contents(self) -> list[int]:
        """Return how many tokens each slot holds."""
        return [slot.held() for slot in self._slots]

    def check(self) -> None:
        """Count everything; raise if a cell is missing or one too many."""
        for slot in self._slots:
            if sum(length for _, length in slot.cells.runs) != slot.held():
                raise AssertionError(f"slot {slot.number} lost count of its cells")
            if slot.sequence and slot.sequence.slot != slot.number:
                raise AssertionError(f"slot {slot.number} and its sequence disagree")
        if self.used() > self.cells:
            raise AssertionError(f"{self.used()} cells held, there are {self.cells}")

    def forget(self) -> None:
        """Drop all that is remembered but not owned, whatever the count says."""
        for slot in self._slots:
            if slot.sequence is None:
                self._cache.trim(slot.number, 0)
                slot.tokens, slot.cells = [], Cells()
        self.kv_offload = KvOffload(self.kv_offload.budget)

    # How much is spoken for: what the owners hold and all that they may still need.

    def _fits(self, sequence: Sequence, source: Slot | None, common: int) -> bool:
        shared = source.cells.first(common) if source else Cells()
        return self._committed(shared) + sequence.longest - common <= self.cells

    def _committed(self, *shared: Cells) -> int:
        owned = [slot for slot in self._slots if slot.sequence]
        outstanding = sum(slot.sequence.longest - slot.sequence.seen for slot in owned if slot.sequence)
        return distinct_cells(*(slot.cells for slot in owned), *shared) + outstanding

    def _make_room(self, sequence: Sequence, target: Slot, source: Slot | None, common: int, extra: int = 0) -> None:
        """Empty idle slots, the longest unused first, until the worst case fits."""
        outstanding = sum(owner.longest - owner.seen for owner in self.running())
        need = outstanding + sequence.longest - common + extra
        idle = [slot for slot in self._slots if slot.sequence is None and slot is not target and slot is not source]
        for victim in sorted(idle, key=lambda slot: slot.used):
            if self._cells_kept(target, source, common) + need <= self.cells:
                return
            self._empty(victim)
        spare = source is not None and source is not target and source.sequence is None
        if spare and source and self._cells_kept(target, source, common) + need > self.cells:
            self._park(source)
            self._trim(source, common)

    def _cells_kept(self, target: Slot, source: Slot | None, common: int) -> int:
        """Count the cells that stay held once the target has been emptied down to what it shares."""
        others = [slot.cells for slot in self._slots if slot is not target]
        return distinct_cells(*others, source.cells.first(common) if source else Cells())

    # What is remembered.

    def _best(self, sequence: Sequence) -> tuple[Slot | None, int]:
        """Return the slot with the longest common beginning; the prompt's last token is always computed."""
        best, longest = None, 0
        for slot in self._slots:
            if slot.sequence is sequence:
                continue
            common = common_beginning(slot.remembered(), sequence.tokens, min(slot.held(), sequence.prompt - 1))
            if common > max(longest, WORTH_SHARING - 1) and self._cache.reusable(slot.number, common):
                best, longest = slot, common
        return best, longest

    def _target(self, free: list[Slot], source: Slot | None, common: int) -> Slot:
        """Choose the source itself if most of it stays useful, else the place that is least worth keeping."""
        if source in free and source is not None and 2 * common >= len(source.tokens):
            return source
        others = [slot for slot in free if slot is not source]
        if not others:
            self._park(free[0])
        return min(others or free, key=_worth)

    def _take_parked(self, sequence: Sequence, free: list[Slot]) -> bool:
        """Bring a parked state back if it knows more of the beginning than any slot."""
        parked, common = self.kv_offload.best(sequence.tokens, sequence.prompt - 1, whole=self._cache.whole_only)
        need = max(sequence.longest, len(parked))  # it is loaded whole, then trimmed
        if common < self._best(sequence)[1] + WORTH_SHARING or self._committed() + need > self.cells:
            return False
        state, target = self.kv_offload.get(parked), min(free, key=_worth)
        self._make_room(sequence, target, None, 0, extra=need - sequence.longest)
        self._empty(target)
        if not self._cache.load(target.number, state):
            self.kv_offload.drop(parked)
            return False
        self.restored += 1
        target.tokens, target.cells = list(parked), Cells([(self._next_cell, len(parked))])
        self._next_cell += len(parked)
        self._trim(target, common)
        self._assign(target, sequence, common)
        return True

    def _assign(self, slot: Slot, sequence: Sequence, common: int) -> None:
        slot.sequence, slot.tokens = sequence, []
        sequence.slot, sequence.seen, sequence.reused = slot.number, common, common
        self._begin_run(slot, sequence)

    def _begin_run(self, slot: Slot, sequence: Sequence) -> None:
        """Set numbers aside for all cells that the sequence may still take, so that they are one run."""
        slot.cells.runs.append((self._next_cell, 0))
        self._next_cell += sequence.longest + 1

    def _copy(self, source: Slot | None, target: Slot, common: int) -> None:
        if source is not None:
            self._cache.copy(source.number, target.number, common)
            target.cells = source.cells.first(common)

    def _trim(self, slot: Slot, tokens: int) -> None:
        if tokens < len(slot.tokens):
            self._cache.trim(slot.number, tokens)
        slot.tokens = slot.tokens[:tokens]
        slot.cells = slot.cells.first(tokens)

    def _empty(self, slot: Slot, *, park: bool = True) -> None:
        """Empty a slot, parking what only it remembers."""
        if park:
            self._park(slot)
        if slot.tokens or slot.cells.runs:
            self._cache.trim(slot.number, 0)
        slot.tokens, slot.cells = [], Cells()

    def _park(self, slot: Slot) -> None:
        if self.kv_offload.budget and self._unshared_cells(slot) >= WORTH_PARKING:
            self.kv_offload.put(slot.tokens, self._cache.save(slot.number))

    def _unshared_cells(self, slot: Slot) -> int:
        """Return how many of its tokens no other slot and no parked state remembers."""
        size = len(slot.tokens)
        others = [
            common_beginning(other.remembered(), slot.tokens, min(other.held(), size))
            for other in self._slots
            if other is not slot
        ]
        return size - max([*others, self.kv_offload.best(slot.tokens, size)[1]])


def _worth(slot: Slot) -> tuple[bool, int]:
    return bool(slot.tokens), slot.used


def _number(sequence: Sequence) -> int:
    if sequence.slot is None:
        raise ValueError("this sequence has no slot")
    return sequence.slot
