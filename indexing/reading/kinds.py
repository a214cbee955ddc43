"""Which kind of document a file is: by its bytes, and by its name only where they do not tell."""

from pathlib import Path

from indexing.reading.decode import is_plain_text
from indexing.reading.pool import UnreadableDocument

BEGINNING_BYTES = 4096
HTML = (b"<!doctype html", b"<html", b"<head")
ZIPPED = {".docx": "docx", ".docm": "docx", ".dotx": "docx", ".dotm": "docx"}


def document_kind(path: Path) -> str:
    """Return the reader for a file; raise UnreadableDocument for what none of them reads."""
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
    if not beginning.strip(b"\0 \r\n\t"):
        raise UnreadableDocument("empty")
    if b"%PDF-" in beginning[:1024]:
        return "pdf"
    if beginning.lstrip().lower().startswith(HTML):
        raise UnreadableDocument("html")
    suffix = path.suffix.lower()
    if beginning.startswith(b"PK\x03\x04") and suffix in ZIPPED:
        return ZIPPED[suffix]
    if is_plain_text(beginning):
        return "text"
    raise UnreadableDocument("not_a_pdf")
