"""PDFs: two readers on one file; by place where the order of the file misleads; OCR for pages that are pictures."""

import re
from collections.abc import Set
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

from indexing.reading import ocr
from indexing.reading.annotations import file_notes
from indexing.reading.cleanup import GLYPH_NAME, is_garbled, is_glued, repair, without_glyph_names, words_of
from indexing.reading.pages import BROKEN, CannotRead, count_letters, has_letters, letters
from indexing.reading.running_heads import RunningHeads, with_first, without_repeated
from indexing.reading.sight import Sights
from indexing.reading.tables import LOST, text_with_tables

HYPHEN = re.compile("(?<=\\w)\x02(?=\\w)")  # what pdfium gives for a hyphen at a line's end
VOCABULARY_PAGES = 60  # a hundredth of a second for ten of them
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
        self.sights = Sights(self.pdfium, self.pypdf)
        self.heads = RunningHeads(self.pages, lambda number: self.sights.of(number).margins)

    def about(self) -> dict[str, Any]:
        """Return what the file says about itself, the numbers printed on its pages, and what of it is not read."""
        return {
            "pages": self.pages, "title": self._title(), "outline": self._outline(), "labels": self._labels(),
            "notes": file_notes(self.pypdf) if self.pypdf else [],
        }  # fmt: skip

    def page(self, number: int) -> dict[str, Any]:
        """Return a page's text and its reader: pypdf, pdfium or ocr; none for a picture that nobody read; blank."""
        text, how = self._read(number)
        sight = self.sights.of(number)
        if text_by_place := sight.text_instead_of(text, [*chain(*self.heads.of(number))]):
            text, how = repaired(text_by_place, "pdfium", self.vocabulary), "pdfium"
        notes = list(sight.notes)
        if count_letters(text) < STAMP_LETTERS and self.pdfium:
            text, how, doubtful = self._scan(number, text, how)
            notes += ["hard_to_read"] * doubtful
        elif not has_letters(text):
            how = "none"
        if how != "ocr":
            text = self._without_heads(number, text)
        text = "\n\n".join(part for part in (text, *map(repair, sight.remarks)) if part)
        return {"page": number, "text": text, "how": how, "notes": notes}

    def _read(self, number: int) -> tuple[str, str]:
        """Return a page's text in the order of the file, its tables with lines as rows."""
        text, how = self._first(number), "pypdf"
        if not has_letters(text) or is_glued(text) or is_garbled(text):
            other = self._second(number)
            if has_letters(other):
                text, how = other, "pdfium"
        elif GLYPH_NAME.search(text):
            text = without_glyph_names(text, self._second(number))
        text = repaired(text, how, self.vocabulary)
        tabled = self._tables(number, text)
        return (tabled, "pdfium") if tabled else (text, how)

    @cached_property
    def vocabulary(self) -> Set[str]:
        """Return the words of the file's first pages: they tell which words have a hyphen of their own."""
        words: set[str] = set()
        for number in range(1, min(self.pages, VOCABULARY_PAGES) + 1):
            words |= words_of(HYPHEN.sub("-\n", self._second(number)))
        return words

    def _without_heads(self, number: int, text: str) -> str:
        """Take running heads, feet and page numbers away; what they tell is said once."""
        heads, feet = map(list, self.heads.of(number))
        if not heads and not feet:
            return text
        body = without_repeated(text, [*map(repair, heads)], [*map(repair, feet)])
        first = [line for line in self.heads.new(number) if number == 1 or not self._is_on_cover(line)]
        return with_first(body, [*map(repair, first)], number)

    def _is_on_cover(self, line: str) -> bool:
        """Tell whether a running head tells nothing that the first page does not."""
        return words_of(line) <= self.cover

    @cached_property
    def cover(self) -> Set[str]:
        """Return the words of the first page."""
        return words_of(self._second(1))

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
            tabled = text_with_tables(self.pdfium[number - 1]) if self.pdfium else ""
        except BROKEN:
            return ""
        tabled = repaired(tabled, "pdfium", self.vocabulary)
        sound = not is_glued(tabled) and not is_garbled(tabled)
        return tabled if sound and letters(tabled) >= (1 - LOST) * letters(text) else ""

    def _scan(self, number: int, text: str, how: str) -> tuple[str, str, bool]:
        """Return what OCR reads on a page that has hardly any text, a stamp perhaps; the text itself if that is all.

        The last is whether what it reads is doubtful.
        """
        page = self.pdfium[number - 1]
        if not has_letters(text) and not ocr.shows_anything(page):
            return text, "blank", False
        if has_letters(text) and not ocr.is_picture(page):
            return text, how, False
        if not ocr.is_installed():
            return text, "none", False
        reading = ocr.recognise(page)
        read = repair(reading.text)
        if count_letters(read) > count_letters(text):
            return read, "ocr", reading.is_doubtful
        return text, how if has_letters(text) else "none", False

    def _title(self) -> str:
        try:
            return repair(str(self.pdfium.get_metadata_value("Title"))) if self.pdfium else ""
        except BROKEN:
            return ""

    def _labels(self) -> list[str]:
        """Return the numbers that are printed on the pages, where they are not those of the sheets."""
        try:
            labels = [str(self.pdfium.get_page_label(page)) for page in range(self.pages)] if self.pdfium else []
        except BROKEN:
            return []
        plain = [str(page) for page in range(1, self.pages + 1)]
        if not any(labels) or labels == plain:
            return []
        return [f"p. {' '.join(label.split())[:20]} (PDF {page})" for page, label in enumerate(labels, start=1)]

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


def repaired(text: str, how: str, vocabulary: Set[str] = frozenset()) -> str:
    """Return what a reader found as people wrote it."""
    return repair(HYPHEN.sub("-\n", text) if how == "pdfium" else text, vocabulary)
