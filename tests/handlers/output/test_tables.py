"""Tables as people bring them."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.output import tables
from handlers.output.tables import FORMULA_STARTS, NoText, Texts, markdown_table, read_texts, write_csv


def reads(tmp_path: Path, content: str | bytes, name: str = "reviews.csv", limit: int = 100) -> Texts:
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_texts(path, name, limit)


def test_the_column_called_text_is_read(tmp_path: Path) -> None:
    found = reads(tmp_path, "id,text,note\n1,A fine film,long words that are not the text at all\n2,Dull,x\n")
    assert found == Texts(("A fine film", "Dull"), 0, "text")


def test_a_french_spreadsheet_is_read(tmp_path: Path) -> None:
    """Semicolons, and the encoding of old spreadsheets."""
    found = reads(tmp_path, "n°;avis\r\n1;Très déçu, hélas\r\n2;Parfait !\r\n".encode("cp1252"))
    assert found.items == ("Très déçu, hélas", "Parfait !")


def test_utf_16_is_read(tmp_path: Path) -> None:
    assert reads(tmp_path, "text\tstars\nGénial\t5\n".encode("utf-16")).items == ("Génial",)


def test_without_names_the_column_with_words_is_found(tmp_path: Path) -> None:
    found = reads(tmp_path, "1,This one was really good fun,5\n2,And this one was not at all,1\n")
    assert found.items == ("This one was really good fun", "And this one was not at all")


def test_a_quoted_text_may_hold_separators_and_lines(tmp_path: Path) -> None:
    assert reads(tmp_path, 'text,label\n"One, two\nthree",1\n').items == ("One, two\nthree",)


def test_a_text_file_has_one_text_a_line(tmp_path: Path) -> None:
    assert reads(tmp_path, "Good.\n\n  Bad.\n", "notes.txt") == Texts(("Good.", "Bad."), 0, "")


def test_what_is_beyond_the_limit_is_counted(tmp_path: Path) -> None:
    found = reads(tmp_path, "text\n" + "nice\n" * 250, limit=100)
    assert (len(found.items), found.left_out) == (100, 150)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n3,4\n", "1,2,3\n"])
def test_a_table_without_text_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(NoText):
        reads(tmp_path, content)


def test_no_cell_is_run_as_a_formula() -> None:
    """Neither in the rows, which others wrote, nor in the head, which for an extraction a person names."""
    cells = ["=cmd|' /C calc'!A0", "-1 star", "@SUM(A1)", "\n=1+1", "＝1+1", "fine"]
    written = write_csv(["=1+1"], [[cell] for cell in cells]).decode("utf-8-sig")
    rows = [row[0] for row in csv.reader(io.StringIO(written, newline=""))]
    assert rows == ["'=1+1", *("'" + cell for cell in cells[:-1]), "fine"]


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), max_size=30).filter(lambda text: not text.startswith(FORMULA_STARTS))
    )
)
def test_written_texts_are_read_as_they_were(cells: list[str]) -> None:
    written = write_csv(["text"], [[cell] for cell in cells]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert [row[0] if row else "" for row in rows] == cells


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert markdown_table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x¦y z |"


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.txt"])
def test_of_a_huge_table_only_the_beginning_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file of some megabytes must not fill the memory of the process that answers everybody."""
    monkeypatch.setattr(tables, "READ_BYTES", 64_000)
    monkeypatch.setattr(tables, "COUNTED_BYTES", 64_000)
    path = tmp_path / name
    path.write_text("text\n" + "A fine hotel, said Dora Quill.\n" * 100_000)
    tracemalloc.start()
    texts = read_texts(path, name, 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(texts.items) == 50
    assert texts.left_out + 50 == 100_000 + (name == "reviews.txt")
    assert peak < 2_000_000 < path.stat().st_size


def test_half_a_character_at_the_cut_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "READ_BYTES", 1_001)
    path = tmp_path / "reviews.txt"
    path.write_text("Très bon hôtel.\n" * 200, encoding="utf-16")
    assert set(read_texts(path, path.name, 1000).items) == {"Très bon hôtel."}
