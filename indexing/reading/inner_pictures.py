"""Pictures inside Office files: marked where they stand, read by OCR when their page is read, within limits.

Each line of them says so: whoever quotes it shows that nobody typed it.
"""

import io
import re
import time
from dataclasses import dataclass, field

from PIL import Image

from indexing.document import IMAGE
from indexing.reading import ocr
from indexing.reading.cleanup import repair
from indexing.sentences import spans

MOST_PICTURES, MOST_BYTES = 30, 50 * 2**20  # of a file
MOST_PIXELS = 50_000_000
LEAST_SIDE, LEAST_PIXELS = 40, 15_000  # smaller ones are icons and lines
LATEST_START = 25  # seconds of a page: tesseract may take 60, and a page 90
SURE = 60.0  # of 100: what tesseract makes of a photograph without text is below
LEAST_WORDS = 3  # fewer are a logo
PROSE_LINE = 40  # characters on average: such lines are joined and cut into sentences
MARK = re.compile("\ue0f0(\\d+)\ue0f1")  # private characters: no library gives them a meaning

READ, UNREAD = "pictures_read", "pictures_unread"  # notes on a page


@dataclass
class InnerPictures:
    """The pictures of one file, in the order in which they stand."""

    unread: int = 0  # that will not be read at all: no tesseract, too many, linked from elsewhere
    _pictures: list[bytes] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)
    _bytes: int = 0

    def mark(self, name: str, data: bytes | None) -> str:
        """Return a mark for the text where a picture stands; "" for one that was there before or is not read."""
        if name in self._names:
            return ""
        self._names.add(name)
        is_too_much = len(self._pictures) >= MOST_PICTURES or self._bytes + len(data or b"") > MOST_BYTES
        if not data or is_too_much or not ocr.is_installed():
            self.unread += 1
            return ""
        self._bytes += len(data)
        self._pictures.append(data)
        return f"\ue0f0{len(self._pictures) - 1}\ue0f1"

    def notes(self) -> list[tuple[str, str]]:
        """Return what the receipt says about those that are not read at all."""
        return [("pictures", str(self.unread))] if self.unread else []

    def read_in(self, text: str) -> tuple[str, list[str]]:
        """Return a page with what stands in its pictures below the lines that they stand in, and the page's notes."""
        lines: list[str] = []
        notes: set[str] = set()
        started = time.monotonic()
        for line in text.split("\n"):
            numbers = [int(number) for number in MARK.findall(line)]
            rest = MARK.sub("", line)
            if not numbers or rest.strip(" #|"):
                lines.append(rest)
            for number in numbers:
                is_late = time.monotonic() - started > LATEST_START
                seen = None if is_late or number >= len(self._pictures) else lines_in(self._pictures[number])
                lines += seen or []
                notes |= {UNREAD} if seen is None else {READ} if seen else set()
        return "\n".join(lines), sorted(notes)


def lines_in(data: bytes) -> list[str] | None:
    """Return the lines that stand in a picture, none for a photograph or an icon; None where it can't be opened."""
    try:
        picture = Image.open(io.BytesIO(data))
        width, height = picture.size
        if width * height > MOST_PIXELS:
            return None
        if min(width, height) < LEAST_SIDE or width * height < LEAST_PIXELS:
            return []
        reading = ocr.read_picture(on_white(picture))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    text = repair(reading.text)
    is_text = reading.confidence >= SURE and len(text.split()) >= LEAST_WORDS
    return [IMAGE + line for line in units(text)] if is_text else []


def on_white(picture: Image.Image) -> Image.Image:
    """Return a picture whose transparent parts are white, as on the page."""
    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")


def units(text: str) -> list[str]:
    """Return rows and short lines as they are; lines of prose as sentences, each on a line."""
    found: list[str] = []
    for paragraph in filter(None, text.split("\n\n")):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        joined = " ".join(lines)
        is_prose = len(joined) >= PROSE_LINE * len(lines)
        found += [joined[start:end].strip() for start, end in spans(joined, len(joined))] if is_prose else lines
    return found
