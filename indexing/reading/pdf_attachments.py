"""Files inside a PDF, in its portfolio or hung on its pages as paper clips: each is read as its own kind."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pypdf

from indexing.reading.annotations import annotations_of, resolved, string_of
from indexing.reading.bundle import MOST_FILES, Bundle, Open
from indexing.reading.pages import BROKEN, ReadableFile
from indexing.reading.pdf import PdfFile

MOST_CLIPPED_PAGES = 200  # that are looked at for paper clips
FOR_PROGRAMS = {".xml", ".xsd", ".xmp"}  # an invoice's data, said in words on its pages: named, not read

Attached = tuple[str, Callable[[], bytes]]  # a name and its bytes


def pdf_file(path: Path, open_file: Open, depth: int = 0) -> ReadableFile:
    """Read a PDF, and behind its pages what is attached to it."""
    file = PdfFile(path)
    attached = list(islice(attached_files(file), MOST_FILES + 1))
    if not attached:
        return file
    bundle = Bundle(open_file, depth)
    bundle.add_holder(file)
    bundle.add_files(attached, named_only=is_for_programs)
    return bundle


def attached_files(file: PdfFile) -> Iterator[Attached]:
    """Yield the files in the order in which they are listed, then those on the pages."""
    try:
        if file.pdfium:
            yield from listed_files(file.pdfium)
        if file.pypdf:
            yield from clipped_files(file.pypdf)
    except BROKEN:
        return


def listed_files(document: Any) -> Iterator[Attached]:
    """Yield what a pdfium document lists as attached."""
    for index in range(document.count_attachments()):
        attachment = document.get_attachment(index)
        yield plain_name(attachment.get_name()), partial(listed_bytes, attachment)


def listed_bytes(attachment: Any) -> bytes:
    """Return what a listed file holds."""
    return bytes(attachment.get_data())


def clipped_files(reader: pypdf.PdfReader) -> Iterator[Attached]:
    """Yield the files that hang on pages."""
    for page in reader.pages[:MOST_CLIPPED_PAGES]:
        for annotation in annotations_of(page):
            file = resolved(annotation.get("/FS")) if annotation.get("/Subtype") == "/FileAttachment" else None
            if isinstance(file, dict):
                name = string_of(file.get("/UF")) or string_of(file.get("/F"))
                yield plain_name(name), partial(clipped_bytes, file)


def clipped_bytes(file: dict[str, Any]) -> bytes:
    """Return what a file on a page holds."""
    stream = resolved(file["/EF"])
    return bytes(resolved(stream.get("/UF") or stream["/F"]).get_data())


def plain_name(name: str) -> str:
    """Return a file's name without folders and line ends."""
    return " ".join(name.replace("\\", "/").rpartition("/")[2].split()) or "?"


def is_for_programs(name: str) -> bool:
    """Tell whether an attached file is no document for people."""
    return PurePosixPath(name.lower()).suffix in FOR_PROGRAMS
