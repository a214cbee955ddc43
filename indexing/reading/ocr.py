"""Scanned pages: a picture of the page goes through tesseract where it is installed."""

import functools
import io
import shutil
import subprocess
from typing import Any

DOTS_PER_INCH = 200  # tesseract's manual asks for 300; 200 reads print as well in half the time
POINTS_PER_INCH = 72
LONGEST_SIDE = 4000  # pixels: a poster must not fill the memory
PAGE_SECONDS = 60
PICTURE_SHARE = 0.5  # of the page's area
WANTED = ("eng", "fra")


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


def recognise(page: Any) -> str:
    """Return the text that tesseract sees on a pdfium page; "" where it gives up."""
    width, height = page.get_size()
    scale = min(DOTS_PER_INCH / POINTS_PER_INCH, LONGEST_SIDE / max(width, height, 1))
    picture = io.BytesIO()
    page.render(scale=scale, grayscale=True).to_pil().save(picture, "PNG")
    try:
        done = subprocess.run(  # noqa: S603
            [tesseract(), "-", "-", "-l", languages(), "--psm", "3"],
            input=picture.getvalue(), capture_output=True, timeout=PAGE_SECONDS, check=False,
            env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace")
