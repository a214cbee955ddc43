"""Nobody sees what a model thinks before it answers, however its words are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.thoughts import OPENINGS, Thoughts


def shown(*pieces: str) -> str:
    """Return what is shown of an answer that comes in pieces."""
    thoughts = Thoughts()
    return "".join([*map(thoughts.visible, pieces), thoughts.rest()])


@pytest.mark.parametrize("mark", OPENINGS)
def test_a_thought_at_the_beginning_is_left_out(mark: str) -> None:
    closing = f"{mark[0]}/{mark[1:]}"
    assert shown(f"{mark}27 or 28?{closing}\n\n27 days.") == "27 days."
    assert shown(f"\n{mark}\nOne.{closing}\n{mark}Two.{closing}27 days.") == "27 days."


def test_a_thought_that_never_ends_is_no_answer() -> None:
    assert shown("<think>Let me see. ", "27 or 28") == ""


def test_words_that_only_look_like_it_stay() -> None:
    assert shown("<thin> air") == "<thin> air"
    assert shown("The tag <think> opens, </think> closes.") == "The tag <think> opens, </think> closes."
    assert shown("<") == "<"
    assert shown("") == ""


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.integers(1, 9), min_size=1))
def test_it_does_not_matter_how_the_words_are_cut(thought: str, answer: str, sizes: list[int]) -> None:
    text = f"<think>{thought}</think>{answer}"
    pieces, at, turn = [], 0, 0
    while at < len(text):
        pieces.append(text[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    assert shown(*pieces) == shown(text)


@given(st.text(max_size=60).filter(lambda text: not text.lstrip().startswith(("<", "["))))
def test_an_answer_without_thoughts_is_as_it_is(text: str) -> None:
    assert shown(*text) == text
