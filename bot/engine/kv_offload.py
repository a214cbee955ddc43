"""KV states of threads that fell out of the slots, in host memory until they go on."""

from collections import OrderedDict

from bot.engine.sequence import common_beginning


class KvOffload:
    """KV states in host memory, under a byte budget; the longest unused goes first."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.bytes = 0
        self._states: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def put(self, tokens: list[int], state: bytes) -> None:
        """Keep a state, dropping older ones until the budget holds."""
        key = tuple(tokens)
        self.drop(key)
        if len(state) > self.budget:
            return
        for other in [other for other in self._states if other == key[: len(other)]]:
            self.drop(other)  # the new one says it all
        self._states[key] = state
        self.bytes += len(state)
        while self.bytes > self.budget:
            self.drop(next(iter(self._states)))

    def drop(self, key: tuple[int, ...]) -> None:
        """Forget a state, if it is here."""
        self.bytes -= len(self._states.pop(key, b""))

    def best(self, tokens: list[int], limit: int, *, whole: bool = False) -> tuple[tuple[int, ...], int]:
        """Return the state with the longest common beginning, and its length; `whole`: it must all be common."""
        best: tuple[tuple[int, ...], int] = ((), 0)
        for key in self._states:
            if key[: best[1] + 1] == tuple(tokens[: best[1] + 1]):
                common = common_beginning(list(key), tokens, limit)
                if common > best[1] and (common == len(key) or not whole):
                    best = (key, common)
        return best

    def get(self, key: tuple[int, ...]) -> bytes:
        """Return a state and remember that it was used."""
        self._states.move_to_end(key)
        return self._states[key]
