"""Mails that Outlook saved: heads, text in any encoding, HTML alone, and what was attached."""

from pathlib import Path
from typing import Any

import olefile
import pytest

from indexing.reading.kinds import document_kind
from indexing.reading.readers import open_readable
from tests.outlook import compound_file, outlook_mail
from tests.pdfs import make_pdf

HEADS = {"0C1A": "Hélène Petit", "0E04": "team@a.example", "0037": "Loyer & barème",
         "007D": "Received: x\r\nDate: Tue, 5 May 2026 09:00:00 +0200\r\n"}  # fmt: skip
BODY = "Bonjour,\r\n\r\nle loyer est de 1 240 € dès le 1er juin.\r\n"


def opened(path: Path, data: bytes) -> Any:
    path.write_bytes(data)
    return open_readable(document_kind(path), path)


@pytest.mark.parametrize("unicode", [True, False])
def test_a_mail_of_outlook_is_read_with_what_was_attached(unicode: bool, tmp_path: Path) -> None:
    pdf = make_pdf(tmp_path / "lease.pdf", ["The lease ends in May.", "It may be renewed."]).read_bytes()
    files = {"barème.csv": b"Town,Rate\nOslo,9\n", "lease.pdf": pdf, "setup.exe": b"MZ\0\1\2\3\4\5\6"}
    file = opened(tmp_path / "a.msg", outlook_mail(HEADS, BODY, files, unicode=unicode))
    about = file.about()
    assert about["title"] == "Loyer & barème"
    assert about["labels"] == ["message", "barème.csv, rows 1–2", "lease.pdf, p. 1", "lease.pdf, p. 2"]
    assert about["notes"] == [("attachments", "setup.exe")]
    text = file.page(1)["text"]
    assert text.startswith("From: Hélène Petit\nTo: team@a.example\nDate: Tue, 5 May 2026")
    assert "le loyer est de 1 240 € dès le 1er juin." in text
    assert "renewed" in file.page(4)["text"]


def test_a_mail_with_html_alone_is_read_as_a_browser_shows_it(tmp_path: Path) -> None:
    html = "<html><body><p>The rent is <b>340</b> euros.</p><p style='display:none'>secret</p></body></html>"
    content = {"__properties_version1.0": bytes(32), "__substg1.0_0037001F": "Rent".encode("utf-16-le"),
               "__substg1.0_10130102": html.encode()}  # fmt: skip
    text = opened(tmp_path / "a.msg", compound_file(content)).page(1)["text"]
    assert text == "Subject: Rent\n\nThe rent is 340 euros."


@pytest.mark.parametrize("name", ["a.msg", "no suffix"])
def test_a_compound_file_without_a_mail_gets_a_reason(name: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="not_a_pdf"):
        opened(tmp_path / name, compound_file({"Workbook": b"x" * 5000}))


def test_the_files_of_these_tests_are_sound(tmp_path: Path) -> None:
    streams = {f"stream {size}": bytes([size % 251]) * size for size in (0, 1, 63, 64, 65, 4095, 4096, 4097, 9000)}
    (tmp_path / "a").write_bytes(compound_file(streams | {"folder": {"inner": b"y" * 70_000}}))
    with olefile.OleFileIO(str(tmp_path / "a"), raise_defects=olefile.DEFECT_INCORRECT) as store:
        assert {name: store.openstream(name).read() for name in streams} == streams
        assert store.openstream("folder/inner").read() == b"y" * 70_000
