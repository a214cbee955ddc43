"""Letters on a page into lines: words in order, raised figures marked, wide gaps known."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from indexing.reading.cleanup import raised
from indexing.reading.glyphs import Glyph

SAME_LINE = 0.4  # of a letter's size: baselines that are as near belong to one line
WORD_GAP, FAR_GAP = 0.2, 0.6  # of a letter's size
WIDE_GAP = 1.2  # of a letter's size: between columns, never between words
SMALL, RAISED = 0.82, 0.15  # of the line's letters: size and height of a raised figure
FAR_LABEL, LABEL_HEIGHT, SAME_EDGE = 150.0, 12.0, 10.0  # points: from a form's field to what names it
TICKS = {"☒", "☐"}
FEW_RAISED = 6  # letters that hang above a line: 2nd, 1er
FIGURES = frozenset("0123456789+-−")


@dataclass
class Segment:
    """A stretch of a line without a wide gap."""

    text: str
    left: float
    right: float
    ends: list[tuple[float, int]] = field(default_factory=list)  # where each letter ends: on the page, in the text
    filled: bool = False  # with a form's value

    @property
    def words(self) -> int:
        """Return how many words it has."""
        return len(self.text.split())


@dataclass
class TextLine:
    """What stands at one height, from left to right."""

    base: float
    size: float
    segments: list[Segment] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return it as a person reads it."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def left(self) -> float:
        return self.segments[0].left

    @property
    def right(self) -> float:
        return max(segment.right for segment in self.segments)


@dataclass(frozen=True)
class AddedText:
    """Text that is no part of the page's own: a form's value, where a link leads."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    behind: bool = False  # the word that stands there, rather than at its place


def lines_of(glyphs: Sequence[Glyph], added: Sequence[AddedText] = ()) -> list[TextLine]:
    """Return a page's lines from top to bottom."""
    groups = with_raised(grouped(glyphs))
    lines = [line_of(base, group) for base, group in groups]
    for text in added:
        put(text, lines)
    return sorted((line for line in lines if line.segments), key=lambda line: -line.base)


def grouped(glyphs: Sequence[Glyph]) -> list[tuple[float, list[Glyph]]]:
    """Group letters by the line that they stand on."""
    groups: list[tuple[float, list[Glyph]]] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph.base):
        if groups and groups[-1][0] - glyph.base <= SAME_LINE * glyph.size:
            groups[-1][1].append(glyph)
        else:
            groups.append((glyph.base, [glyph]))
    return [(median([glyph.base for glyph in group]), group) for _, group in groups]


def with_raised(groups: list[tuple[float, list[Glyph]]]) -> list[tuple[float, list[Glyph]]]:
    """Put a line of small figures that hang above the words of the next line into that line."""
    result: list[tuple[float, list[Glyph]]] = []
    for base, group in reversed(groups):
        if result and hangs_above(group, base, *result[-1]):
            result[-1][1].extend(group)
        else:
            result.append((base, group))
    return result[::-1]


def hangs_above(small: Sequence[Glyph], base: float, lower: float, line: Sequence[Glyph]) -> bool:
    """Tell whether small letters are raised figures of the line below."""
    size = median([glyph.size for glyph in line])
    if base - lower > size or any(glyph.size > SMALL * size for glyph in small):
        return False
    if len(small) > FEW_RAISED and any(glyph.text not in FIGURES for glyph in small):
        return False
    return all(any(-1 < glyph.left - other.right < size / 2 for other in line) for glyph in small[:1])


def line_of(base: float, glyphs: Sequence[Glyph]) -> TextLine:
    """Return one line: its letters in runs as they were drawn, the runs from left to right."""
    size = max(usual_size(glyphs), 1.0)
    runs: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: glyph.order):
        last = runs[-1][-1] if runs else None
        if last and glyph.order - last.order < 4 and -size / 2 < glyph.left - last.right < WIDE_GAP * size:
            runs[-1].append(glyph)
        else:
            runs.append([glyph])
    ordered = [glyph for run in sorted(runs, key=lambda run: run[0].left) for glyph in run]
    return TextLine(base, size, list(segments_of(ordered, base, size)))


