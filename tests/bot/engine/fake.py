"""A model whose next token depends on all tokens before it, with a KV cache that notices every mistake."""

import hashlib
import pickle

from bot.engine.errors import DecodeFailed
from bot.engine.sequence import Sequence

END = 0
WORDS = 200


def next_token(tokens: list[int]) -> int:
    """Return what the model says after these tokens; END now and then."""
    return int.from_bytes(hashlib.blake2b(pickle.dumps(tokens), digest_size=4).digest()) % WORDS


def answer(prompt: list[int], longest: int) -> list[int]:
    """Return what the model answers when it is alone."""
    tokens: list[int] = []
    while len(tokens) < longest and (token := next_token(prompt + tokens)) != END:
        tokens.append(token)
    return tokens


class FakeModel:
    """Cells are real here: each is counted, shared ones once, and there are no more than there are."""

    def __init__(self, *, slots: int, cells: int, batch_tokens: int = 64) -> None:
        self.cells = cells
        self.batch_tokens = batch_tokens
        self.memory: list[list[tuple[object, int]]] = [[] for _ in range(slots)]  # cell, token
        self.computed = 0
        self.open: set[Sequence] = set()  # those whose sampler holds memory
        self.closed = False
        self.failures = 0  # how many of the next decodes fail
        self.stuck: set[Sequence] = set()  # those for which no token can be chosen
        self.batches: list[list[tuple[Sequence, int]]] = []

    def held_cells(self) -> int:
        """Count cells, shared ones once."""
        return len({id(cell) for slot in self.memory for cell, _ in slot})

    def decode(self, work: list[tuple[Sequence, int]]) -> None:
        assert sum(count for _, count in work) <= self.batch_tokens, "llama.cpp would end the process"
        self.batches.append(work)
        if self.failures:
            self.failures -= 1
            for sequence, _ in work:  # llama.cpp may have computed a part
                self.memory[sequence.slot or 0].append((object(), -1))
            raise DecodeFailed("the fake was told to")
        for sequence, count in work:
            slot = self.memory[sequence.slot or 0]
            assert [token for _, token in slot] == sequence.tokens[: sequence.seen], "the slot holds something else"
            slot += [(object(), token) for token in sequence.tokens[sequence.seen : sequence.seen + count]]
            self.computed += count
        assert self.held_cells() <= self.cells, "more cells than there are"

    def choose(self, sequences: list[Sequence]) -> list[int | DecodeFailed]:
        self.open.update(sequences)
        return [self.next(sequence) for sequence in sequences]

    def next(self, sequence: Sequence) -> int | DecodeFailed:
        if sequence in self.stuck:
            return DecodeFailed("no token fits")
        return next_token([token for _, token in self.memory[sequence.slot or 0]])

    def finish(self, sequence: Sequence) -> None:
        self.open.discard(sequence)

    def piece(self, token: int) -> bytes:
        return f"{token} ".encode()

    def is_end(self, token: int) -> bool:
        return token == END

    def held(self, slot: int) -> int:
        return len(self.memory[slot])

    def close(self) -> None:
        self.closed = True

    def copy(self, source: int, target: int, tokens: int) -> None:
        assert not self.memory[target], "llama.cpp would mix the two"
        assert tokens <= len(self.memory[source])
        self.memory[target] = self.memory[source][:tokens]

    def trim(self, slot: int, tokens: int) -> None:
        self.memory[slot] = self.memory[slot][:tokens]

    whole_only = False

    def reusable(self, slot: int, tokens: int) -> bool:
        return True

    def save(self, slot: int) -> bytes:
        return pickle.dumps([token for _, token in self.memory[slot]])

    def load(self, slot: int, state: bytes) -> bool:
        tokens = pickle.loads(state)
        assert not self.memory[slot]
        assert self.held_cells() + len(tokens) <= self.cells, "no room for the parked state"
        self.memory[slot] = [(object(), token) for token in tokens]
        return True
