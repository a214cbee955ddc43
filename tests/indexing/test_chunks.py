"""Chunks: nothing is lost, pages never go backwards, sentences stay whole, headings stand above."""

import itertools
import re
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.chunks import Chunk, Chunker, chunks_of, looks_like_heading
from indexing.sentences import spans

LINES = st.lists(
    st.one_of(
        st.text(alphabet="abcdéÀ. !?\n-1", max_size=200),
        st.sampled_from(["1.2 A heading", "# Title", "Part 3", "One sentence. Another one! A third?", "• item", ""]),
        st.text(max_size=30),
    ),
    max_size=12,
).map("\n".join)
DOCUMENTS = st.lists(LINES, max_size=6)
SIZES = st.sampled_from([40, 120, 700])


def visible(text: str) -> str:
    return "".join(text.split())


def of(pages: list[str], size: int = 700) -> list[Chunk]:
    return chunks_of(list(enumerate(pages, 1)), size=size)


@given(DOCUMENTS, SIZES)
def test_every_character_of_every_page_is_in_some_chunk(pages: list[str], size: int) -> None:
    assert visible("".join(chunk.text for chunk in of(pages, size))) == visible("".join(pages))


@given(DOCUMENTS, SIZES)
def test_pages_never_go_backwards(pages: list[str], size: int) -> None:
    chunks = of(pages, size)
    assert all(chunk.page <= chunk.last_page <= chunk.page + 1 for chunk in chunks)
    assert all(before.last_page <= after.page for before, after in itertools.pairwise(chunks))
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))


@given(DOCUMENTS, SIZES)
def test_a_chunk_holds_only_what_its_pages_have(pages: list[str], size: int) -> None:
    for chunk in of(pages, size):
        there = Counter(visible("".join(pages[chunk.page - 1 : chunk.last_page])))
        assert not Counter(visible(chunk.text)) - there


@given(LINES, SIZES)
def test_sentences_cover_the_text_without_gaps(text: str, longest: int) -> None:
    found = list(spans(text, longest))
    assert "".join(text[start:end] for start, end in found) == text
    assert all(end - start <= longest for start, end in found)


def sentences(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in spans(text, 700)]


def test_sentences_end_where_people_end_them() -> None:
    text = "Dr. Hill came at 5.30 p.m. yesterday, e.g. by train. He left! « Pourquoi ? » demanda M. Roux. Rien."
    assert sentences(text) == [
        "Dr. Hill came at 5.30 p.m. yesterday, e.g. by train.", "He left!", "« Pourquoi ? » demanda M. Roux.", "Rien.",
    ]  # fmt: skip


def test_a_section_number_stays_with_its_title() -> None:
    assert sentences("It ends.\n5.8.7. /var/lib/misc : Data") == ["It ends.", "5.8.7. /var/lib/misc : Data"]


def test_a_number_in_a_markdown_title_stays_with_it() -> None:
    """The section was called "1."."""
    (chunk,) = chunks_of([(1, "# 1. Working hours\n\nThe office opens at seven.")])
    assert chunk.heading == "1. Working hours"


def test_no_sentence_is_cut_by_a_chunk() -> None:
    text = " ".join(f"Sentence number {i} says something about topic {i}." for i in range(60))
    for chunk in of([text], 200):
        assert re.fullmatch(r"Sentence .*\.", chunk.text.strip(), re.DOTALL)
        assert len(chunk.text) <= 200


def test_a_sentence_over_a_pages_end_stays_whole() -> None:
    first, second = of(["All begins here. The longest day is", "the first of summer. Then it rains."])
    assert "longest day is\nthe first of summer." in first.text
    assert (first.page, first.last_page, second.page) == (1, 2, 2)
    assert second.text == "Then it rains."


def test_a_finished_sentence_ends_the_chunk_with_its_page() -> None:
    assert [(c.page, c.last_page) for c in of(["One page. It ends.", "Another page."])] == [(1, 1), (2, 2)]


def test_headings_come_from_the_outline() -> None:
    body = "A sentence that fills the page with words about nothing in particular. " * 4
    pages = [(1, f"3.1 Paid leave\n{body}\n3.2 Travel costs\n{body}"), (2, body)]
    outline = ((0, "Rules", 1), (1, "Paid leave", 1), (1, "Travel costs", 1), (1, "The end", 2))
    headings = [chunk.heading for chunk in chunks_of(pages, outline, 400)]
    assert headings[0] == "Rules > Paid leave"
    assert "Rules > Travel costs" in headings
    assert headings[-1] == "Rules > Travel costs"  # page 2 never shows its title, so it counts from page 3 on


def test_without_an_outline_numbered_lines_are_headings() -> None:
    assert looks_like_heading("5.9.1. Purpose")
    assert looks_like_heading("Chapitre 2 : Installation")
    assert not looks_like_heading("a subdirectory; the others")
    assert not looks_like_heading("35")
    assert not looks_like_heading("1.2 Introduction . . . . . . . . 7")


