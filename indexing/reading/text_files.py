"""Files that are not PDFs: plain text and Markdown, cut into pages that a person can find again."""

import re
from collections.abc import Iterator
from pathlib import Path

from indexing.reading.decode import decode_text
from indexing.reading.pages import PageTexts

MARKDOWN = {".md", ".markdown", ".rst"}
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{1,4000}?)\n---[ \t]*\n", re.DOTALL)
TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
UNDERLINED = re.compile(r"^(?![-#>*+\s|])([^\n|]{1,120})\n(={3,}|-{3,})[ \t]*$", re.MULTILINE)
PAGE_CHARACTERS = 3000  # of a page where the file knows none: about one printed page


def text_file(path: Path) -> PageTexts:
    """Read a plain text or Markdown; a title from Markdown's front matter."""
    text, title = without_front_matter(decode_text(path.read_bytes()))
    if path.suffix.lower() in MARKDOWN:
        text = with_marked_headings(text)
    return PageTexts(pages_of_text(text), title=title)


def without_front_matter(text: str) -> tuple[str, str]:
    """Return a text with the title of its front matter, which is set off by lines of three hyphens, taken out."""
    match = FRONT_MATTER.match(text)
    if not match:
        return text, ""
    title = TITLE.search(match[1])
    return text[: match.start()] + match[1].strip() + "\n\n" + text[match.end() :], title[1] if title else ""


def with_marked_headings(text: str) -> str:
    """Write headings that are underlined in Markdown with # before them."""
    return UNDERLINED.sub(lambda match: f"{'#' if match[2][0] == '=' else '##'} {match[1].strip()}", text)


def pages_of_text(text: str) -> list[str]:
    """Cut a text into pages: at form feeds, else after paragraphs, about one printed page each."""
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