def usual_size(glyphs: Sequence[Glyph]) -> float:
    """Return the size of most letters of a line."""
    sizes = sorted(glyph.size for glyph in glyphs)
    return sizes[len(sizes) * 2 // 3]


def segments_of(glyphs: Sequence[Glyph], base: float, size: float) -> Iterator[Segment]:
    """Yield the stretches of a line between wide gaps, raised figures marked."""
    begin = 0
    for index in range(1, len(glyphs) + 1):
        if index == len(glyphs) or glyphs[index].left - right_end(glyphs[begin:index]) > WIDE_GAP * size:
            stretch = glyphs[begin:index]
            ends: list[tuple[float, int]] = []
            text = words_of(stretch, base, size, ends)
            yield Segment(text, min(g.left for g in stretch), right_end(stretch), ends)
            begin = index


def right_end(glyphs: Sequence[Glyph]) -> float:
    """Return where the last letters end."""
    return max(glyph.right for glyph in glyphs[-3:])


def words_of(glyphs: Sequence[Glyph], base: float, size: float, ends: list[tuple[float, int]]) -> str:
    """Return the words of a stretch; append where each letter ends."""
    text, above, last = "", "", None
    for glyph in glyphs:
        is_raised = glyph.size < SMALL * size and glyph.base > base + RAISED * size and glyph.text in FIGURES
        if above and not is_raised:
            text, above = text + raised(text, above), ""
        if last and is_new_word(last, glyph, size) and not is_raised:
            text += " "
        if is_raised:
            above += glyph.text
        else:
            text += glyph.text
            ends.append((glyph.right, len(text)))
        last = glyph
    return text + raised(text, above)


def is_new_word(last: Glyph, glyph: Glyph, size: float) -> bool:
    """Tell whether a word begins: pdfium saw a blank; it looks only between letters that follow in the file."""
    gap = glyph.left - last.right
    return glyph.spaced or gap > (FAR_GAP if glyph.order == last.order + 1 else WORD_GAP) * size


def put(added: AddedText, lines: list[TextLine]) -> None:
    """Put an added text where it belongs: into the line at its height, behind the label above it, or on its own."""
    middle = (added.bottom + added.top) / 2
    near = [line for line in lines if added.bottom - 2 <= line.base + line.size / 3 <= added.top + 2]
    line = min(near, key=lambda line: abs(line.base + line.size / 3 - middle), default=None)
    if line and added.behind and (segment := covering(line, added)):
        put_behind(segment, added)
    elif not (line and has_label(line, added)) and (label := label_above(added, lines)):
        label.text, label.filled = f"{label.text.rstrip(' :')}: {added.text}", True
    elif line:
        line.segments = sorted([*line.segments, segment_of(added)], key=lambda s: s.left)
    else:
        lines.append(TextLine(added.bottom, added.top - added.bottom, [segment_of(added)]))


def segment_of(added: AddedText) -> Segment:
    """Return an added text as a stretch of its line."""
    return Segment(added.text, added.left, added.right, filled=not added.behind)


def has_label(line: TextLine, added: AddedText) -> bool:
    """Tell whether something stands before or behind an added text on its line, as a label does."""
    return added.text in TICKS or any(0 < added.left - segment.right < FAR_LABEL for segment in line.segments)


def label_above(added: AddedText, lines: Sequence[TextLine]) -> Segment | None:
    """Return the words that begin right above a form's field."""
    if added.text in TICKS:  # a tick: its label is beside it
        return None
    for line in lines:
        if -3 <= line.base - added.top <= LABEL_HEIGHT:
            for segment in line.segments:
                if abs(segment.left - added.left) < SAME_EDGE:
                    return segment
    return None


def covering(line: TextLine, added: AddedText) -> Segment | None:
    """Return the stretch in which an added text's place lies."""
    return next((one for one in line.segments if one.left - 2 <= added.right <= one.right + 4), None)


def last_word_end(segment: Segment, right: float) -> int:
    """Return where, in a stretch's text, the last word ends whose middle lies before a place on the page."""
    end, begin = len(segment.text), segment.left
    for word in re.finditer(r"\S+", segment.text):
        x = next((x for x, at in segment.ends if at >= word.end()), segment.right)
        if word.start() and (begin + x) / 2 > right:
            break
        end, begin = word.end(), x
    return end - (segment.text[end - 1 : end] in ".,;:")


def put_behind(segment: Segment, added: AddedText) -> None:
    """Put a text behind the word that ends at its place."""
    if not segment.ends or added.text[1:-1].split("//")[-1].rstrip("/") in segment.text:
        return
    end = last_word_end(segment, added.right)
    segment.text = f"{segment.text[:end]} {added.text}{segment.text[end:]}"
    segment.ends = [(x, at if at <= end else at + len(added.text) + 1) for x, at in segment.ends]
