"""A document cut where its outline does, and the lines that say most."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.summarizing.by_section import shares_of
from handlers.summarizing.points import Part
from handlers.summarizing.scope import Scope
from handlers.summarizing.sections import MOST_UNITS, Unit, sections_within, units_of
from indexing.contents import Section
from indexing.library import Page

TEXTS = [
    "Handbook of the firm\nThis handbook says how the people of the firm in Leeds and in Nantes work together.",
    "1. Hours\nThe office opens at 7:30 and closes at 19:00 on every working day of the week.\n"
    "2. Leave\nEverybody gets 27 days of paid leave each year, and 29 days after five years of service.\n",
    "2.1 Sickness\nWhoever is ill calls the office before ten, and brings a certificate after three days of illness.",
    "3. Travel\nBook trains early and in second class; a hotel room costs at most 140 euros for each night.",
]
PAGES = [Page(number=number, text=text) for number, text in enumerate(TEXTS, start=1)]


def section(title: str, page: int, level: int = 0) -> Section:
    return Section(level=level, title=title, page=page, last_page=page)


SECTIONS = [section("1. Hours", 2), section("2. Leave", 2), section("2.1 Sickness", 3, 1), section("3. Travel", 4)]


def test_each_section_has_its_text_even_where_two_share_a_page() -> None:
    units = units_of(SECTIONS, PAGES)
    assert [unit.title for unit in units] == ["", "1. Hours", "2. Leave", "3. Travel"]
    hours, leave = units[1:3]
    assert "7:30" in hours.pages[0].text
    assert "27 days" not in hours.pages[0].text
    assert [page.number for page in leave.pages] == [2, 3]
    assert "certificate" in leave.pages[1].text


@pytest.mark.parametrize("wrong", [99, 1])
def test_a_title_whose_page_is_wrong_or_not_there_loses_no_text(wrong: int) -> None:
    units = units_of([SECTIONS[0], section("Ghost", wrong), SECTIONS[3]], PAGES)
    told = "".join(page.text for unit in units for page in unit.pages)
    assert all(word in told for word in ("7:30", "27 days", "certificate", "140"))


def test_a_document_without_an_outline_is_cut_by_pages_from_beginning_to_end() -> None:
    rule = "Rule {0} says that machine {0} is cleaned every {0} weeks by its team."
    units = units_of([], [Page(number=n, text=rule.format(n)) for n in range(1, 41)])
    assert 4 <= len(units) <= 9
    assert [page.number for unit in units for page in unit.pages] == list(range(1, 41))


def test_short_pages_are_told_too() -> None:
    """A cover is passed over, slides with a line each are not."""
    slides = [Page(number=n, text=f"Slide {n} has a line.") for n in range(1, 4)]
    assert [page.number for unit in units_of([], slides) for page in unit.pages] == [1, 2, 3]


def test_many_sections_are_taken_together() -> None:
    words = "Some words about this rule follow in a long sentence here. " * 3
    pages = [Page(number=n, text=f"Title {n}\n{words}") for n in range(1, 101)]
    units = units_of([section(f"Title {n}", n) for n in range(1, 101)], pages)
    assert len(units) <= MOST_UNITS + 1
    assert [page.number for unit in units for page in unit.pages] == list(range(1, 101))


ENTRIES = st.tuples(st.sampled_from(["a", "1. b", "ab a", ""]), st.integers(0, 10), st.integers(0, 2))


@given(st.lists(st.text(alphabet="ab1. \n", max_size=200), min_size=1, max_size=8), st.lists(ENTRIES, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_the_outline_no_text_is_told_twice(texts: list[str], entries: list[tuple[str, int, int]]) -> None:
    pages = [Page(number=n, text=text) for n, text in enumerate(texts, start=1)]
    sections = [section(title, page, level) for title, page, level in sorted(entries, key=lambda one: one[1])]
    units = units_of(sections, pages)
    for number, text in enumerate(texts, start=1):
        assert sum(len(page.text) for unit in units for page in unit.pages if page.number == number) <= len(text)


def test_a_digest_has_the_telling_lines_in_their_order() -> None:
    lines = ["Lunch here is good.", "Sick leave of employees is paid for 30 days by the firm.",
             "Employees get 27 days of paid leave from the firm each year."]  # fmt: skip
    (unit,) = units_of([], [Page(number=1, text="\n".join(lines))])
    digest = unit.digest(lambda text: len(text.split()), 30)
    assert digest.splitlines() == lines[1:]
    assert [point.text for point in unit.own_words(2, "en")] == lines[1:]


def test_one_section_is_cut_by_those_within_it_or_stays_whole() -> None:
    text = [Page(number=2, text="2. Leave\nEverybody gets 27 days of paid leave each year."), PAGES[2]]
    within = sections_within(SECTIONS, Scope(text, "2. Leave"))
    assert [one.title for one in within] == ["2.1 Sickness"]
    assert [unit.title for unit in units_of(within, text, "2. Leave")] == ["2. Leave"]


def test_of_some_pages_the_sections_that_begin_on_them_count() -> None:
    assert [one.title for one in sections_within(SECTIONS, Scope(PAGES[2:]))] == ["2.1 Sickness", "3. Travel"]


def unit_of(letters: int) -> Unit:
    return Unit("x", Part((Page(number=1, text="a" * letters),)).pages)


@pytest.mark.parametrize(
    ("wished", "letters", "shares"),
    [
        (0, [5, 9, 7], [2, 2, 2]), (2, [5, 9, 7], [0, 1, 1]), (7, [5, 9, 7], [2, 3, 2]), (0, [5] * 12, [1] * 12),
        (0, [5], [6]), (3, [5], [3]),
    ],
)  # fmt: skip
def test_so_many_points_go_to_each_section(wished: int, letters: list[int], shares: list[int]) -> None:
    assert shares_of([unit_of(one) for one in letters], wished) == shares
