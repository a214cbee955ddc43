"""Files that hold files: mails and PDFs with attachments, ZIP archives. Each file in them is read as its own kind."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
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
    _outline: list[tuple[int, str, int]] = field(default_factory=list)
    _pages: list[tuple[ReadableFile, int, str]] = field(default_factory=list)  # a file, a page of it, its label
    _read: list[str] = field(default_factory=list)  # files attached to one that people know without them
    _unread: list[str] = field(default_factory=list)
    _has_holder: bool = False
    _notes: list[Note] = field(default_factory=list)
    _bytes: int = 0

    def add_text(self, file: ReadableFile, label: str) -> None:
        """Add the pages of what the bundle says itself, such as a mail's own text."""
        count = int(file.about()["pages"])
        self._pages += [
            (file, number, label if count == 1 else f"{label}, p. {number}") for number in range(1, count + 1)
        ]

    def add_holder(self, file: ReadableFile) -> None:
        """Add the pages of the file that the others are attached to; they keep their names, and it its outline."""
        about = file.about()
        labels = about.get("labels") or [""] * int(about["pages"])
        self._pages += [(file, number, label) for number, label in enumerate(labels, start=1)]
        self.title, self._outline = str(about["title"]), list(about["outline"])
        self._notes += [tuple(note) for note in about.get("notes", ())]
        self._has_holder = True

    def add_files(
        self, files: Iterable[tuple[str, Callable[[], bytes]]], named_only: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Add files by their names; those that can't be read, or are not to be, are named on the receipt."""
        for index, (name, content) in enumerate(files):
            is_too_much = index >= MOST_FILES or self.depth > DEEPEST
            if is_too_much or named_only(name) or not self._add(name, content):
                self._unread.append(name)
            elif self._has_holder:
                self._read.append(name)

    def _add(self, name: str, content: Callable[[], bytes]) -> bool:
        try:
            data = content()
            self._bytes += len(data)
            if self._bytes > MOST_BYTES:
                return False
            file = self._open(name, data)
            about = file.about()
        except Exception:  # one hostile file among others: it is named, the others are read
            return False
        labels = about.get("labels") or [""] * int(about["pages"])
        one = labels == [""]
        if self._outline:
            self._outline.append((1, name, len(self._pages) + 1))
        self._pages += [
            (file, number, name if one else f"{name}, {label or f'p. {number}'}")
            for number, label in enumerate(labels, start=1)
        ]
        self._notes += [tuple(note) for note in about.get("notes", ()) if tuple(note) not in self._notes]
        return True

    def _open(self, name: str, data: bytes) -> ReadableFile:
        handle, written = tempfile.mkstemp(suffix=PurePosixPath(name).suffix[:10])
        try:
            with open(handle, "wb") as file_handle:  # noqa: PTH123  # a descriptor
                file_handle.write(data)
            return self.open_file(Path(written), self.depth + 1)
        finally:
            Path(written).unlink()  # a reader keeps it open; nothing stays where a process is killed

    def about(self) -> dict[str, Any]:
        """Return what all of them say about themselves."""
        if not self._pages:
            raise CannotRead("no_text")
        named = (("attached", self._read), ("attachments", self._unread))
        files: list[Note] = [(key, some_of(names)) for key, names in named if names]
        return {
            "pages": len(self._pages), "title": self.title, "outline": self._outline,
            "labels": [label for _, _, label in self._pages], "notes": [*self._notes, *files],
        }  # fmt: skip

    def page(self, number: int) -> dict[str, Any]:
        """Return one page of one of them."""
        file, inner, _label = self._pages[number - 1]
        return file.page(inner) | {"page": number}


def some_of(names: Sequence[str]) -> str:
    """Return the first of some names."""
    return ", ".join(names[:MOST_NAMED]) + ", …" * (len(names) > MOST_NAMED)
