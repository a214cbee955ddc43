"""Bytes as text: marks, UTF-16 without one, bad bytes, and what is no text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.reading.decode import decode_text, is_plain_text

FRENCH = "Le café est offert aux élèves après la réunion du 3 août.\nL'œuvre coûte 45 €.\n" * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_text_is_read_in_whatever_it_was_written(encoding: str) -> None:
    data = FRENCH.encode(encoding)
    assert is_plain_text(data)
    assert decode_text(data) == FRENCH


@given(st.integers(0, len(FRENCH.encode()) - 1), st.sampled_from([b"\xe9", b"\xff", b"\0", b"\xc3"]))
def test_one_bad_byte_spoils_nothing_else(place: int, bad: bytes) -> None:
    data = FRENCH.encode()
    text = decode_text(data[:place] + bad + data[place:])
    assert sum(text.count(word) for word in ("café", "élèves", "réunion", "août")) >= 11
    assert "Ã©l" not in text


def test_a_text_that_is_cut_within_a_letter_loses_that_letter_only() -> None:
    assert decode_text("très café".encode()[:-1]) == "très caf"


def test_each_line_is_read_in_its_own_encoding() -> None:
    assert decode_text("première\n".encode() + "deuxième\n".encode("cp1252")) == "première\ndeuxième\n"


@pytest.mark.parametrize(
    "data", [b"\x7fELF\0\0\1\2", b"\x89PNG\r\n\x1a\n" + bytes(64), b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff"]
)
def test_programs_and_pictures_are_no_text(data: bytes) -> None:
    assert not is_plain_text(data)


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=20))
def test_any_printable_text_is_read_back(text: str) -> None:
    assert is_plain_text(text.encode())
    assert decode_text(text.encode()) == text.removeprefix("\ufeff")
