"""OpenDocument files of LibreOffice: texts, sheets, presentations, read from their content.xml."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexing.reading.archive import check_unpacked, member, parsed
from indexing.reading.pages import CannotRead, Note, PageTexts
from indexing.reading.table_pages import table_pages
from indexing.reading.text_files import paginate

SPACES = {"tab": "\t", "line-break": "\n"}
SKIPPED = {"tracked-changes", "annotation-end", "forms", "sequence-decls"}
MOST_REPEATED = 100  # empty cells and rows are written once with a count of a million
CELL = " | "


def text_file(path: Path) -> PageTexts:
    """Read an .odt: headings, paragraphs, tables as rows, notes behind their paragraph."""
    root, title = content_of(path)
    blocks = [block for block in blocks_of(body_of(root, "text")) if block.strip()]
    pages = [page for page in paginate(blocks, "\n\n") if page.strip()]
    return PageTexts(pages, title=title, notes=notes_of(root))


def sheet_file(path: Path) -> PageTexts:
    """Read an .ods: the rows of each sheet."""
    root, title = content_of(path)
    texts, labels = [], []
    for table in children(body_of(root, "spreadsheet"), "table"):
        name = attribute(table, "name")
        for page in table_pages(list(sheet_rows(table))):
            texts.append(f"# {name}\n{page.text}")
            labels.append(f"{name}!{page.first}:{page.last}")
    if not texts:
        raise CannotRead("no_text")
    return PageTexts(texts, title=title, labels=labels, notes=notes_of(root))


def presentation_file(path: Path) -> PageTexts:
    """Read an .odp: a slide is a page, its notes with it."""
    root, title = content_of(path)
    slides = list(children(body_of(root, "presentation"), "page"))
    texts = ["\n\n".join(block for block in blocks_of(slide) if block.strip()) for slide in slides]
    labels = [f"slide {number}" for number in range(1, len(slides) + 1)]
    return PageTexts(texts, title=title, labels=labels, notes=notes_of(root))


def content_of(path: Path) -> tuple[Any, str]:
    """Return the root of a file's content and its title."""
    check_unpacked(path)
    with zipfile.ZipFile(path) as archive:
        root = parsed(member(archive, "content.xml"))
        titles = parsed(member(archive, "meta.xml")).iter("{*}title") if "meta.xml" in archive.namelist() else ()
        return root, next((str(title.text or "") for title in titles), "")


def name_of(element: Any) -> str:
    """Return a tag without its namespace; "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """Return an attribute, whatever its namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def children(element: Any, name: str) -> Iterator[Any]:
    """Yield the children of that name."""
    return (child for child in element if name_of(child) == name)


def body_of(root: Any, kind: str) -> Any:
    """Return the body of a document."""
    for body in root.iter("{*}body"):
        for inner in children(body, kind):
            return inner
    raise CannotRead("damaged")


def blocks_of(element: Any) -> Iterator[str]:
    """Yield headings, paragraphs and tables in order."""
    for child in element:
        name = name_of(child)
        if name == "h":
            level = attribute(child, "outline-level")
            yield "#" * min(int(level) if level.isdigit() else 1, 6) + " " + inline_text(child)
        elif name == "p":
            yield inline_text(child)
        elif name == "table":
            yield "\n".join(CELL.join(row) for row in sheet_rows(child) if any(row))
        elif name not in SKIPPED:
            yield from blocks_of(child)


def inline_text(element: Any) -> str:
    """Return what a paragraph says; footnotes and comments behind it, in brackets."""
    notes: list[str] = []
    text = "".join(inline_parts(element, notes))
    return text + "".join(f" [{note}]" for note in notes)


def inline_parts(element: Any, notes: list[str]) -> Iterator[str]:
    """Yield the pieces of a paragraph; append the notes that hang on it."""
    yield element.text or ""
    for child in element:
        name = name_of(child)
        if name in {"note", "annotation"}:
            bodies = list(children(child, "note-body")) or [child]
            notes.append("note: " + " ".join(" ".join(blocks_of(body)) for body in bodies).strip())
        elif name == "s":
            count = attribute(child, "c")
            yield " " * min(int(count) if count.isdigit() else 1, 100)
        elif name in SPACES:
            yield SPACES[name]
        elif name == "a":
            target, inside = attribute(child, "href"), "".join(inline_parts(child, notes))
            yield f"{inside} ({target})" if target.startswith("http") and target not in inside else inside
        elif name not in SKIPPED:
            yield from inline_parts(child, notes)
        yield child.tail or ""


def sheet_rows(table: Any) -> Iterator[list[str]]:
    """Yield a table's rows; what is merged with the cell above says again what that says."""
    above: dict[int, str] = {}
    for row in rows_in(table):
        cells = list(row_cells(row, above))
        repeated = attribute(row, "number-rows-repeated")
        count = min(int(repeated), MOST_REPEATED) if repeated.isdigit() and any(cells) else 1
        for _ in range(count):
            yield cells


def rows_in(table: Any) -> Iterator[Any]:
    """Yield the rows of a table, those of its head and of its groups, too."""
    for child in table:
        if name_of(child) == "table-row":
            if attribute(child, "visibility") not in {"collapse", "filter"}:
                yield child
        elif name_of(child) in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from rows_in(child)


def row_cells(row: Any, above: dict[int, str]) -> Iterator[str]:
    """Yield the cells of a row."""
    column = 0
    for cell in row:
        name, repeated = name_of(cell), attribute(cell, "number-columns-repeated")
        count = min(int(repeated), MOST_REPEATED) if repeated.isdigit() else 1
        if name == "covered-table-cell":
            text = above.get(column, "")
        elif name == "table-cell":
            text = "\n".join(inline_text(part) for part in cell.iter("{*}p") if name_of(part) == "p")
            spans = attribute(cell, "number-rows-spanned")
            above[column] = text if spans.isdigit() and int(spans) > 1 else ""
        else:
            continue
        for _ in range(count):
            yield text
            column += 1


def notes_of(root: Any) -> list[Note]:
    """Return what of a file is not among its text."""
    count = sum(1 for _ in root.iter("{*}image"))
    return [("pictures", str(count))] if count else []
