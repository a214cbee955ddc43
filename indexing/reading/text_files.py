"""Files that are not PDFs: plain text, Markdown and DOCX, cut into pages that a person can find again."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.text.paragraph import Paragraph

PAGE_CHARACTERS = 3000  # of a page where the file knows none: about one printed page
LONGEST_PAGE = 12_000  # of a page whose breaks a Word file has: dense print has about 6,000
UNPACKED_BYTES = 200 * 2**20  # a small zip can hold gigabytes

# In a Word file: paragraphs and tables that stand for themselves; page breaks as Word saw them or as people set them.
BLOCKS = ".//w:p[not(ancestor::w:tbl) and not(ancestor::w:p)] | .//w:tbl[not(ancestor::w:tbl) and not(ancestor::w:p)]"
RENDERED, ASKED_FOR = ".//w:lastRenderedPageBreak", ".//w:br[@w:type='page']"
WRITTEN = (  # once: a box is there a second time for old programs, and what was moved stands at its old place too
    ".//*[self::w:t or self::w:tab or self::w:br or self::w:cr or self::w:noBreakHyphen"
    " or self::w:lastRenderedPageBreak]"
    "[not(ancestor::*[local-name()='Fallback']) and not(ancestor::w:moveFrom)]"
)
SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def pages_of_text(path: Path) -> list[str]:
    """Cut a text into pages: at form feeds, else after paragraphs, about one printed page each."""
    text = decode_text(path.read_bytes())
    return [piece for page in text.split("\f") for piece in paginate(page.split("\n\n"), "\n\n") if piece.strip()]


def decode_text(data: bytes) -> str:
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
    body: Any = document.element.body
    breaks = RENDERED if body.xpath(RENDERED) else ASKED_FOR
    blocks = [document_text(block, document, breaks) for block in body.xpath(BLOCKS)]
    pages = "\n\n".join(block for block in blocks if block).split("\f")
    return [piece for page in pages if page.strip() for piece in long_page(page.strip("\n"))]


def long_page(page: str) -> list[str]:
    """Cut a page that can't have been printed as one: the file does not say where its pages end."""
    return [page] if len(page) <= LONGEST_PAGE else paginate(page.split("\n\n"), "\n\n")


def document_text(block: Any, document: Any, breaks: str) -> str:
    """Return a paragraph, a heading with its marks, or a table as rows; a form feed where a page begins."""
    if block.tag.endswith("}tbl"):
        return "\n".join(row_of(row, breaks) for row in block.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr"))
    text = run_text(block, breaks)
    style = Paragraph(block, document).style
    level = str(style.name if style else "").removeprefix("Heading ")
    if not level.isdigit() or not text.strip():
        return text
    return "\f" * text.startswith("\f") + f"{'#' * int(level)} {text.removeprefix(chr(12))}"


def row_of(row: Any, breaks: str) -> str:
    """Return a table's row on one line, its cells between bars."""
    cells = row.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc")
    texts = ["\n".join(run_text(part, breaks) for part in cell.xpath(".//w:p[not(ancestor::w:p)]")) for cell in cells]
    begins_page = any("\f" in text for text in texts)
    return "\f" * begins_page + " | ".join(" ".join(text.split()) for text in texts)


def run_text(paragraph: Any, breaks: str) -> str:
    """Return what a paragraph says, with insertions, fields and boxes; a form feed where a page begins."""
    begins = set(paragraph.xpath(breaks))
    pieces = []
    if breaks == ASKED_FOR and paragraph.xpath("./w:pPr/w:pageBreakBefore"):
        pieces.append("\f")
    for part in paragraph.xpath(WRITTEN):
        name = part.tag.rpartition("}")[2]
        pieces.append("\f" if part in begins else part.text or "" if name == "t" else SIGNS.get(name, ""))
    return "".join(pieces)
