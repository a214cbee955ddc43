"""Word files as people write them: headings, tables, pages, fields, boxes and tracked changes."""

import re
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st

from indexing.reading.cleanup import raised, repair
from indexing.reading.word.document import word_file


def pages(document: Document, folder: Path) -> list[str]:
    document.save(str(folder / "file.docx"))
    return list(word_file(folder / "file.docx").texts)


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
    assert pages(file, tmp_path) == ["One.", "Two goes on\n\nBefore", "and after."]


def test_a_file_that_knows_no_pages_is_cut_into_some(tmp_path: Path) -> None:
    file = docx.Document()
    for number in range(200):
        file.add_paragraph(f"Paragraph {number} says that the weather is fine today, and that it was yesterday.")
    cut = pages(file, tmp_path)
    assert len(cut) > 3
    assert max(map(len, cut)) < 4000


def related_part(document: Document, name: str, relationship: str, content: str) -> None:
    """Add a part such as footnotes.xml to a file."""
    kind = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{name}+xml"
    part = Part(PackURI(f"/word/{name}.xml"), kind, content.encode(), document.part.package)
    document.part.relate_to(part, relationship)


NOTES = [("footnote", RELATIONSHIP_TYPE.FOOTNOTES), ("endnote", RELATIONSHIP_TYPE.ENDNOTES),
         ("comment", RELATIONSHIP_TYPE.COMMENTS)]  # fmt: skip


@pytest.mark.parametrize(("kind", "relationship"), NOTES)
@pytest.mark.parametrize("fee", ["340 euros in July", "12 % de plus"])
def test_a_note_stands_behind_the_sentence_that_it_hangs_on(
    kind: str, relationship: str, fee: str, tmp_path: Path
) -> None:
    file = docx.Document()
    note = f'<w:{kind} w:id="7" w:author="Petra">{paragraph(run(fee))}</w:{kind}>'
    if kind == "comment":  # python-docx has a part of its own for these
        file.add_paragraph("x")
        file.add_comment(file.paragraphs[0].runs, "unused")
        relation = next(r for r in file.part.rels.values() if r.reltype == relationship)
        relation.target_part.element.append(parse_xml(note.replace(">", f" {nsdecls('w')}>", 1)))
        file.paragraphs[0].clear()
    else:
        related_part(file, f"{kind}s", relationship, f"<w:{kind}s {nsdecls('w')}>{note}</w:{kind}s>")
    add(
        file,
        paragraph(run("The rent is 210 euros") + f'<w:r><w:{kind}Reference w:id="7"/></w:r>' + run(" a week. Pay.")),
    )
    (text,) = pages(file, tmp_path)
    assert "210 euros a week. [" in text
    assert f": {fee}] Pay." in text


SWITCHES = [("w:strike", "struck"), ("w:dstrike", "struck"), ("w:vanish", "hidden")]


@pytest.mark.parametrize(("switch", "note"), SWITCHES)
def test_what_a_reader_does_not_see_as_valid_is_left_out_and_named(switch: str, note: str, tmp_path: Path) -> None:
    file = docx.Document()
    gone = f"<w:r><w:rPr><{switch}/></w:rPr><w:t>35</w:t></w:r>"
    stays = f'<w:r><w:rPr><{switch} w:val="0"/></w:rPr><w:t> euros</w:t></w:r>'
    add(file, paragraph(run("It costs ") + gone + run("48") + stays))
    file.save(str(tmp_path / "file.docx"))
    read = word_file(tmp_path / "file.docx")
    assert list(read.texts) == ["It costs 48 euros"]
    assert read.notes == [(note, "")]


def test_what_a_style_hides_is_hidden(tmp_path: Path) -> None:
    file = docx.Document()
    style = file.styles.add_style("Draft", WD_STYLE_TYPE.CHARACTER)
    style.font.strike = True
    words = file.add_paragraph("It costs ")
    words.add_run("35", style="Draft")
    words.add_run("48")
    assert pages(file, tmp_path) == ["It costs 48"]


RAISED = [
    ("10", "6", "10^6"), ("1,240", "3", "1,240³"), ("5·10", "-3", "5·10^-3"), ("2 m", "3", "2 m³"), ("1", "er", "1er"),
    ("110", "2", "110²"), ("le 2", "nd", "le 2nd"),
]  # fmt: skip


