"""Running heads and page numbers go; titles, tables and everything that a person wrote stays."""

from collections.abc import AsyncIterator, Sequence

import pytest

from indexing.margins import without_running_heads
from indexing.reading import ReadPage

HEAD = "Manual of the weather station"
TEXTS = [
    f"The {word} stands outside. It is read every hour." for word in ("mast", "vane", "gauge", "dome", "fan", "cup")
]


async def texts_of(pages: Sequence[str]) -> list[str]:
    async def read() -> AsyncIterator[ReadPage]:
        for number, text in enumerate(pages, 1):
            yield ReadPage(number, text, "pypdf")

    kept = [page async for page in without_running_heads(read())]
    assert [page.number for page in kept] == list(range(1, len(pages) + 1))
    return [page.text for page in kept]


@pytest.mark.parametrize("foot", ["{}", "- {} -", "Page {} of 6", "Page {} sur 6", "{} / 6", "4.7. Debian mirrors {}"])
async def test_page_numbers_go(foot: str) -> None:
    pages = [f"{text}\n{foot.format(number + 10)}" for number, text in enumerate(TEXTS, 1)]
    first, *others = await texts_of(pages)
    assert others == TEXTS[1:]
    assert first.startswith(TEXTS[0])


async def test_a_head_stays_on_its_first_page_only() -> None:
    kept = await texts_of([f"{HEAD} 28.06.2026 {number} / 6\n{text}" for number, text in enumerate(TEXTS, 1)])
    assert kept[0].startswith(HEAD)
    assert kept[1:] == TEXTS[1:]


async def test_left_and_right_pages_have_heads_of_their_own() -> None:
    heads = [f"{number} {HEAD}" if number % 2 else f"The second chapter {number}" for number in range(1, 13)]
    kept = await texts_of([f"{head}\n{text}" for head, text in zip(heads, TEXTS * 2, strict=True)])
    assert kept[2:] == (TEXTS * 2)[2:]


async def test_titles_that_count_are_no_page_numbers() -> None:
    for title in ("Day {}", "Lesson {}", "{}. Part {}"):
        pages = [f"{title.format(number, number)}\n{text}" for number, text in enumerate(TEXTS, 1)]
        assert await texts_of(pages) == pages


async def test_a_figure_at_the_end_of_a_page_stays() -> None:
    pages = [f"{text}\n{figure}" for text, figure in zip(TEXTS, (140, 95, 12, 7, 1450, 3), strict=True)]
    assert await texts_of(pages) == pages


async def test_the_head_of_a_table_stays_on_its_first_pages() -> None:
    pages = [f"City and its region | Hotel | Meals\nParis {text}" for text in TEXTS[:3]]
    assert await texts_of(pages) == pages


async def test_a_page_with_nothing_but_a_head_is_empty() -> None:
    kept = await texts_of([f"{HEAD}\n{text}" for text in TEXTS[:5]] + [HEAD])
    assert kept[5] == ""
