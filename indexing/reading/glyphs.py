"""The letters of a PDF page with their places: what a person sees, once; what nobody sees is counted and left out."""

import ctypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple

from pypdfium2 import raw

from indexing.reading.ocr import is_picture

MOST_GLYPHS = 20_000  # of a page: more are a drawing
SMALLEST = 1.5  # points: nobody reads smaller letters
WHITE = 250  # of 255, each colour: as the paper
PALE = 190  # a watermark's grey
BIG = 2.5  # times the usual letter: a watermark
TILTED = 0.1  # sine and cosine of text that runs across a page
SAME_PLACE = 0.2  # of a letter's size: drawn twice
LIGATURE = 2  # letters that follow each other at one place are one sign, as ff is
HYPHEN_AT_END, HYPHEN = 0x02, 0x2D  # what pdfium gives for a hyphen at a line's end
RIGHT_TO_LEFT = range(0x0590, 0x0900)


class Glyph(NamedTuple):
    """One letter on a page."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float  # points
    base: float  # the height of the line that it stands on
    spaced: bool  # a blank is before it
    order: int  # as the file draws it

    @property
    def middle(self) -> float:
        """Return the height of its middle."""
        return (self.bottom + self.top) / 2


@dataclass(frozen=True)
class _Style:
    """What a run of text looks like."""

    invisible: bool
    white: bool
    pale: bool
    tilted: bool
    turned: bool
    scale: float


@dataclass
class PageGlyphs:
    """What stands on a page."""

    page: Any  # pdfium's
    shown: list[Glyph] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  # letters: invisible, watermark, doubled, turned
    odd: bool = False  # turned or written from right to left: places do not tell the order

    @classmethod
    def of(cls, page: Any, textpage: Any) -> "PageGlyphs":
        """Read the letters of a pdfium page."""
        glyphs = cls(page)
        count = raw.FPDFText_CountChars(textpage)
        if page.get_rotation() or count > MOST_GLYPHS:
            glyphs.odd = True
            return glyphs
        letters = list(letters_of(textpage, count))
        usual = median([glyph.size for glyph, _ in letters]) if letters else 0.0
        for glyph, style in letters:
            if reason := glyphs._reason(glyph, style, usual):
                glyphs.left_out[reason] += 1
            else:
                glyphs.shown.append(glyph)
        glyphs._once()
        turned = glyphs.left_out["turned"]
        right_to_left = sum(ord(glyph.text[0]) in RIGHT_TO_LEFT for glyph in glyphs.shown)
        glyphs.odd = turned > len(glyphs.shown) or right_to_left > 0
        return glyphs

    def _reason(self, glyph: Glyph, style: _Style, usual: float) -> str:
        """Return why a letter is left out; "" for one that people read."""
        left, bottom, right, top = self._bounds
        outside = not (left <= (glyph.left + glyph.right) / 2 <= right and bottom <= glyph.middle <= top)
        if style.tilted or (style.pale and glyph.size > BIG * usual):
            return "watermark"
        if outside or glyph.size < SMALLEST or (style.invisible and not self._is_scan):
            return "invisible"
        if style.white and not self._is_covered(glyph):
            return "invisible"
        return "turned" if style.turned else ""

    @cached_property
    def _bounds(self) -> tuple[float, float, float, float]:
        left, bottom, right, top = self.page.get_bbox()
        return left, bottom, right, top

    @cached_property
    def _is_scan(self) -> bool:
        """The invisible text of a scan is what OCR read on it."""
        return is_picture(self.page)

    @cached_property
    def _grounds(self) -> list[tuple[float, float, float, float]]:
        """Return the pictures and the coloured shapes that white letters may stand on."""
        grounds = []
        for shape in self.page.get_objects([raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
            if shape.type == raw.FPDF_PAGEOBJ_IMAGE or (is_filled(shape) and not is_white(colour_of(shape))):
                grounds.append(tuple(shape.get_bounds()))
        return grounds

    def _is_covered(self, glyph: Glyph) -> bool:
        x, y = (glyph.left + glyph.right) / 2, glyph.middle
        return any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in self._grounds)

    def _once(self) -> None:
        """Drop letters that are drawn a second time at the same place, as bold print and shadows are."""
        doubled: set[int] = set()
        places = sorted(range(len(self.shown)), key=lambda at: (self.shown[at].text, self.shown[at].left, at))
        for index, at in enumerate(places):
            for other in places[index + 1 :]:
                one, two = self.shown[at], self.shown[other]
                if one.text != two.text or two.left - one.left >= SAME_PLACE * one.size:
                    break
                if is_same_place(one, two) and abs(one.order - two.order) > LIGATURE:
                    doubled.add(max(at, other))
        self.left_out["doubled"] = len(doubled)
        self.shown = [glyph for at, glyph in enumerate(self.shown) if at not in doubled]


def is_same_place(one: Glyph, other: Glyph) -> bool:
    """Tell whether two letters cover each other."""
    near = SAME_PLACE * one.size
    return abs(one.left - other.left) < near and abs(one.bottom - other.bottom) < near


def letters_of(textpage: Any, count: int) -> Iterator[tuple[Glyph, _Style]]:
    """Yield each letter of pdfium's text with its place and what it looks like; blanks are gaps between letters."""
    box = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = box
    x, base = ctypes.c_double(), ctypes.c_double()
    spaced = False
    styles: dict[int, _Style] = {}
    for number in range(count):
        code = raw.FPDFText_GetUnicode(textpage, number)
        code = HYPHEN if code == HYPHEN_AT_END else code
        if code <= 0x20 or code == 0xA0:
            spaced = True
            continue
        raw.FPDFText_GetCharBox(textpage, number, left, right, bottom, top)
        raw.FPDFText_GetCharOrigin(textpage, number, x, base)
        run = raw.FPDFText_GetTextObject(textpage, number)
        key = ctypes.cast(run, ctypes.c_void_p).value or 0
        style = styles.get(key)
        if style is None:
            style = styles[key] = style_of(run)
        size = raw.FPDFText_GetFontSize(textpage, number) * style.scale
        sides = left.value, bottom.value, right.value, top.value
        yield Glyph(chr(code), *sides, size, base.value, spaced, number), style
        spaced = False


