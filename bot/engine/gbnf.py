"""Grammars as llama.cpp writes them (GBNF), read into rules."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

TOKEN = re.compile(
    r'\s+|#[^\n]*|(?P<literal>"(?:\\.|[^"\\])*")|(?P<set>\[(?:\\.|[^\]\\])*\])|(?P<rule>[A-Za-z0-9-]+)\s*::='
    r"|(?P<name>[A-Za-z0-9-]+)|(?P<times>[*+?]|\{\d+(?:,\d*)?\})|(?P<mark>[|().])",
    re.DOTALL,
)
CHARACTER = re.compile(r"\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)|(.)", re.DOTALL)
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
ANY = ((0, 0x10FFFF),)
LIKED = "1aA -…"  # where any of many characters would do

Range = tuple[int, int]  # first and last code point


@dataclass(frozen=True)
class Characters:
    """Those that may stand in one place."""

    ranges: tuple[Range, ...]

    def __contains__(self, character: str) -> bool:
        point = ord(character)
        return any(first <= point <= last for first, last in self.ranges)

    @property
    def only_one(self) -> bool:
        """Tell whether there is no choice."""
        return len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]

    def example(self) -> str:
        """Return one of them."""
        return next((liked for liked in LIKED if liked in self), chr(self.ranges[0][0]))

    def without(self, others: Iterable[Range]) -> "Characters":
        """Return these less some."""
        left = list(self.ranges)
        for first, last in others:
            cut = [part for start, end in left for part in ((start, min(end, first - 1)), (max(start, last + 1), end))]
            left = [part for part in cut if part[0] <= part[1]]
        return Characters(tuple(left))

    def written(self) -> str:
        """Return the set as GBNF writes it."""
        return "[" + "".join(f"\\U{first:08X}-\\U{last:08X}" for first, last in self.ranges) + "]"


Symbol = Characters | int  # a place for one character, or a rule's number
Alternative = tuple[Symbol, ...]


@dataclass(frozen=True)
class Grammar:
    """Rules by number, each a list of alternatives; `root` is the whole answer."""

    rules: tuple[tuple[Alternative, ...], ...]
    root: int


@lru_cache(maxsize=32)
def read(text: str) -> Grammar:
    """Read a grammar that llama.cpp takes; raise ValueError for the parts of GBNF that only it knows."""
    reader = Reader()
    for kind, token in _tokens(text):
        getattr(reader, kind)(token)
    return reader.end()


class Reader:
    """Reads without recursion, as nested optional parts go a thousand deep."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rules: list[list[Alternative]] = []
        self._open: list[tuple[int, list[Alternative], list[Symbol]]] = []  # rule, earlier alternatives, this one
        self._last = 0  # where the part of this alternative begins that `*` would repeat

    def rule(self, name: str) -> None:
        """Begin a named rule; the one before has ended."""
        if self._open:
            self._close()
        self._begin(self._number(name))

    def name(self, name: str) -> None:
        """Go through another rule."""
        self._append(self._number(name))

    def literal(self, text: str) -> None:
        """Want these very characters."""
        self._append(*(Characters(((point, point),)) for point, _ in points(text[1:-1])))

    def set(self, text: str) -> None:
        """Want one of these."""
        self._append(characters(text))

    def mark(self, mark: str) -> None:
        """Group, or offer another alternative."""
        match mark:
            case "(":
                self._begin(self._new())
            case ")":
                self._append(self._close())
            case "|":
                _, alternatives, line = self._open[-1]
                alternatives.append(tuple(line))
                line.clear()
            case ".":
                self._append(Characters(ANY))

    def times(self, text: str) -> None:
        """Repeat what came last."""
        least, most = _times(text)
        line = self._open[-1][2]
        item = tuple(line[self._last :])
        line[self._last :] = item * least
        if most is None:
            line.append(again := self._new())
            self._rules[again] = [(*item, again), ()]
            return
        rest: Alternative = ()
        for _ in range(most - least):
            once = self._new()
            self._rules[once] = [(*item, *rest), ()]
            rest = (once,)
        line += rest

    def end(self) -> Grammar:
        """Return the whole."""
        self._close()
        return Grammar(tuple(map(tuple, self._rules)), self._numbers["root"])

    def _append(self, *symbols: Symbol) -> None:
        line = self._open[-1][2]
        self._last = len(line)
        line += symbols

    def _begin(self, rule: int) -> None:
        self._open.append((rule, [], []))

    def _close(self) -> int:
        rule, alternatives, line = self._open.pop()
        self._rules[rule] = [*alternatives, tuple(line)]
        return rule

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._new()
        return self._numbers[name]

    def _new(self) -> int:
        self._rules.append([])
        return len(self._rules) - 1


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    offset = 0
    while offset < len(text):
        match = TOKEN.match(text, offset)
        if not match:
            raise ValueError(f"this grammar holds what only llama.cpp knows: {text[offset : offset + 20]!r}")
        offset = match.end()
        if match.lastgroup:
            yield match.lastgroup, match[match.lastgroup]


def characters(text: str) -> Characters:
    """Read `[a-z]` or `[^a-z]`."""
    negated = text.startswith("[^")
    marked, ranges, at = list(points(text[1 + negated : -1])), [], 0
    while at < len(marked):
        ranged = at + 2 < len(marked) and marked[at + 1] == (ord("-"), False)
        ranges.append((marked[at][0], marked[at + 2][0] if ranged else marked[at][0]))
        at += 3 if ranged else 1
    return Characters(ANY).without(ranges) if negated else Characters(tuple(ranges))


def points(text: str) -> Iterator[tuple[int, bool]]:
    """Yield the code points of a literal or a set, and whether each was written with a backslash."""
    for match in CHARACTER.finditer(text):
        *hexadecimal, escaped, plain = match.groups()
        if plain is not None:
            yield ord(plain), False
        elif escaped is not None:
            yield ord(ESCAPED.get(escaped, escaped)), True
        else:
            yield int(next(filter(None, hexadecimal)), 16), True


def _times(text: str) -> tuple[int, int | None]:
    """Return how often at least, and at most."""
    if text in ("*", "+", "?"):
        return int(text == "+"), 1 if text == "?" else None
    least, comma, most = text[1:-1].partition(",")
    return int(least), int(most) if most else None if comma else int(least)