@pytest.mark.parametrize(("plain", "above", "text"), RAISED)
def test_raised_figures_never_run_into_the_number_before_them(
    plain: str, above: str, text: str, tmp_path: Path
) -> None:
    file = docx.Document()
    words = file.add_paragraph(plain)
    words.add_run(above).font.superscript = True
    assert pages(file, tmp_path) == [text]


@given(st.integers(2, 9999), st.integers(1, 99))
def test_a_figure_and_its_note_are_told_apart(figure: int, mark: int) -> None:
    read = repair(f"{figure}{raised(str(figure), str(mark))}")
    assert str(figure) in re.findall(r"[0-9]+", read)
    assert str(figure) + str(mark) not in read


LISTS = [
    ("decimal", "%1.", ["1.", "2."]), ("upperLetter", "(%1)", ["(A)", "(B)"]), ("lowerRoman", "%1)", ["i)", "ii)"]),
    ("decimal", "Article %1 –", ["Article 1 –", "Article 2 –"]), ("decimalZero", "%1", ["01", "02"]),
]  # fmt: skip


def numbered(file: Document, style: str, pattern: str) -> None:
    """Make list 90 of a file: two levels, the second counted within the first."""
    levels = (
        f'<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="{style}"/><w:lvlText w:val="{pattern}"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>'
    )
    root = file.part.numbering_part.element
    root.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{levels}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))


def item(text: str, depth: int = 0) -> str:
    numbers = f'<w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="90"/></w:numPr></w:pPr>'
    return paragraph(numbers + run(text))


@pytest.mark.parametrize(("style", "pattern", "labels"), LISTS)
def test_the_numbers_that_word_prints_are_text(style: str, pattern: str, labels: list[str], tmp_path: Path) -> None:
    file = docx.Document()
    numbered(file, style, pattern)
    add(file, item("Rent"))
    add(file, item("Notice"))
    assert pages(file, tmp_path) == [f"{labels[0]} Rent\n\n{labels[1]} Notice"]


def test_clauses_are_counted_within_their_article_and_begin_anew_in_the_next(tmp_path: Path) -> None:
    file = docx.Document()
    numbered(file, "decimal", "%1.")
    for depth in (0, 1, 1, 0, 1):
        add(file, item("x", depth))
    assert pages(file, tmp_path)[0].split("\n\n") == ["1. x", "1.1 x", "1.2 x", "2. x", "2.1 x"]


def test_a_label_merged_over_rows_is_said_in_each(tmp_path: Path) -> None:
    file = docx.Document()
    table = file.add_table(4, 3)
    for row, texts in zip(table.rows, (("North", "Pumps", "Aino"), ("", "Valves", "Pekka"), ("South", "Pumps", "Marta"),
                                       ("", "Filters", "Nuria")), strict=True):  # fmt: skip
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(2, 0).merge(table.cell(3, 0))
    rows = pages(file, tmp_path)[0].split("\n")
    assert rows == [
        "North | Pumps | Aino",
        "North | Valves | Pekka",
        "South | Pumps | Marta",
        "South | Filters | Nuria",
    ]


def test_an_inner_table_has_rows_of_its_own_with_the_label_beside_it(tmp_path: Path) -> None:
    file = docx.Document()
    outer = file.add_table(1, 2)
    outer.cell(0, 0).text = "Hotel"
    inner = outer.cell(0, 1).add_table(2, 2)
    for cell, text in zip([c for row in inner.rows for c in row.cells], ("Paris", "140", "Lille", "95"), strict=True):
        cell.text = text
    assert pages(file, tmp_path)[0].split("\n")[1:] == ["Hotel | Paris | 140", "Hotel | Lille | 95"]


def test_the_head_row_is_said_again_where_a_table_goes_on_over_the_page(tmp_path: Path) -> None:
    file = docx.Document()
    table = file.add_table(3, 2)
    for cell, text in zip(
        [c for r in table.rows for c in r.cells], ("City", "Limit", "Oslo", "9", "Rome", "7"), strict=True
    ):
        cell.text = text
    broken: Any = table.cell(2, 0).paragraphs[0]._p
    broken.insert(0, parse_xml(f"<w:r {nsdecls('w')}><w:lastRenderedPageBreak/></w:r>"))
    assert pages(file, tmp_path) == ["City | Limit\nOslo | 9", "City | Limit\nRome | 7"]


