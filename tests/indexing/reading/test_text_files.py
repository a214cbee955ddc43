"""Word files as people write them: headings, tables, pages, fields, boxes and tracked changes."""

from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from indexing.reading.text_files import pages_of_docx


def pages(document: Document, folder: Path) -> list[str]:
    document.save(str(folder / "file.docx"))
    return pages_of_docx(folder / "file.docx")


def add(document: Document, xml: str) -> None:
    """Put an element where the next paragraph would stand."""
    body: Any = document.element.body  # ends with the section's properties
    body.insert(len(body) - 1, parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1)))


def paragraph(inside: str) -> str:
    return f"<w:p>{inside}</w:p>"


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def test_headings_tables_and_pages_are_kept(tmp_path: Path) -> None:
    file = docx.Document()
    file.add_heading("Travel", 1)
    table = file.add_table(2, 2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ("City", "Limit", "Paris", "140"), strict=True):
        cell.text = text
    file.add_page_break()
    file.add_paragraph("The second page.")
    assert pages(file, tmp_path) == ["# Travel\n\nCity | Limit\nParis | 140", "The second page."]


def test_a_merged_cell_is_said_once(tmp_path: Path) -> None:
    file = docx.Document()
    table = file.add_table(1, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "Total"
    table.cell(0, 2).text = "140"
    assert pages(file, tmp_path) == ["Total | 140"]


def test_tracked_insertions_are_text_and_deletions_are_not(tmp_path: Path) -> None:
    file = docx.Document()
    deleted = '<w:del w:id="1" w:author="a"><w:r><w:delText>27</w:delText></w:r></w:del>'
    add(
        file,
        paragraph(run("There are ") + deleted + f'<w:ins w:id="2" w:author="a">{run("30")}</w:ins>' + run(" days.")),
    )
    add(file, paragraph(f'<w:moveFrom w:id="3" w:author="a">{run("Moved.")}</w:moveFrom>'))
    assert pages(file, tmp_path) == ["There are 30 days."]


def test_fields_of_a_form_are_text(tmp_path: Path) -> None:
    file = docx.Document()
    inside = f"<w:sdtContent><w:p>{run('A field of its own.')}</w:p></w:sdtContent>"
    add(file, f"<w:sdt>{inside}</w:sdt>")
    add(file, paragraph(run("Name: ") + f"<w:sdt><w:sdtContent>{run('Moreau')}</w:sdtContent></w:sdt>"))
    assert pages(file, tmp_path) == ["A field of its own.\n\nName: Moreau"]


def test_pages_are_those_that_word_saw(tmp_path: Path) -> None:
    """A break that somebody set and the one that Word noted after it are one; a paragraph may run over a page's end."""
    file = docx.Document()
    add(file, paragraph(run("One.") + '<w:r><w:br w:type="page"/></w:r>'))
    add(file, paragraph("<w:r><w:lastRenderedPageBreak/></w:r>" + run("Two goes on ")))
    add(file, paragraph(run("Before ") + "<w:r><w:lastRenderedPageBreak/></w:r>" + run("and after.")))
    assert pages(file, tmp_path) == ["One.", "Two goes on \n\nBefore ", "and after."]


def test_a_file_that_knows_no_pages_is_cut_into_some(tmp_path: Path) -> None:
    file = docx.Document()
    for number in range(200):
        file.add_paragraph(f"Paragraph {number} says that the weather is fine today, and that it was yesterday.")
    cut = pages(file, tmp_path)
    assert len(cut) > 3
    assert max(map(len, cut)) < 4000
