"""What every reader gives: numbered pages, what the file says about itself, and what of it was not read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pypdfium2
from pypdf.errors import PyPdfError

from indexing.reading.cleanup import repair
from indexing.reading.inner_pictures import InnerPictures

# What hostile files make the readers raise, beside their own errors; MemoryError is the address limit.
BROKEN = (
    PyPdfError, pypdfium2.PdfiumError, RecursionError, MemoryError, ValueError, TypeError, KeyError, IndexError,
    AttributeError, ArithmeticError, AssertionError, OSError, NotImplementedError, StopIteration, RuntimeError,
    SyntaxError, EOFError,
)  # fmt: skip
LEAST_LETTERS = 3  # of a page that counts as having text

Note = tuple[str, str]  # a key of texts/upload.toml ("note_" before it) and what it is about: pages, names, a count


class CannotRead(Exception):
    """The whole file can't be read; the text is a reason of pool.UnreadableDocument."""


class ReadableFile(Protocol):
    """A file that is open for reading."""

    def about(self) -> dict[str, Any]:
        """Return the number of pages, the title, the outline as [level, title, page], labels, and notes."""

    def page(self, number: int) -> dict[str, Any]:
        """Return one page's text, how it was read, and notes."""


@dataclass
class PageTexts:
    """The texts of a file that was read whole, one for each page, slide, sheet or message."""

    texts: Sequence[str]
    title: str = ""
    labels: Sequence[str] = ()  # what a person calls each page; none where it is its number
    notes: list[Note] = field(default_factory=list)  # what of the file was not read
    how: str = "text"
    pictures: InnerPictures = field(default_factory=InnerPictures)  # marked in the texts

    def __post_init__(self) -> None:
        self.texts = [repair(text) for text in self.texts]
        if not self.texts:
            raise CannotRead("no_text")

    def about(self) -> dict[str, Any]:
        return {
            "pages": len(self.texts), "title": self.title, "outline": [], "labels": list(self.labels),
            "notes": [*self.notes, *self.pictures.notes()],
        }  # fmt: skip

    def page(self, number: int) -> dict[str, Any]:
        text, notes = self.pictures.read_in(self.texts[number - 1])
        return {"page": number, "text": text, "how": self.how if has_letters(text) else "none", "notes": notes}


def has_letters(text: str) -> bool:
    """Tell whether there is anything to read."""
    return count_letters(text) >= LEAST_LETTERS


def count_letters(text: str) -> int:
    """Return how many letters and digits a page begins with."""
    return letters(text[:2000])


def letters(text: str) -> int:
    """Return how many letters and digits a text has."""
    return sum(character.isalnum() for character in text)
