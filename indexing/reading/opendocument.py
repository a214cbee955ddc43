"""OpenDocument files of LibreOffice: texts, sheets, presentations, read from their content.xml."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexing.reading.bundle import some_of
from indexing.reading.hidden_cells import HiddenCells
from indexing.reading.opendocument_file import OpenDocumentFile, attribute, children, name_of
from indexing.reading.pages import CannotRead, PageTexts
from indexing.reading.table_pages import table_pages
from indexing.reading.text_files import paginate

SPACES = {"tab": "\t", "line-break": "\n"}
SKIPPED = {"tracked-changes", "annotation-end", "forms", "sequence-decls"}
MOST_REPEATED, MOST_ROWS = 100, 200_000  # empty cells and rows are written once with a count of a million
CELL = " | "
GROUPS = {"table-header-rows", "table-rows", "table-row-group", "table-columns", "table-header-columns",
          "table-column-group"}  # fmt: skip


def text_file(path: Path) -> PageTexts:
    """Read an .odt: headings, paragraphs, tables as rows, notes behind their paragraph."""
    file = OpenDocumentFile.of(path)
    blocks = [block for block in blocks_of(file.body("text")) if block.strip()]
    return file.pages([page for page in paginate(blocks, "\n\n") if page.strip()])


def sheet_file(path: Path) -> PageTexts:
    """Read an .ods: the rows of each sheet; what is hidden is named."""
    file = OpenDocumentFile.of(path)
    texts, labels, hidden_sheets, hidden = [], [], [], []
    for table in children(file.body("spreadsheet"), "table"):
        name = attribute(table, "name")
        if attribute(table, "style-name") in file.unseen:
            hidden_sheets.append(name)
            continue
        rows, unseen = list(sheet_rows(table)), hidden_parts(table)
        hidden += unseen.names(name, rows)
        pages = list(table_pages(unseen.emptied(rows)))
        texts += [f"# {name}\n{page.text}" for page in pages]
        labels += [f"{name}!{page.first}:{page.last}" for page in pages]
        if shapes := "\n".join(inline_text(shape) for shape in children(table, "shapes")).strip():
            texts.append(f"# {name}\n{shapes}")
            labels.append(name)
    if not texts:
        raise CannotRead("no_text")
    notes = [("hidden_sheets", ", ".join(hidden_sheets))] * bool(hidden_sheets)
    notes += [("hidden_cells", some_of(hidden))] * bool(hidden)
    return file.pages(texts, labels, notes)


def presentation_file(path: Path) -> PageTexts:
    """Read an .odp: a slide is a page, its notes with it; hidden slides are left out and named."""
    file = OpenDocumentFile.of(path)
    texts, labels, hidden = [], [], []
    for number, slide in enumerate(children(file.body("presentation"), "page"), start=1):
        if attribute(slide, "style-name") in file.unseen:
            hidden.append(str(number))
            continue
        texts.append("\n\n".join(block for block in blocks_of(slide) if block.strip()))
        labels.append(f"slide {number}")
    return file.pages(texts, labels, [("hidden_slides", " ".join(hidden))] * bool(hidden))


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
    empty = 0
    for row in rows_in(table):
        cells = list(row_cells(row, above))
        if not any(cells):
            empty += repeats(row, MOST_ROWS)  # the last ones are a million
            continue
        yield from ([] for _ in range(min(empty, MOST_ROWS)))
        yield from (cells for _ in range(repeats(row, MOST_REPEATED)))
        empty = 0


def repeats(element: Any, most: int) -> int:
    """Return how often a row or a column stands for itself."""
    for name in ("number-rows-repeated", "number-columns-repeated"):
        count = attribute(element, name)
        if count.isdigit():
            return min(int(count), most)
    return 1


def hidden_parts(table: Any) -> HiddenCells:
    """Return what of a sheet is hidden or filtered away."""
    hidden: dict[str, set[int]] = {"table-row": set(), "table-column": set()}
    for kind, numbers in hidden.items():
        number = 1
        for element in rows_in(table, kind):
            count = repeats(element, MOST_ROWS)
            if attribute(element, "visibility") in {"collapse", "filter"}:
                numbers |= set(range(number, min(number + count, MOST_ROWS)))
            number += count
    return HiddenCells(frozenset(hidden["table-row"]), frozenset(hidden["table-column"]))


def rows_in(table: Any, kind: str = "table-row") -> Iterator[Any]:
    """Yield the rows of a table, or its columns, those of its head and of its groups, too."""
    for child in table:
        if name_of(child) == kind:
            yield child
        elif name_of(child) in GROUPS:
            yield from rows_in(child, kind)


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
