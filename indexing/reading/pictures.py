"""Photographs and scans as files: PNG, JPEG, HEIC, TIFF of several pages; each is read by OCR."""

import io
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, ImageSequence

from indexing.reading import ocr
from indexing.reading.cleanup import repair
from indexing.reading.pages import CannotRead, has_letters

MOST_PIXELS = 120_000_000  # more than any phone takes; a small file can claim billions
MOST_FRAMES = 500


class PictureFile:
    """A picture of one page or more; read when a page is asked for."""

    def __init__(self, path: Path) -> None:
        pillow_heif.register_heif_opener()
        Image.MAX_IMAGE_PIXELS = MOST_PIXELS
        if not ocr.is_installed():
            raise CannotRead("no_text")
        try:
            self._picture = Image.open(io.BytesIO(path.read_bytes()))
        except (Image.DecompressionBombError, SyntaxError) as error:
            raise CannotRead("damaged") from error
        width, height = self._picture.size
        if width * height > MOST_PIXELS:
            raise CannotRead("damaged")
        animated = self._picture.format not in {"TIFF", "MPO"}
        self.pages = 1 if animated else min(getattr(self._picture, "n_frames", 1), MOST_FRAMES)

    def about(self) -> dict[str, Any]:
        """Return how many pages there are."""
        return {"pages": self.pages, "title": "", "outline": [], "labels": [], "notes": []}

    def page(self, number: int) -> dict[str, Any]:
        """Return what OCR reads on one page."""
        frame = next(frame for index, frame in enumerate(ImageSequence.Iterator(self._picture), 1) if index == number)
        upright = ImageOps.exif_transpose(frame.convert("RGB"))
        reading = ocr.read_picture(upright)
        text = repair(reading.text)
        notes = ["hard_to_read"] if reading.is_doubtful else []
        return {"page": number, "text": text, "how": "ocr" if has_letters(text) else "none", "notes": notes}
