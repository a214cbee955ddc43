"""Scanned pages: a picture of the page goes through tesseract where it is installed."""

import functools
import io
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from PIL import Image

from indexing.reading.straighten import prepared

DOTS_PER_INCH = 200  # tesseract's manual asks for 300; 200 reads print as well in half the time
POINTS_PER_INCH = 72
LONGEST_SIDE = 4000  # pixels: a poster must not fill the memory
PAGE_SECONDS = 60
PICTURE_SHARE = 0.5  # of the page's area
WANTED = ("eng", "fra")
WORD_LEVEL, COLUMNS = "5", 12  # of tesseract's table
DOUBTFUL = 70.0  # a clean scan has 90 and more


@functools.cache
def is_installed() -> bool:
    """Tell whether tesseract can be called."""
    return shutil.which("tesseract") is not None


@functools.cache
def languages() -> str:
    """Return the languages to read with, of those that are installed."""
    listed = subprocess.run(  # noqa: S603  # no part of the command comes from outside
        [tesseract(), "--list-langs"], capture_output=True, text=True, timeout=PAGE_SECONDS, check=False
    ).stdout.split()
    return "+".join(language for language in WANTED if language in listed) or "eng"


def tesseract() -> str:
    """Return the full path of the program."""
    return shutil.which("tesseract") or "tesseract"


def shows_anything(page: Any) -> bool:
    """Tell whether there is anything on a pdfium page: blank ones need no reading."""
    return any(True for _ in page.get_objects(max_depth=2))


def is_picture(page: Any) -> bool:
    """Tell whether pictures cover most of a pdfium page."""
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    width, height = page.get_size()
    bounds = [image.get_bounds() for image in page.get_objects([FPDF_PAGEOBJ_IMAGE], max_depth=2)]
    covered = sum((right - left) * (top - bottom) for left, bottom, right, top in bounds)
    return bool(covered > PICTURE_SHARE * width * height)


def recognise(page: Any) -> "OcrText":
    """Return what tesseract sees on a pdfium page."""
    width, height = page.get_size()
    scale = min(DOTS_PER_INCH / POINTS_PER_INCH, LONGEST_SIDE / max(width, height, 1))
    return read_picture(page.render(scale=scale, grayscale=True).to_pil())


@dataclass(frozen=True)
class OcrText:
    """What tesseract read, and how sure it is."""

    text: str
    confidence: float  # 0 to 100, of the words on average

    @property
    def is_doubtful(self) -> bool:
        """Tell whether figures may be wrong."""
        return bool(self.text.strip()) and self.confidence < DOUBTFUL


def read_picture(picture: Image.Image) -> OcrText:
    """Return what tesseract sees on a picture that was made straight and bright; "" where it gives up."""
    file = io.BytesIO()
    prepared(picture).save(file, "PNG")
    try:
        done = subprocess.run(  # noqa: S603
            [tesseract(), "-", "-", "-l", languages(), "--psm", "3", "tsv"],
            input=file.getvalue(), capture_output=True, timeout=PAGE_SECONDS, check=False,
            env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return OcrText("", 0.0)
    return text_of_words(done.stdout.decode("utf-8", "replace"))


def text_of_words(table: str) -> OcrText:
    """Return the lines and paragraphs of tesseract's table of words."""
    lines: dict[tuple[str, ...], list[str]] = {}
    sure: list[float] = []
    for row in table.split("\n")[1:]:
        cells = row.split("\t")
        if len(cells) == COLUMNS and cells[0] == WORD_LEVEL and cells[-1].strip():
            lines.setdefault(tuple(cells[2:5]), []).append(cells[-1].strip())
            sure.append(float(cells[-2]))
    text, above = "", None
    for place, words in lines.items():
        text += ("" if above is None else "\n" if place[:2] == above[:2] else "\n\n") + " ".join(words)
        above = place
    return OcrText(text, sum(sure) / len(sure) if sure else 0.0)
