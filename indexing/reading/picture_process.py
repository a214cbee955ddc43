"""A process that draws one page of a PDF with some words marked: one order on stdin, one JSON line on stdout.

As process.py it may die at a hostile file, gets no secret, and gives back no more than a bounded line.
"""

import base64
import ctypes
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageDraw
from pypdfium2 import raw

from indexing.reading.marks import Places, places_of
from indexing.reading.pages import BROKEN
from indexing.reading.process import prepare, send

LONGEST_SIDE = 1600  # pixels: small print can be read
LARGEST_PNG_BYTES = 2_500_000  # of base64 a third more goes through the pipe
SMALLER = 0.7
COLOUR = (255, 226, 89)
REACH = 2  # pixels around the letters

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


def draw(path: Path, first: int, last: int, words: str) -> dict[str, Any]:
    """Return the page of these on which most of the words stand, as PNG, and how many of their letters are marked."""
    pdf = pypdfium2.PdfDocument(path)
    numbers = range(first, min(last, len(pdf)) + 1)
    if not numbers:
        return {"failed": "no such page"}
    found = {number: places_of(words, letters_of(pdf[number - 1])) for number in numbers}
    number = max(numbers, key=lambda one: len(found[one]))  # the first of equals
    return {"page": number, "marked": len(found[number]), "png": picture(pdf[number - 1], found[number])}


def letters_of(page: Any) -> str:
    """Return a page's letters in the file's order; a letter's place is its index."""
    text = page.get_textpage()
    return "".join(chr(raw.FPDFText_GetUnicode(text, index) or 32) for index in range(text.count_chars()))


def picture(page: Any, places: Places) -> str:
    """Return the page as PNG in base64, smaller where it would be too large."""
    side = float(LONGEST_SIDE)
    while True:
        image = page.render(scale=side / max(page.get_size())).to_pil().convert("RGB")
        png = io.BytesIO()
        marked(image, list(boxes(page, places, image.size))).save(png, "PNG", optimize=True)
        if png.tell() <= LARGEST_PNG_BYTES or side < LONGEST_SIDE / 4:
            return base64.b64encode(png.getvalue()).decode()
        side *= SMALLER


def marked(image: Image.Image, where: list[Box]) -> Image.Image:
    """Return the picture with boxes as if somebody had used a marker: what is dark stays dark."""
    marker = Image.new("RGB", image.size, "white")
    pen = ImageDraw.Draw(marker)
    for left, top, right, bottom in where:
        pen.rectangle((left - REACH, top - REACH, right + REACH, bottom + REACH), fill=COLOUR)
    return ImageChops.multiply(image, marker)


def boxes(page: Any, places: Places, size: tuple[int, int]) -> Iterator[Box]:
    """Yield where letters are in the picture of a page, whatever way up it is."""
    text = page.get_textpage()
    for place in sorted(places):
        left, bottom, right, top = text.get_charbox(place, loose=True)
        if left == right or bottom == top:  # an end of a line, which no letter draws
            continue
        corners = [pixel(page, size, *corner) for corner in ((left, top), (right, bottom))]
        (x1, y1), (x2, y2) = corners
        yield min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def pixel(page: Any, size: tuple[int, int], x: float, y: float) -> tuple[int, int]:
    """Return where a point of the page is in its picture."""
    column, line = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, column, line)
    return column.value, line.value


def main(path: str, address_bytes: str, seconds: str) -> None:
    """Limit this process, then take the order and answer it."""
    prepare(int(address_bytes), int(seconds), Path(path))
    order = json.loads(sys.stdin.readline())
    try:
        send(draw(Path(path), order["first"], order["last"], order["words"]))
    except (*BROKEN, OSError) as error:
        send({"failed": type(error).__name__})


if __name__ == "__main__":
    main(*sys.argv[1:])
