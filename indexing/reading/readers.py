"""Which reader opens which kind of file; a library is imported only where a file needs it."""

from importlib import import_module
from pathlib import Path
from typing import Any

from indexing.reading.kinds import document_kind
from indexing.reading.pages import CannotRead, ReadableFile
from indexing.reading.pool import UnreadableDocument

READERS = {  # kind: the reader, in a file of this folder
    "docx": "word.document.word_file",
    "pptx": "slides.slides_file",
    "xlsx": "sheets.workbook_file",
    "odt": "opendocument.text_file",
    "ods": "opendocument.sheet_file",
    "odp": "opendocument.presentation_file",
    "rtf": "rich_text.rich_text_file",
    "html": "web.web_file",
    "epub": "archives.book_file",
    "csv": "csv_files.csv_file",
    "picture": "pictures.PictureFile",
    "text": "text_files.text_file",
}
BUNDLES = {  # those that may hold other files
    "pdf": "pdf_attachments.pdf_file", "eml": "mail.message_file", "msg": "mail.outlook_file",
    "zip": "archives.zip_file",
}  # fmt: skip


def open_readable(kind: str, path: Path, depth: int = 0) -> ReadableFile:
    """Open a file of a known kind; raise CannotRead, or whatever a library raises."""
    if kind in BUNDLES:
        holder: ReadableFile = reader(BUNDLES[kind])(path, open_any, depth)
        return holder
    file: ReadableFile = reader(READERS[kind])(path)
    return file


def open_any(path: Path, depth: int) -> ReadableFile:
    """Open a file that was in another one."""
    try:
        return open_readable(document_kind(path), path, depth)
    except UnreadableDocument as refused:
        raise CannotRead(refused.reason) from refused


def reader(name: str) -> Any:
    """Return a reader by the name of its file and its own."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(f"indexing.reading.{module}"), function)
