"""Files that hold files: mails with attachments, ZIP archives. Each file in them is read as its own kind."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from indexing.reading.pages import CannotRead, Note, ReadableFile

MOST_FILES = 200
MOST_BYTES = 200 * 2**20
DEEPEST = 2  # a ZIP in a mail in a ZIP ends here
MOST_NAMED = 10

Open = Callable[[Path, int], ReadableFile]  # a file, and how deep it lies in others


@dataclass
class Bundle:
    """The pages of several files as those of one; each is called by its file's name."""

    open_file: Open
    depth: int
    title: str = ""
    _pages: list[tuple[ReadableFile, int, str]] = field(default_factory=list)  # a file, a page of it, its label
    _unread: list[str] = field(default_factory=list)
    _notes: list[Note] = field(default_factory=list)
    _bytes: int = 0

    def add_text(self, file: ReadableFile, label: str) -> None:
        """Add the pages of what the bundle says itself, such as a mail's own text."""
        count = int(file.about()["pages"])
        self._pages += [
            (file, number, label if count == 1 else f"{label}, p. {number}") for number in range(1, count + 1)
        ]

    def add_files(self, files: Iterable[tuple[str, Callable[[], bytes]]]) -> None:
        """Add files by their names; those that can't be read are named on the receipt."""
        for index, (name, content) in enumerate(files):
            if index >= MOST_FILES or self.depth > DEEPEST or not self._add(name, content):
                self._unread.append(name)

    def _add(self, name: str, content: Callable[[], bytes]) -> bool:
        data = content()
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            return False
        handle, written = tempfile.mkstemp(suffix=PurePosixPath(name).suffix[:10])
        try:
            with open(handle, "wb") as file_handle:  # noqa: PTH123  # a descriptor
                file_handle.write(data)
            file = self.open_file(Path(written), self.depth + 1)
            about = file.about()
        except Exception:  # one hostile file among others: it is named, the others are read
            return False
        finally:
            Path(written).unlink()  # a reader keeps it open; nothing stays where a process is killed
        labels = about.get("labels") or [f"p. {number}" for number in range(1, about["pages"] + 1)]
        one = about["pages"] == 1 and not about.get("labels")
        self._pages += [
            (file, number, name if one else f"{name}, {label}") for number, label in enumerate(labels, start=1)
        ]
        self._notes += [tuple(note) for note in about.get("notes", ()) if tuple(note) not in self._notes]
        return True

    def about(self) -> dict[str, Any]:
        """Return what all of them say about themselves."""
        if not self._pages:
            raise CannotRead("no_text")
        names = ", ".join(self._unread[:MOST_NAMED]) + ", …" * (len(self._unread) > MOST_NAMED)
        unread: list[Note] = [("attachments", names)] if self._unread else []
        return {
            "pages": len(self._pages), "title": self.title, "outline": [],
            "labels": [label for _, _, label in self._pages], "notes": [*self._notes, *unread],
        }  # fmt: skip

    def page(self, number: int) -> dict[str, Any]:
        """Return one page of one of them."""
        file, inner, _label = self._pages[number - 1]
        return file.page(inner) | {"page": number}
