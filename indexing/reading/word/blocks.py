"""Paragraphs and tables of a Word file in order, each as a block of text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn

from indexing.reading.word.equations import local_name
from indexing.reading.word.numbering import Numbering
from indexing.reading.word.paragraph import PAGE, ParagraphText, WordContext
from indexing.reading.word.styles import is_on, value_of

CELL = " | "
LONGEST_LABEL = 60  # characters of what stands beside an inner table and is said again in each of its rows
PASSED_THROUGH = {"sdtContent", "customXml", "ins", "moveTo", "AlternateContent", "Choice", "smartTag"}


@dataclass
class BlockReader:
    """Reads one part of a Word file from its beginning to its end; lists count on from block to block."""

    context: WordContext
    numbering: Numbering
    _joined: str = field(default="", init=False)  # a paragraph whose end was deleted goes on in the next

    def texts(self, container: Any) -> Iterator[str]:
        """Yield the text of each paragraph and of each table; a form feed where a page begins."""
        for child in container:
            name = local_name(child)
            if name == "p":
                yield from self._paragraph(child)
            elif name == "tbl":
                yield "\n".join(self.rows(child))
            elif is_passed_through(child, name):
                yield from self.texts(child)

    def _paragraph(self, paragraph: Any) -> Iterator[str]:
        text, boxes = self._text(paragraph)
        if paragraph.find(f"{qn('w:pPr')}/{qn('w:rPr')}/{qn('w:del')}") is not None:
            self._joined = text
            return
        self._joined = ""
        yield text
        for box in boxes:
            yield from self.texts(box)
        if not self.context.rendered and ends_page(paragraph):
            yield PAGE

    def _text(self, paragraph: Any) -> tuple[str, list[Any]]:
        label = self.numbering.label(paragraph, self.context.styles)
        written = ParagraphText(self.context)
        written.read(paragraph)
        text = self._joined + written.text()
        breaks = text[: len(text) - len(text.lstrip(PAGE))]
        inside = text[len(breaks) :]
        if not self.context.rendered and is_on(paragraph.find(f"{qn('w:pPr')}/{qn('w:pageBreakBefore')}")):
            breaks = PAGE
        if inside.strip():
            level = self.context.styles.heading_level(paragraph)
            inside = " ".join(part for part in ("#" * min(level, 6), label, inside) if part)
        return breaks + inside, written.boxes

    def rows(self, table: Any) -> Iterator[str]:
        """Yield a table's rows, cells between bars; inner tables as rows of their own behind the row they are in."""
        above: dict[int, str] = {}
        head = ""
        for row in rows_in(table):
            cells = list(self._cells(row, above))
            texts = [text for text, _ in cells]
            begins_page = any(PAGE in text for text in texts)
            line = CELL.join(" ".join(text.replace(PAGE, " ").split()) for text in texts)
            if line.replace("|", "").strip():
                yield (PAGE + f"{head}\n" * bool(head) if begins_page else "") + line
            head = head or (line if is_head(row, texts) else "-")
            head = "" if head == "-" and not line.strip() else head
            label = next((text for text in texts if 0 < len(text.strip()) <= LONGEST_LABEL), "").strip()
            for _, inner in cells:
                for inner_table in inner:
                    yield from (f"{label}{CELL}{text}" if label else text for text in self.rows(inner_table))

    def _cells(self, row: Any, above: dict[int, str]) -> Iterator[tuple[str, list[Any]]]:
        """Yield each cell's text and inner tables; one that is merged with the cell above says again what that says."""
        column = 0
        for cell in cells_in(row):
            span = value_of(cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}"))
            merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            inner = [element for element in cell.iter(qn("w:tbl")) if outer_cell(element) is cell]
            if merged is not None and value_of(merged) != "restart":
                yield above.get(column, ""), inner
            else:
                text = "\n".join(self._cell_texts(cell))
                above[column] = text if merged is not None else ""
                yield text, inner
            column += int(span) if span.isdigit() else 1

    def _cell_texts(self, container: Any) -> Iterator[str]:
        for child in container:
            name = local_name(child)
            if name == "p":
                yield from self._paragraph(child)
            elif is_passed_through(child, name):
                yield from self._cell_texts(child)


def is_passed_through(element: Any, name: str) -> bool:
    """Tell whether what is inside an element is text like any other; what Word shows in an empty field is not."""
    empty_field = name == "sdt" and is_on(element.find(f"{qn('w:sdtPr')}/{qn('w:showingPlcHdr')}"))
    return (name == "sdt" or name in PASSED_THROUGH) and not empty_field


def rows_in(table: Any) -> Iterator[Any]:
    """Yield a table's rows but those that were deleted."""
    for row in nested(table, "tr"):
        if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is None:
            yield row


def cells_in(row: Any) -> Iterator[Any]:
    """Yield a row's cells but those that were deleted."""
    for cell in nested(row, "tc"):
        if cell.find(f"{qn('w:tcPr')}/{qn('w:cellDel')}") is None:
            yield cell


def nested(container: Any, wanted: str) -> Iterator[Any]:
    """Yield the parts of that name, those inside a form's control, too."""
    for child in container:
        name = local_name(child)
        if name == wanted:
            yield child
        elif name == "sdt" or name in PASSED_THROUGH:
            yield from nested(child, wanted)


def outer_cell(table: Any) -> Any:
    """Return the cell that a table is in."""
    return next(table.iterancestors(qn("w:tc")), None)


def is_head(row: Any, texts: list[str]) -> bool:
    """Tell whether a row names the columns: Word says so, or each cell has words and no figures."""
    if row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None:
        return True
    return len(texts) > 1 and all(any(map(str.isalpha, text)) and not any(map(str.isdigit, text)) for text in texts)


def ends_page(paragraph: Any) -> bool:
    """Tell whether a section ends with a paragraph and the next one begins on a new page."""
    section = paragraph.find(f"{qn('w:pPr')}/{qn('w:sectPr')}")
    return section is not None and value_of(section.find(qn("w:type"))) in {"", "nextPage", "oddPage", "evenPage"}