def test_markdown_headings_nest() -> None:
    text = (
        "# Guide\n" + "Words before. " * 20 + "\n## Setup\n" + "Words of setup. " * 20 + "\n# Other\n" + "More. " * 40
    )
    assert [c.heading for c in of([text], 400)][0::2] == ["Guide", "Guide > Setup", "Other"] or {
        c.heading for c in of([text], 400)
    } == {"Guide", "Guide > Setup", "Other"}


def test_a_comment_in_code_is_no_heading_and_code_in_one_line_ends_in_it() -> None:
    body = "\n" + "Words of it. " * 20 + "\n"
    headings = {c.heading for c in of([f"# One{body}```\n# no heading\n```\n```x = 1```{body}# Two{body}"], 200)}
    assert headings == {"One", "Two"}


def test_back_quotes_hide_no_title_of_an_outline() -> None:
    body = "A sentence that fills the page with words about nothing in particular. " * 4
    chunks = chunks_of([(1, f"```\nTravel costs\n{body}")], ((0, "Travel costs", 1),))
    assert chunks[-1].heading == "Travel costs"


HOSTILE = {
    "abbreviations without an end": "No. A " * 30_000,
    "dots": "." * 200_000,
    "dots and quotes": '."' * 100_000,
    "one word": "x" * 200_000,
    "empty lines": "a\n" * 100_000,
    "list marks": "\n- " * 60_000,
    "numbers": "1. " * 60_000,
    "words": "word " * 40_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_page_takes_long(kind: str) -> None:
    """A PDF of 3 kB took 28 seconds; a page holds no more than these."""
    started = time.thread_time()
    chunks = chunks_of([(1, HOSTILE[kind])])
    assert time.thread_time() - started < 2
    assert letters("".join(chunk.text for chunk in chunks)) == letters(HOSTILE[kind])


def letters(text: str) -> int:
    return sum(not character.isspace() for character in text)


def test_thousands_of_titles_and_lines_take_no_longer() -> None:
    """5,000 entries of an outline and 5,000 lines on one page: each line was compared with each title."""
    outline = tuple((1, f"Chapter of {name_of(number)}", 1) for number in range(5000))
    started = time.thread_time()
    chunks = chunks_of([(1, "".join(f"No title {name_of(number)} here.\n" for number in range(5000)))], outline)
    assert time.thread_time() - started < 2
    assert chunks


def name_of(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def test_titles_that_are_alike_are_met_in_order() -> None:
    outline = ((1, "Introduction", 1), (1, "Leave", 1), (2, "Introduction", 1), (2, "Travel costs of employees", 1))
    body = "A sentence about it. " * 20
    text = f"Introduction\n{body}\nLeave\n{body}\nIntroduction\n{body}\n3. Travel costs of employees\n{body}"
    headings = [chunk.heading for chunk in chunks_of([(1, text)], outline)]
    assert list(dict.fromkeys(headings)) == [
        "Introduction", "Leave", "Leave > Introduction", "Leave > Travel costs of employees",
    ]  # fmt: skip


LINE = "When meals are part of a conference fee, the allowance shrinks to"


@pytest.mark.parametrize(
    ("before", "after", "one"),
    [(LINE, "19 euros a day, whatever the country.", True), (LINE, "€19 a day, whatever the country.", True),
     (LINE, "12.5 % of it, whatever the country.", True), (LINE, "4. Taxis\nTaxis are refunded.", False),
     ("Meals", "19 euros a day.", False), (LINE + ".", "19 euros a day.", False), (LINE, "the half of it.", True),
     (f"{LINE} | Oslo", "19 euros a day.", False)],
)  # fmt: skip
def test_a_sentence_may_go_on_over_the_page_with_a_figure(before: str, after: str, one: bool) -> None:
    chunks = chunks_of([(1, before), (2, after)])
    assert (len(chunks) == 1) is one


def test_an_outline_that_puts_all_titles_on_one_page_is_placed_by_the_lines() -> None:
    """Some programs write bookmarks without a place; the table of contents shows the titles, too."""
    outline = ((0, "1 Purpose", 1), (0, "2 Words", 1), (0, "3 Hours", 1))
    chunker = Chunker(outline)
    for page, text in enumerate(["1 Purpose\nWhy.\n2 Words\nWhat.", "It goes on.", "3 Hours\nWhen."], start=1):
        chunker.feed(page, text)
    assert chunker.sections == ((0, "1 Purpose", 1), (0, "2 Words", 1), (0, "3 Hours", 3))


def test_an_outline_that_no_line_shows_stays_as_it_is() -> None:
    outline = ((0, "A", 1), (0, "B", 1), (0, "C", 1))
    chunker = Chunker(outline)
    chunker.feed(1, "Nothing of it.")
    assert chunker.sections == outline