def style_of(run: Any) -> _Style:
    """Return what a run of text looks like."""
    if not run:
        return _Style(False, False, False, False, False, 1.0)
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(run, matrix)
    scale = (matrix.c**2 + matrix.d**2) ** 0.5 or 1.0
    sine, cosine = abs(matrix.b), abs(matrix.a)
    length = (sine**2 + cosine**2) ** 0.5 or 1.0
    mode = raw.FPDFTextObj_GetTextRenderMode(run)
    colour = fill_colour(run)
    return _Style(
        invisible=mode in {raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP} or colour[3] == 0,
        white=is_white(colour) and mode in {raw.FPDF_TEXTRENDERMODE_FILL, raw.FPDF_TEXTRENDERMODE_FILL_CLIP},
        pale=min(colour[:3]) > PALE or colour[3] < 128,
        tilted=sine / length > TILTED and cosine / length > TILTED,
        turned=sine > cosine, scale=scale,
    )  # fmt: skip


def fill_colour(shape: Any) -> tuple[int, int, int, int]:
    """Return red, green, blue and opacity; black where the file does not say."""
    parts = [ctypes.c_uint() for _ in range(4)]
    if not raw.FPDFPageObj_GetFillColor(shape, *parts):
        return 0, 0, 0, 255
    red, green, blue, opacity = (part.value for part in parts)
    return red, green, blue, opacity


def colour_of(shape: Any) -> tuple[int, int, int, int]:
    """Return the fill colour of one of pypdfium2's objects."""
    return fill_colour(shape.raw)


def is_filled(shape: Any) -> bool:
    """Tell whether a path is filled."""
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    return bool(raw.FPDFPath_GetDrawMode(shape.raw, mode, stroke)) and mode.value != raw.FPDF_FILLMODE_NONE


def is_white(colour: tuple[int, int, int, int]) -> bool:
    """Tell whether a colour is the paper's."""
    return min(colour[:3]) >= WHITE
