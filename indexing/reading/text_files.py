"""Files that are not PDFs: plain text and Markdown, cut into pages that a person can find again."""

from collections.abc import Iterator
from pathlib import Path

from indexing.reading.decode import decode_text

PAGE_CHARACTERS = 3000  # of a page where the file knows none: about one printed page


def pages_of_text(path: Path) -> list[str]:
    """Cut a text into pages: at form feeds, else after paragraphs, about one printed page each."""
    text = decode_text(path.read_bytes())
    return [piece for page in text.split("\f") for piece in paginate(page.split("\n\n"), "\n\n") if piece.strip()]


def paginate(parts: list[str], joint: str) -> list[str]:
    """Join parts into pages of about PAGE_CHARACTERS; a part is cut only if it is longer than that, at a line's end."""
    pages, page = [], ""
    for part in (piece for whole in parts for piece in split_long(whole)):
        if page and len(page) + len(part) > PAGE_CHARACTERS:
            pages.append(page)
            page = ""
        page = f"{page}{joint}{part}" if page else part
    return [*pages, page] if page else pages


def split_long(text: str) -> Iterator[str]:
    """Cut a text of more than a page at line ends, or anywhere if there are none."""
    start = 0
    while len(text) - start > PAGE_CHARACTERS:
        last = start + PAGE_CHARACTERS
        end = max(text.rfind("\n", start + 1, last), text.rfind(" ", start + 1, last)) + 1 or last
        yield text[start:end]
        start = end
    yield text[start:]
