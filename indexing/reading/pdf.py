"""PDFs: two readers on one file, tables as rows, OCR for pages that are pictures."""

import re
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

from indexing.reading import ocr
from indexing.reading.cleanup import GLYPH_NAME, is_garbled, is_glued, repair, without_glyph_names
from indexing.reading.pages import BROKEN, CannotRead, count_letters, has_letters, letters
from indexing.reading.tables import LOST, text_with_tables

HYPHEN = re.compile("(?<=\\w)\x02(?=\\w)")  # what pdfium gives for a hyphen at a line's end
STAMP_LETTERS = 30  # a scanned page may carry as many: its number, "scanned with ..."


class PdfFile:
    """Two readers on one file: pypdf first, pdfium where pypdf does badly or not at all."""

    def __init__(self, path: Path) -> None:
        self.pdfium = _open_pdfium(path)
        self.pypdf = _open_pypdf(path)
        if not self.pypdf and not self.pdfium:
            raise CannotRead("damaged")
        self.pages = len(self.pdfium) if self.pdfium else _count(self.pypdf)
        if not self.pages:
            raise CannotRead("empty")

    def about(self) -> dict[str, Any]:
        """Return the title and the outline as [level, title, page]."""
        return {"pages": self.pages, "title": self._title(), "outline": self._outline()}

    def page(self, number: int) -> dict[str, Any]:
        """Return a page's text and its reader: pypdf, pdfium or ocr; none for a picture that nobody read; blank."""
        text, how = self._first(number), "pypdf"
        if not has_letters(text) or is_glued(text) or is_garbled(text):
            other = self._second(number)
            if has_letters(other):
                text, how = other, "pdfium"
        elif GLYPH_NAME.search(text):
            text = without_glyph_names(text, self._second(number))
        text = repaired(text, how)
        if tabled := self._tables(number, text):
            text, how = tabled, "pdfium"
        if count_letters(text) < STAMP_LETTERS and self.pdfium:
            text, how = self._scan(number, text, how)
        elif not has_letters(text):
            how = "none"
        return {"page": number, "text": text, "how": how}

    def _first(self, number: int) -> str:
        if not self.pypdf:
            return ""
        try:
            return str(self.pypdf.pages[number - 1].extract_text())
        except (*BROKEN, DependencyError):
            return ""

    def _second(self, number: int) -> str:
        if not self.pdfium:
            return ""
        try:
            return str(self.pdfium[number - 1].get_textpage().get_text_bounded())
        except BROKEN:
            return ""

    def _tables(self, number: int, text: str) -> str:
        """Return the page's text with its tables as rows; "" where it has none, or where the text at hand is better."""
        try:
            tabled = repaired(text_with_tables(self.pdfium[number - 1]), "pdfium") if self.pdfium else ""
        except BROKEN:
            return ""
        sound = not is_glued(tabled) and not is_garbled(tabled)
        return tabled if sound and letters(tabled) >= (1 - LOST) * letters(text) else ""

    def _scan(self, number: int, text: str, how: str) -> tuple[str, str]:
        """Return what OCR reads on a page that has hardly any text, a stamp perhaps; the text itself if that is all."""
        page = self.pdfium[number - 1]
        if not has_letters(text) and not ocr.shows_anything(page):
            return text, "blank"
        if has_letters(text) and not ocr.is_picture(page):
            return text, how
        if not ocr.is_installed():
            return text, "none"
        read = repair(ocr.recognise(page))
        if count_letters(read) > count_letters(text):
            return read, "ocr"
        return text, how if has_letters(text) else "none"

    def _title(self) -> str:
        try:
            return repair(str(self.pdfium.get_metadata_value("Title"))) if self.pdfium else ""
        except BROKEN:
            return ""

    def _outline(self) -> list[tuple[int, str, int]]:
        entries: list[tuple[int, str, int]] = []
        try:
            for mark in self.pdfium.get_toc(max_depth=6) if self.pdfium else ():
                place = mark.get_dest()
                if place is not None and place.get_index() is not None:
                    entries.append((mark.level, repair(mark.get_title()), place.get_index() + 1))
        except BROKEN:
            return entries
        return entries


def _open_pdfium(path: Path) -> Any:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise CannotRead("encrypted") from error
        return None


def _open_pypdf(path: Path) -> pypdf.PdfReader | None:
    try:
        reader = pypdf.PdfReader(path)
        return reader if not reader.is_encrypted or reader.decrypt("") else None
    except (WrongPasswordError, FileNotDecryptedError) as error:
        raise CannotRead("encrypted") from error
    except (*BROKEN, DependencyError):
        return None


def _count(reader: pypdf.PdfReader | None) -> int:
    try:
        return len(reader.pages) if reader else 0
    except BROKEN as error:
        raise CannotRead("damaged") from error


def repaired(text: str, how: str) -> str:
    """Return what a reader found as people wrote it."""
    return repair(HYPHEN.sub("-\n", text) if how == "pdfium" else text)
