"""An answer within a grammar ends in time: before its last tokens run out, the shortest ending is said instead."""

import codecs
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from bot.engine import gbnf
from bot.engine.errors import DecodeFailed
from bot.engine.gbnf import Characters, Grammar, Symbol

CHOICE = 8  # weight of a character that nothing prescribes: `null` weighs less than an invented string or number
LONGEST_CHARACTER = 4  # bytes in UTF-8

Stack = tuple[Symbol, ...]  # what is still to come, the next symbol last
Ending = tuple[int, str]  # weight, text


class Machine:
    """A grammar that can be walked through, character by character."""

    def __init__(self, grammar: Grammar) -> None:
        self._rules = [[alternative[::-1] for alternative in rule] for rule in grammar.rules]
        self._shortest = _shortest(grammar)
        self.begin = self._ready([(grammar.root,)])

    def step(self, stacks: Iterable[Stack], character: str) -> frozenset[Stack]:
        """Return all ways to go on after a character."""
        return self._ready(stack[:-1] for stack in stacks if stack and character in stack[-1])  # type: ignore[operator]

    def ending(self, stack: Stack) -> Ending:
        """Return the shortest text that ends what is still to come."""
        parts = [self._shortest[symbol] if isinstance(symbol, int) else _of(symbol) for symbol in reversed(stack)]
        return sum(weight for weight, _ in parts), "".join(text for _, text in parts)

    def _ready(self, stacks: Iterable[Stack]) -> frozenset[Stack]:
        """Go through rules until each way has a character next, or nothing."""
        todo, seen = list(stacks), set()
        while todo:
            stack = todo.pop()
            if stack in seen:
                continue
            seen.add(stack)
            if stack and isinstance(rule := stack[-1], int):
                todo += [stack[:-1] + alternative for alternative in self._rules[rule]]
        return frozenset(stack for stack in seen if not stack or isinstance(stack[-1], Characters))


def _of(symbol: Characters) -> Ending:
    return 1 if symbol.only_one else CHOICE, symbol.example()


def _shortest(grammar: Grammar) -> list[Ending]:
    """Return the shortest text of each rule."""
    endings: dict[int, Ending] = {}
    changed = True
    while changed:
        changed = False
        for number, rule in enumerate(grammar.rules):
            for alternative in rule:
                if any(isinstance(symbol, int) and symbol not in endings for symbol in alternative):
                    continue
                parts = [endings[symbol] if isinstance(symbol, int) else _of(symbol) for symbol in alternative]
                ending = sum(weight for weight, _ in parts), "".join(text for _, text in parts)
                if number not in endings or ending[0] < endings[number][0]:
                    endings[number], changed = ending, True
    if len(endings) < len(grammar.rules):
        raise ValueError("a rule of this grammar never ends")
    return [endings[number] for number in range(len(grammar.rules))]


@lru_cache(maxsize=32)
def machine_of(grammar: str) -> Machine:
    """Return the machine of a grammar in GBNF; raise ValueError."""
    return Machine(gbnf.read(grammar))


class GrammarPosition:
    """How far an answer has come in its grammar."""

    def __init__(self, machine: Machine, stacks: frozenset[Stack], partial: bytes = b"") -> None:
        self._machine = machine
        self._stacks = stacks
        self.partial = partial  # of a character that more bytes will complete

    def after(self, piece: bytes) -> "GrammarPosition":
        """Return the place after more bytes; raise DecodeFailed if the grammar does not allow them."""
        data, stacks = self.partial + piece, self._stacks
        text, used = codecs.utf_8_decode(data, "replace", False)
        for character in text:
            stacks = self._machine.step(stacks, character)
        if not stacks:
            raise DecodeFailed("an answer left its grammar")
        return GrammarPosition(self._machine, stacks, data[used:])

    def ending(self) -> bytes:
        """Return the shortest text from here to an end."""
        return min(map(self._machine.ending, self._stacks))[1].encode()

    def enough_bytes(self) -> int:
        """Return how many bytes suffice to end, also from within a character."""
        if not self.partial:
            return len(self.ending())
        rests = [self._machine.ending(stack[:-1])[1].encode() for stack in self._stacks if stack]
        return LONGEST_CHARACTER + max(map(len, rests))


class Speller(Protocol):
    """The words of a model."""

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token says."""

    def spell(self, text: bytes) -> list[int]:
        """Return tokens that say exactly these bytes."""


class Closer:
    """Watches one answer, and ends it when no more tokens could be afforded before its end."""

    def __init__(self, grammar: str, vocabulary: Speller, end: int) -> None:
        machine = machine_of(grammar)
        self._position = GrammarPosition(machine, machine.begin)
        self._vocabulary = vocabulary
        self._end = end
        self._rest: deque[int] = deque()
        self.cut = False  # the ending is not the model's

    def within_room(self, token: int, room: int) -> int:
        """Return the token that is really said: the model's, if after it there is room for an end.

        `room` counts the tokens that may still be said, this one included. A token within a character always passes:
        its room was counted when the character began.
        """
        if not self.cut:
            after = self._position.after(self._vocabulary.piece(token))
            if self._position.partial or self._fits(after, room - 1):
                self._position = after
                return token
            self.cut = True
            self._rest.extend([*self._vocabulary.spell(self._position.ending()), self._end])
        return self._rest.popleft()

    def least_tokens(self) -> int:
        """Return how many tokens the shortest answer takes."""
        return len(self._vocabulary.spell(self._position.ending()))

    def _fits(self, position: GrammarPosition, room: int) -> bool:
        if position.enough_bytes() <= room:
            return True
        return not position.partial and len(self._vocabulary.spell(position.ending())) <= room
