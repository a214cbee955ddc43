"""Who is in the next decode: a token for each answer, the rest for prompts; and who gets in from the line."""

from collections import Counter

from bot.engine.errors import Busy, TooLong
from bot.engine.sequence import Sequence, common_beginning
from bot.engine.slots import WORTH_SHARING, Slots


class Scheduler:
    """The waiting line and the running sequences; never sees a tensor.

    A newcomer waits in line; it is let in when its worst case fits, so that nothing is ever preempted. The line goes
    round the people, in order of arrival for each. Nobody holds more than three quarters of the slots and cells.
    One that must be alone waits until nobody else runs, and lets nobody in.
    """

    def __init__(self, slots: Slots, *, slot_count: int, waiting: int) -> None:
        self.slots = slots
        self.line: list[Sequence] = []
        self.running: list[Sequence] = []
        self._waiting = waiting
        self._slots_a_person = max(1, slot_count - max(1, slot_count // 4))
        self._cells_a_person = slots.cells * 3 // 4
        self._served: Counter[str] = Counter()  # when each person was last let in
        self._turn = 0

    def add(self, sequence: Sequence) -> None:
        """Put a newcomer in line; raise Busy or TooLong."""
        if sequence.longest > self.slots.cells:
            raise TooLong(sequence.prompt, self.slots.cells - sequence.answer_tokens + 1)
        if len(self.line) >= self._waiting:
            raise Busy(len(self.line))
        self.line.append(sequence)

    def remove(self, sequence: Sequence, *, spoilt: bool = False) -> None:
        """Take out a sequence that has ended, whatever the reason; harmless twice."""
        if sequence in self.line:
            self.line.remove(sequence)
        elif sequence in self.running:
            self.running.remove(sequence)
            self.slots.give_back(sequence, spoilt=spoilt)

    def admit(self) -> list[Sequence]:
        """Let in whom there is room for, and return them."""
        admitted = []
        while self.line and (sequence := self._next_in_line()) and self._fits(sequence):
            self.line.remove(sequence)
            self.running.append(sequence)
            self._turn += 1
            self._served[sequence.person] = self._turn
            admitted.append(sequence)
        if len(self._served) > 10_000:  # people; the oldest turns say nothing any more
            self._served = Counter(dict(self._served.most_common(1_000)))
        return admitted

    def next_batch(self, room: int) -> list[tuple[Sequence, int]]:
        """Fill one decode of at most `room` prompt tokens: the oldest prompt gets half, the shortest ones the rest."""
        batch = [(sequence, 1) for sequence in self.running if sequence.is_decoding]
        if len(batch) == len(self.running):
            return batch
        prompts = [sequence for sequence in self.running if not sequence.is_decoding and not self._follows(sequence)]
        oldest = prompts[0]
        first = min(oldest.todo, max(1, room // 2))
        room -= first
        shares = {oldest: first}
        for sequence in sorted(prompts, key=lambda each: each.todo):
            more = min(sequence.todo - shares.get(sequence, 0), room)
            if more > 0:
                shares[sequence] = shares.get(sequence, 0) + more
                room -= more
        return batch + list(shares.items())

    def in_order(self) -> list[Sequence]:
        """Return the line in the order in which it will be let in: round the people, each one's oldest first."""
        rank: Counter[str] = Counter()
        keys = {}
        for position, sequence in enumerate(self.line):
            keys[sequence] = (rank[sequence.person], self._served[sequence.person], position)
            rank[sequence.person] += 1
        return sorted(self.line, key=keys.__getitem__)

    def _next_in_line(self) -> Sequence | None:
        """Return the first in line of the person who was let in longest ago and may have more."""
        firsts: dict[str, Sequence] = {}
        for sequence in self.line:
            firsts.setdefault(sequence.person, sequence)
        allowed = [sequence for sequence in firsts.values() if self._may_have_more(sequence)]
        return min(allowed, key=lambda each: self._served[each.person], default=None)

    def _fits(self, sequence: Sequence) -> bool:
        """Give a sequence a slot, unless it or one that runs must be alone."""
        if self.running and (sequence.alone or self.running[0].alone):
            return False
        return self.slots.take(sequence)

    def _may_have_more(self, sequence: Sequence) -> bool:
        running = [each for each in self.running if each.person == sequence.person]
        if not running:
            return True
        cells = sum(each.longest for each in running) + sequence.longest
        return len(running) < self._slots_a_person and cells <= self._cells_a_person

    def _follows(self, sequence: Sequence) -> bool:
        """Tell whether an older prompt is computing what this one begins with; take over what is ready."""
        self._share(sequence)
        for leader in self.running:
            if leader is sequence:
                return False
            if leader.is_decoding:
                continue
            common = common_beginning(leader.tokens, sequence.tokens, sequence.prompt - 1)
            if leader.seen < common and common >= sequence.seen + WORTH_SHARING:
                return True
        return False

    def _share(self, sequence: Sequence) -> None:
        if len(self.running) > 1:
            self.slots.share(sequence)
