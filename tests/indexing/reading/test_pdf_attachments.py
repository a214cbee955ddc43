"""Files inside a PDF: read behind its pages, as documents of the same share, under their own names."""

from pathlib import Path
from typing import Any

import pypdf
import pytest
from fpdf import FPDF
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    TextStringObject,
)  # fmt: skip

from indexing.reading.kinds import document_kind
from indexing.reading.readers import open_readable
from tests.pdfs import make_pdf


def opened(path: Path) -> Any:
    return open_readable(document_kind(path), path)


def texts(file: Any) -> list[str]:
    return [file.page(number)["text"] for number in range(1, file.about()["pages"] + 1)]


def portfolio(path: Path, files: dict[str, bytes], *, outline: bool = False) -> Path:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in ("The board met in May.", "Its minutes are attached."):
        pdf.add_page()
        if outline:
            pdf.start_section(text)
        pdf.multi_cell(0, 8, text)
    for name, data in files.items():
        pdf.embed_file(bytes=data, basename=name)
    pdf.output(str(path))
    return path


def test_files_in_a_portfolio_are_read_behind_its_pages(tmp_path: Path) -> None:
    rates = make_pdf(tmp_path / "rates.pdf", ["The ceiling is 9,800 euros.", "It holds until June."]).read_bytes()
    files = {"minutes.txt": "Petra pays.".encode("utf-16"), "rates.pdf": rates, "setup.exe": b"MZ\0\1\2\3\4\5"}
    file = opened(portfolio(tmp_path / "a.pdf", files))
    about = file.about()
    assert about["labels"] == ["", "", "minutes.txt", "rates.pdf, p. 1", "rates.pdf, p. 2"]
    assert set(about["notes"]) == {("attached", "minutes.txt, rates.pdf"), ("attachments", "setup.exe")}
    assert texts(file)[2:] == ["Petra pays.", "The ceiling is 9,800 euros.", "It holds until June."]


def test_an_attached_file_is_a_part_of_its_own_below_an_outline(tmp_path: Path) -> None:
    path = portfolio(tmp_path / "a.pdf", {"minutes.txt": b"Petra pays."}, outline=True)
    assert opened(path).about()["outline"][-1] == (1, "minutes.txt", 3)


def test_a_file_on_a_page_as_a_paper_clip_is_read(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=make_pdf(tmp_path / "a.pdf", ["See the clip."]))
    data = DecodedStreamObject()
    data.set_data(b"Petra pays the hall.")
    streams = DictionaryObject({NameObject("/F"): writer._add_object(data)})
    file = DictionaryObject({NameObject("/F"): TextStringObject("in/clip.txt"), NameObject("/EF"): streams})
    corners = ArrayObject(map(FloatObject, (10, 10, 20, 20)))
    clip = DictionaryObject({NameObject("/Subtype"): NameObject("/FileAttachment"), NameObject("/FS"): file,
                             NameObject("/Rect"): corners})  # fmt: skip
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(clip)])
    writer.write(tmp_path / "a.pdf")
    assert opened(tmp_path / "a.pdf").about()["labels"] == ["", "clip.txt"]
    assert texts(opened(tmp_path / "a.pdf"))[1] == "Petra pays the hall."


def test_portfolios_within_portfolios_end_somewhere(tmp_path: Path) -> None:
    data, name = b"The innermost text.", "0.txt"
    for depth in range(1, 6):
        data, name = portfolio(tmp_path / "a.pdf", {name: data}).read_bytes(), f"{depth}.pdf"
    file = opened(tmp_path / "a.pdf")
    assert 4 <= file.about()["pages"] < 12
    assert "innermost" not in "".join(texts(file))


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.XML"])
def test_an_invoice_s_data_for_programs_is_named_and_not_mixed_in(name: str, tmp_path: Path) -> None:
    file = opened(portfolio(tmp_path / "a.pdf", {name: b"<rsm:Amount>12</rsm:Amount>"}))
    assert file.about()["pages"] == 2
    assert file.about()["notes"] == [("attachments", name)]


def test_a_damaged_file_inside_leaves_the_others(tmp_path: Path) -> None:
    file = opened(portfolio(tmp_path / "a.pdf", {"a.docx": b"PK\x03\x04broken", "b.txt": b"Petra pays."}))
    assert file.about()["labels"] == ["", "", "b.txt"]
    assert ("attachments", "a.docx") in file.about()["notes"]
