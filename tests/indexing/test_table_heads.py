"""A chunk that begins within a table says the table's head again."""

from hypothesis import given
from hypothesis import strategies as st

from indexing.chunks import chunks_of

HEAD = "Town | Rate | Hotel"


def rows(first: int, last: int) -> str:
    return "\n".join(f"Town {number} | {number}.50 | {number * 2}.00" for number in range(first, last))


def test_each_chunk_of_a_long_table_has_its_head() -> None:
    chunks = chunks_of([(1, f"Rates.\n\n{HEAD}\n{rows(0, 90)}")])
    assert len(chunks) > 3
    assert all(HEAD in chunk.text for chunk in chunks)
    assert all(chunk.text.count(HEAD) == 1 for chunk in chunks)


def test_a_table_that_goes_on_over_the_page_keeps_its_head() -> None:
    chunks = chunks_of([(1, f"{HEAD}\n{rows(0, 3)}"), (2, f"{rows(3, 6)}\n\nThat is all.")])
    assert chunks[-1].page == 2
    assert chunks[-1].text.startswith(f"{HEAD}\nTown 3 |")


def test_another_table_and_prose_have_no_head_of_the_last() -> None:
    other = "Pump | 12\nValve | 13"
    chunks = chunks_of([(1, f"{HEAD}\n{rows(0, 3)}"), (2, other), (3, "The end of it.")])
    assert all("Town" not in chunk.text for chunk in chunks[1:])


@given(st.lists(st.sampled_from(["A sentence about pumps.", HEAD, "x | 1 | 2", "a | b", ""]), max_size=60))
def test_no_line_is_lost(lines: list[str]) -> None:
    text = "\n".join(chunk.text for chunk in chunks_of([(1, "\n".join(lines))]))
    assert all(text.count(line) >= lines.count(line) for line in {*lines} - {""})
