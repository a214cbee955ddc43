"""The numbers that Word prints before paragraphs and does not write into them: 2.3, Article 4, (b), bullets."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn

from indexing.reading.word.styles import Styles, value_of

LEVELS = 9
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
         (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
PLACE = re.compile(r"%([1-9])")
MOST_LETTERS = 20  # of a number in letters: aaa… beyond that is no number


@dataclass(frozen=True)
class Level:
    """How one level of a list is numbered."""

    style: str  # the format: decimal, lowerLetter, bullet …
    pattern: str  # %1.%2
    start: int
    legal: bool  # all numbers in it are decimal
    restarts_after: int  # the level whose next number begins it anew; 0 for never


@dataclass
class Numbering:
    """All lists of a file, and where each stands while its paragraphs are read in order."""

    levels: dict[tuple[str, int], Level] = field(default_factory=dict)  # of an abstract list
    abstract: dict[str, str] = field(default_factory=dict)  # of each list, what it is an instance of
    overrides: dict[tuple[str, int], Level] = field(default_factory=dict)
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)
    _counts: defaultdict[str, list[int | None]] = field(default_factory=lambda: defaultdict(lambda: [None] * LEVELS))
    _seen: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, root: Any) -> "Numbering":
        """Read numbering.xml; None where the file has none."""
        numbering = cls()
        if root is None:
            return numbering
        for abstract in root.findall(qn("w:abstractNum")):
            identity = str(abstract.get(qn("w:abstractNumId")))
            for level in abstract.findall(qn("w:lvl")):
                numbering.levels[identity, number_of(level.get(qn("w:ilvl")))] = level_of(level)
        for instance in root.findall(qn("w:num")):
            numbering._add_instance(instance)
        return numbering

    def _add_instance(self, instance: Any) -> None:
        identity = str(instance.get(qn("w:numId")))
        self.abstract[identity] = value_of(instance.find(qn("w:abstractNumId")))
        for override in instance.findall(qn("w:lvlOverride")):
            place = identity, number_of(override.get(qn("w:ilvl")))
            if (start := override.find(qn("w:startOverride"))) is not None:
                self.restarts[place] = number_of(value_of(start))
            if (level := override.find(qn("w:lvl"))) is not None:
                self.overrides[place] = level_of(level)

    def label(self, paragraph: Any, styles: Styles) -> str:
        """Return what Word prints before a paragraph, and count it; "" where it prints nothing."""
        identity, depth = styles.list_of(paragraph)
        level = self._level(identity, depth)
        if not level:
            return ""
        counts = self._count(identity, depth, level)
        if level.style == "bullet":
            return "•"
        return PLACE.sub(lambda match: self._number(identity, int(match[1]) - 1, counts, level), level.pattern).strip()

    def _level(self, identity: str, depth: int) -> Level | None:
        return self.overrides.get((identity, depth)) or self.levels.get((self.abstract.get(identity, ""), depth))

    def _count(self, identity: str, depth: int, level: Level) -> list[int | None]:
        """Count one paragraph; lists of one abstract list go on counting together, as Word does."""
        counts = self._counts[self.abstract[identity]]
        if (identity, depth) in self.restarts and (identity, depth) not in self._seen:
            counts[depth] = None
        self._seen.add((identity, depth))
        before = counts[depth]
        counts[depth] = self.restarts.get((identity, depth), level.start) if before is None else before + 1
        for deeper in range(depth + 1, LEVELS):
            below = self._level(identity, deeper)
            if below and below.restarts_after > 0 and depth < below.restarts_after:
                counts[deeper] = None
        return counts

    def _number(self, identity: str, depth: int, counts: list[int | None], printed: Level) -> str:
        level = self._level(identity, depth)
        count = counts[depth]
        if count is None:
            count = level.start if level else 1
            counts[depth] = count
        return written_number(count, "decimal" if printed.legal or not level else level.style)


def level_of(element: Any) -> Level:
    """Read one level."""
    depth = number_of(element.get(qn("w:ilvl")))
    restart = element.find(qn("w:lvlRestart"))
    return Level(
        style=value_of(element.find(qn("w:numFmt"))) or "decimal", pattern=value_of(element.find(qn("w:lvlText"))),
        start=number_of(value_of(element.find(qn("w:start"))) or "0"), legal=element.find(qn("w:isLgl")) is not None,
        restarts_after=depth if restart is None else number_of(value_of(restart)),
    )  # fmt: skip


def number_of(text: str | None) -> int:
    """Return a whole number; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < MOST_LETTERS else 0


def written_number(count: int, style: str) -> str:
    """Write a number as a list does: 3, c, iii, 03."""
    if style in {"lowerLetter", "upperLetter"} and 0 < count <= 26 * MOST_LETTERS:
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if style == "upperLetter" else letters
    if style in {"lowerRoman", "upperRoman"} and 0 < count < 4000:
        return roman(count).upper() if style == "upperRoman" else roman(count)
    if style == "none":
        return ""
    return f"{count:02}" if style == "decimalZero" else str(count)


def roman(count: int) -> str:
    """Write a number in small Roman letters."""
    text = ""
    for value, letters in ROMAN:
        text += letters * (count // value)
        count %= value
    return text
