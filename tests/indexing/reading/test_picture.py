"""A page as a picture with words marked: found by their letters, on pages of any rotation; damaged files draw none."""

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from indexing.reading.marks import places_of
from indexing.reading.picture import page_picture
from indexing.reading.pool import ReadingLimits, UnreadableDocument
from tests.pdfs import make_pdf

LIMITS = ReadingLimits()
PAGES = ["The office opens at 7:30.\nIt closes at 18:00.", "Full-time employees get 27 days of paid leave each year."]


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """A document of two pages."""
    return make_pdf(tmp_path / "handbook.pdf", PAGES)


def yellow(png: bytes) -> tuple[int, int, int, int] | None:
    """Return the box of what is marked."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    blue = image.getchannel("B").point(lambda value: 255 if 60 < value < 120 else 0)
    red = image.getchannel("R").point(lambda value: 255 if value > 240 else 0)
    return Image.composite(blue, Image.new("L", image.size), red).getbbox()


async def test_the_words_are_marked_on_the_page_that_has_them(pdf: Path) -> None:
    picture = await page_picture(pdf, (1, 2), "employees get 27 days", LIMITS)
    assert (picture.page, picture.is_marked) == (2, True)
    whole = await page_picture(pdf, (2, 2), PAGES[1], LIMITS)
    few, all_ = yellow(picture.png), yellow(whole.png)
    assert few and all_
    assert all_[0] < few[0] and few[2] < all_[2]  # to the right of its line's beginning, and before its end


@pytest.mark.parametrize("turned", [90, 180, 270])
async def test_a_page_that_lies_on_its_side_is_marked_where_the_words_are(
    pdf: Path, tmp_path: Path, turned: int
) -> None:
    upright = yellow((await page_picture(pdf, (2, 2), "27 days", LIMITS)).png)
    document = pypdfium2.PdfDocument(pdf)
    document[1].set_rotation(turned)
    document.save(tmp_path / "turned.pdf")
    picture = await page_picture(tmp_path / "turned.pdf", (2, 2), "27 days", LIMITS)
    there = yellow(picture.png)
    assert upright and there
    width, height = Image.open(io.BytesIO(picture.png)).size
    corners = {
        90: (width - upright[3], upright[0], width - upright[1], upright[2]),
        180: (width - upright[2], height - upright[3], width - upright[0], height - upright[1]),
        270: (upright[1], height - upright[2], upright[3], height - upright[0]),
    }[turned]
    assert all(abs(a - b) <= 4 for a, b in zip(there, corners, strict=True))


async def test_what_is_not_on_the_page_marks_nothing(pdf: Path) -> None:
    picture = await page_picture(pdf, (1, 1), "Nobody may park here.", LIMITS)
    assert (picture.page, picture.is_marked, yellow(picture.png)) == (1, False, None)


async def test_a_page_that_is_not_there_or_a_damaged_file_is_refused(pdf: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7 nothing")
    for path, pages in ((pdf, (9, 9)), (tmp_path / "damaged.pdf", (1, 1))):
        with pytest.raises(UnreadableDocument):
            await page_picture(path, pages, "leave", LIMITS)


@pytest.mark.parametrize(
    ("words", "letters", "marked"),
    [
        ("The office opens.", "Head\nThe of-\nfice opens. More", "The of-\nfice opens"),
        ("L\u2019\u00c9T\u00c9 finit", "l'e\u0301te\u0301 finit", "l'e\u0301te\u0301 finit"),
        ("the \ufb01ne print", "see the fine print", "the fine print"),
        ("It opens. \u2026 It closes.", "It opens. Words. It closes.", "It opensIt closes"),
        ("Hotel \u2013 Limit: 160 euros", "Item Limit\nHotel 160 euros", "LimitHotel160 euros"),
        ("Hotel \u2013 Limit: yes", "Hotel yes, Hotel no", ""),
        ("", "anything", ""),
    ],
)
def test_words_are_found_by_letters_and_digits(words: str, letters: str, marked: str) -> None:
    assert "".join(letters[place] for place in sorted(places_of(words, letters))) == marked


def test_a_long_sentence_is_marked_though_something_stands_in_it() -> None:
    beginning, end = "a" * 20 + "b" * 30, "c" * 30 + "d" * 20
    letters = f"x {beginning} [12] {end} y"
    assert "".join(letters[place] for place in sorted(places_of(beginning + end, letters))) == letters[2:-2]
