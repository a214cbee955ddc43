"""Files that are not PDFs: plain text, Markdown and DOCX, cut into pages that a person can find again."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

PAGE_CHARACTERS = 3000  # of a page where the file knows none: about one printed page
UNPACKED_BYTES = 200 * 2**20  # a small zip can hold gigabytes


def pages_of_text(path: Path) -> list[str]:
    """Cut a text into pages: at form feeds, else after paragraphs, about one printed page each."""
    text = decode(path.read_bytes())
    return [piece for page in text.split("\f") for piece in paginate(page.split("\n\n"), "\n\n") if piece.strip()]


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 by its mark; anything else as Windows-1252, which never fails badly."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


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
    while len(text) > PAGE_CHARACTERS:
        end = max(text.rfind("\n", 1, PAGE_CHARACTERS), text.rfind(" ", 1, PAGE_CHARACTERS)) + 1 or PAGE_CHARACTERS
        yield text[:end]
        text = text[end:]
    yield text


def pages_of_docx(path: Path) -> list[str]:
    """Return a Word file's pages as Word last saw them, else about one printed page each; tables become rows."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > UNPACKED_BYTES:
            raise ValueError("the file unpacks to too much")
    document = docx.Document(str(path))
    pages: list[list[str]] = [[]]
    for block in document.iter_inner_content():
        if isinstance(block, Paragraph) and breaks_before(block) and pages[-1]:
            pages.append([])
        pages[-1].append(text_of(block))
    return [piece for page in pages for piece in paginate([part for part in page if part], "\n\n")]


def breaks_before(paragraph: Paragraph) -> bool:
    """Tell whether a page began with or inside this paragraph."""
    xml: Any = paragraph._p
    return bool(xml.xpath(".//w:lastRenderedPageBreak | .//w:br[@w:type='page'] | ./w:pPr/w:pageBreakBefore"))


def text_of(block: Paragraph | Table) -> str:
    """Return a paragraph, a heading with its marks, or a table as rows."""
    if isinstance(block, Table):
        return "\n".join(" | ".join(cell.text.strip().replace("\n", " ") for cell in row.cells) for row in block.rows)
    style = block.style.name if block.style is not None else ""
    level = str(style).removeprefix("Heading ") if str(style).startswith("Heading ") else ""
    return f"{'#' * int(level)} {block.text}" if level.isdigit() and block.text else block.text