TICKS = [("<w:checked/>", "☒"), ('<w:default w:val="1"/>', "☒"), ('<w:checked w:val="0"/>', "☐"), ("", "☐")]


@pytest.mark.parametrize(("state", "sign"), TICKS)
def test_the_boxes_of_old_forms_are_ticked_or_not(state: str, sign: str, tmp_path: Path) -> None:
    file = docx.Document()
    box = (
        f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{state}</w:checkBox></w:ffData></w:fldChar></w:r>'
    )
    add(file, paragraph(box + '<w:r><w:fldChar w:fldCharType="end"/></w:r>' + run(" Keys returned")))
    assert pages(file, tmp_path) == [f"{sign} Keys returned"]


def test_a_choice_of_an_old_form_is_the_one_that_was_picked(tmp_path: Path) -> None:
    file = docx.Document()
    entries = '<w:result w:val="1"/><w:listEntry w:val="Lyon"/><w:listEntry w:val="Brest"/>'
    begin = f'<w:fldChar w:fldCharType="begin"><w:ffData><w:ddList>{entries}</w:ddList></w:ffData></w:fldChar>'
    add(file, paragraph(run("Site: ") + f'<w:r>{begin}</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'))
    assert pages(file, tmp_path) == ["Site: Brest"]


SYMBOLS = [
    ("Wingdings", "F0FC", "✓"),
    ("Wingdings", "F0FB", "✗"),
    ("Wingdings 2", "F052", "☑"),
    ("Symbol", "F0B0", "°"),
]


@pytest.mark.parametrize(("font", "code", "sign"), SYMBOLS)
def test_signs_of_symbol_fonts_are_signs(font: str, code: str, sign: str, tmp_path: Path) -> None:
    file = docx.Document()
    add(file, paragraph(run("a ") + f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'))
    assert pages(file, tmp_path) == [f"a {sign}"]


MATHS = [
    ("<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>0.68</m:t></m:r></m:den></m:f>", "(a+b)/0.68"),
    ("<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>", "x^2"),
    ("<m:rad><m:deg/><m:e><m:r><m:t>2gh</m:t></m:r></m:e></m:rad>", "√(2gh)"),
]


@pytest.mark.parametrize(("maths", "text"), MATHS)
def test_equations_are_text(maths: str, text: str, tmp_path: Path) -> None:
    file = docx.Document()
    add(file, f"<w:p><w:r><w:t>P =</w:t></w:r><m:oMath {nsdecls('m')}>{maths}</m:oMath></w:p>")
    assert pages(file, tmp_path) == [f"P = {text}"]


def test_where_a_link_leads_is_text(tmp_path: Path) -> None:
    file = docx.Document()
    target = file.part.relate_to("https://intranet.example/laptops", RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    words = file.add_paragraph("Choose ")
    words._p.append(parse_xml(f'<w:hyperlink {nsdecls("w", "r")} r:id="{target}">{run("here")}</w:hyperlink>'))
    assert pages(file, tmp_path) == ["Choose here (https://intranet.example/laptops)"]


def test_heads_and_feet_that_tell_something_are_said_once(tmp_path: Path) -> None:
    file = docx.Document()
    file.add_paragraph("One.")
    file.sections[0].header.paragraphs[0].text = "Prices valid from 1 May"
    number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>3</w:t></w:r></w:fldSimple>'
    file.sections[0].footer.paragraphs[0]._p.append(parse_xml(number.replace(">", f" {nsdecls('w')}>", 1)))
    file.add_section()
    file.add_paragraph("Two.")
    text = "\n".join(pages(file, tmp_path))
    assert text.count("Prices valid from 1 May") == 1
    assert "3" not in text


def test_a_paragraph_whose_end_was_deleted_goes_on(tmp_path: Path) -> None:
    file = docx.Document()
    add(file, paragraph('<w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr>' + run("The fee is ")))
    add(file, paragraph(run("48 euros.")))
    assert pages(file, tmp_path) == ["The fee is 48 euros."]
