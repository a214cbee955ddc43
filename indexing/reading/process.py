"""A process that reads one file: pages in as numbers on stdin, out as JSON lines on stdout. Started by reading.py.

It may die at any page of a hostile file; whoever started it names that page and goes on with the next.
"""

import json
import logging
import os
import re
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError, WrongPasswordError

from indexing.reading import ocr
from indexing.reading.cleanup import GLYPH_NAME, is_garbled, is_glued, repair, without_glyph_names
from indexing.reading.tables import LOST, letters, text_with_tables
from indexing.reading.text_files import pages_of_docx, pages_of_text

# What hostile files make the readers raise, beside their own errors; MemoryError is the address limit.
BROKEN = (
    PyPdfError, pypdfium2.PdfiumError, RecursionError, MemoryError, ValueError, TypeError, KeyError, IndexError,
    AttributeError, ArithmeticError, AssertionError, OSError, NotImplementedError, StopIteration, RuntimeError,
)  # fmt: skip
HYPHEN = re.compile("(?<=\\w)\x02(?=\\w)")  # what pdfium gives for a hyphen at a line's end
LEAST_LETTERS = 3  # of a page that counts as having text
STAMP_LETTERS = 30  # a scanned page may carry as many: its number, "scanned with ..."


class CannotRead(Exception):
    """The whole file can't be read; the text is a reason of reading.Unreadable."""


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


class PagesOfText:
    """A file without pages of its own, read whole."""

    def __init__(self, pages: list[str]) -> None:
        self.texts = [repair(page) for page in pages]
        if not self.texts:
            raise CannotRead("no_text")

    def about(self) -> dict[str, Any]:
        return {"pages": len(self.texts), "title": "", "outline": []}

    def page(self, number: int) -> dict[str, Any]:
        text = self.texts[number - 1]
        return {"page": number, "text": text, "how": "text" if has_letters(text) else "none"}


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


def has_letters(text: str) -> bool:
    """Tell whether there is anything to read."""
    return count_letters(text) >= LEAST_LETTERS


def count_letters(text: str) -> int:
    """Return how many letters and digits a page begins with."""
    return letters(text[:2000])


READERS: dict[str, Callable[[Path], PdfFile | PagesOfText]] = {
    "pdf": PdfFile,
    "docx": lambda path: PagesOfText(pages_of_docx(path)),
    "text": lambda path: PagesOfText(pages_of_text(path)),
}


def serve(kind: str, path: Path) -> None:
    """Answer each line `first last` with a JSON line for each of these pages; the first answer is about the file."""
    try:
        file = READERS[kind](path)
        send(file.about())
    except CannotRead as refused:
        send({"unreadable": str(refused)})
        return
    except BROKEN:
        send({"unreadable": "damaged"})
        return
    for line in sys.stdin:
        first, last = map(int, line.split())
        for number in range(first, last + 1):
            try:
                send(file.page(number))
            except BROKEN:
                send({"page": number, "text": "", "how": "failed"})


def send(message: dict[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(kind: str, path: str, address_bytes: str) -> None:
    """Limit this process, then serve; what a library prints must not come between the answers."""
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (int(address_bytes), int(address_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(5000)  # deep page trees of honest files; hostile ones raise RecursionError
    serve(kind, Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
