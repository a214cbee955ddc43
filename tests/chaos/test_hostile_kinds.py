"""Mutated files of every kind through the processes that read them: each ends as text or as a reason, soon.

By hand, many more: `MUTATED_FILES=1000 pytest -s tests/chaos/test_hostile_kinds.py -o timeout=14400`, or, without a
process for each file, `python -m tests.chaos.mutate 1000`.
"""

import asyncio
import io
import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from indexing.reading.kinds import document_kind
from indexing.reading.pool import OpenDocument, ReadingLimits, UnreadableDocument
from tests.chaos.mutate import run
from tests.indexing.reading.test_kinds import mail, opendocument, photograph, slides, table_row, workbook
from tests.indexing.reading.test_pdf_attachments import portfolio
from tests.outlook import outlook_mail
from tests.pdfs import damaged, readers

COUNT = int(os.environ.get("MUTATED_FILES", "4"))  # of each kind
LIMITS = ReadingLimits(pages=500, seconds=60, processes=1)
LONGEST_SECONDS = 90  # for one file, on a busy machine


def word(path: Path, _folder: Path) -> Path:
    file = docx.Document()
    file.add_heading("Rent", 1)
    file.add_table(2, 2).cell(0, 0).text = "Town"
    file.save(str(path))
    return path


def sheets(path: Path, _folder: Path) -> Path:
    rows = table_row("Town", "Rate") + table_row("Oslo", "9")
    return opendocument(path, "spreadsheet", f"<table:table>{rows}</table:table>")


def web(path: Path, _folder: Path) -> Path:
    path.write_text("<html><body>" + "<table><tr><td rowspan=3>Oslo<td>9</table><p>a<b>c</p>" * 40)
    return path


def archive(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("a.txt", "The key lies under the mat.")
        zipped.write(mail(folder / "in.eml", folder), "in.eml")
    return path


def folder_in_pdf(path: Path, _folder: Path) -> Path:
    return portfolio(path, {"minutes.txt": b"Petra pays.", "rates.csv": b"Town,Rate\nOslo,9\n"}, outline=True)


def outlook(path: Path, _folder: Path) -> Path:
    path.write_bytes(outlook_mail({"0037": "Rent", "0C1A": "Petra"}, "The rent is 340.", {"a.csv": b"a,b\n1,2\n"}))
    return path


def writer(path: Path, _folder: Path) -> Path:
    table = f"<table:table>{table_row('Oslo', '9')}</table:table>"
    return opendocument(path, "text", f"<text:h>Rent</text:h><text:p>It is 210<text:s/>euros.</text:p>{table}" * 9)


MAKERS: dict[str, Callable[[Path, Path], Path]] = {
    "a.docx": word, "a.pptx": lambda path, _: slides(path), "a.xlsx": lambda path, _: workbook(path), "a.ods": sheets,
    "a.eml": mail, "a.html": web, "a.zip": archive, "a.pdf": folder_in_pdf, "a.msg": outlook, "a.odt": writer,
    "a.png": lambda path, _: photograph(path), "a.tiff": lambda path, _: photograph(path),
}  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Damage a file's bytes, or those of one file that is zipped in it."""
    if not data.startswith(b"PK") or dice.random() < 0.3:
        return damaged(data, dice)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = dice.choice(names)
        for name in names:
            inside = old.read(name)
            new.writestr(name, damaged(inside, dice) if name == chosen and inside else inside)
    return out.getvalue()


async def outcome(path: Path) -> str:
    """Read a file to its end; return "read" or why it was not."""
    try:
        running = OpenDocument(path, document_kind(path), LIMITS)
        await running.start()
        try:
            async for _ in running.pages():
                pass
        finally:
            await running.stop()
    except UnreadableDocument as refused:
        return refused.reason
    return "read"


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.timeout(120 + COUNT * LONGEST_SECONDS)
async def test_every_mutated_file_ends_as_text_or_as_a_reason(name: str, tmp_path: Path) -> None:
    whole = MAKERS[name](tmp_path / name, tmp_path).read_bytes()
    ends, slowest = Counter[str](), 0.0
    for number in range(COUNT):
        path = tmp_path / f"{number}{Path(name).suffix}"
        path.write_bytes(mutated(whole, random.Random(f"{name}-{number}")))
        started = time.monotonic()
        async with asyncio.timeout(LONGEST_SECONDS):
            ends[await outcome(path)] += 1
        slowest = max(slowest, time.monotonic() - started)
        path.unlink()
    assert not readers()
    print(f"\n{COUNT} mutated {name}: {dict(ends)}, the slowest {slowest:.1f} s")


ENTITIES = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY a "lol">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1 if n else str()};" * 10}">' for n in range(9)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inner"),
    [("a.docx", "word/document.xml"), ("a.pptx", "ppt/slides/slide1.xml"), ("a.xlsx", "xl/worksheets/sheet1.xml"),
     ("a.ods", "content.xml")],
)  # fmt: skip
@pytest.mark.parametrize("entity", ["x", "a8"])
async def test_entities_are_never_resolved(name: str, inner: str, entity: str, tmp_path: Path) -> None:
    """Neither is a file of this machine told, nor does a short text become gigabytes."""
    whole = MAKERS[name](tmp_path / name, tmp_path)
    out = io.BytesIO()
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member == inner:
                text = data.decode().replace("<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", "")
                for written in ("Town", "Onboarding", "Rent"):
                    text = text.replace(f">{written}", f">&{entity};")
                data = (ENTITIES + text[text.index("<", text.find("?>") + 2 if "?>" in text else 0) :]).encode()
            new.writestr(member, data)
    whole.write_bytes(out.getvalue())
    texts = []
    try:
        running = OpenDocument(whole, document_kind(whole), LIMITS)
        await running.start()
        texts = [page.text async for page in running.pages()]
        await running.stop()
    except UnreadableDocument:
        pass
    assert "root:" not in "".join(texts)
    assert len("".join(texts)) < 100_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", MAKERS)
def test_no_mutated_file_crashes_or_hangs_its_reader(name: str, tmp_path: Path) -> None:
    ends = run(name, int(os.environ.get("MUTATED_FILES", "10")), tmp_path)
    assert not [end for end in ends if end.startswith(("CRASH", "HANG"))]
