"""What counts as right: whole strings, every item, no verdict against the right one."""

import json
from typing import Any

import pytest

from tests.evaluation.questions import Gold, Question, chain_of
from tests.evaluation.scoring import is_right, misled, verdict_of

REFUSALS = ["I did not find an answer"]


def question(**fields: Any) -> Question:
    base = {"id": "q1", "lang": "en", "question": "How long?", "answerable": True, "answer": "5 days",
            "documents": ["en/a.pdf"], "page": 2}  # fmt: skip
    return Question.of(json.dumps(base | fields))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It takes 5 days [1].", True),
        ("It takes 5 days.", True),
        ("It takes 15 days [1].", False),
        ("It takes 2.5 days", False),
        ("It takes 5\u00a0days", True),
        ("It takes 5 daylights", False),
    ],
)
def test_a_string_counts_only_between_word_boundaries(text: str, expected: bool) -> None:
    assert is_right(question(), text) is expected


def test_numbers_of_sources_and_pages_are_no_answer() -> None:
    asked = question(answer="3")
    assert not is_right(asked, "It is written there [3] (handbook.pdf, p. 3).")
    assert is_right(asked, "There are 3 [1].")


@pytest.mark.parametrize("text", ["80 %", "80%", "80\u202f%"])
def test_the_blank_before_a_sign_does_not_matter(text: str) -> None:
    assert is_right(question(answer="80 %"), text)


def test_every_item_of_a_list_is_needed() -> None:
    asked = question(items=[["fines"], ["mini-bar", "minibar"]])
    assert is_right(asked, "Fines and the minibar.")
    assert not is_right(asked, "Fines.")


def test_a_wrong_yes_is_wrong_whatever_its_reason() -> None:
    asked = question(answer="in Brenne no", also=["only in Hadlow"], verdict="no")
    assert is_right(asked, "No, only in Hadlow.")
    assert is_right(asked, "Dogs are allowed only in Hadlow.")
    assert not is_right(asked, "Yes, only in Hadlow.")


def test_what_is_shown_is_right_or_wrong_and_a_refusal_neither() -> None:
    assert verdict_of(question(), "It takes 5 days", REFUSALS) == "right"
    assert verdict_of(question(), "It takes 9 days", REFUSALS) == "wrong"
    assert verdict_of(question(answerable=False, answer=""), "It takes 5 days", REFUSALS) == "wrong"
    assert verdict_of(question(), "I did not find an answer. 5 days", REFUSALS) == "refused"


def test_a_neighbouring_value_misleads_only_without_the_right_one() -> None:
    asked = question(must_not=["6 weeks"])
    assert misled(asked, "It takes 6 weeks")
    assert not misled(asked, "It takes 5 days, until last year 6 weeks")


def test_both_formats_of_questions_are_read() -> None:
    old = Question.of(json.dumps({"id": "d1", "lang": "fr", "question": "?", "pdf": "a.pdf", "page": 7,
                                  "answer": "x", "answerable": True}))  # fmt: skip
    assert old.gold == (Gold(document="a.pdf", pages=(7,)),)
    both = question(documents=["a.pdf", "b.pdf"], page=[3, [4, 5]])
    assert [gold.pages for gold in both.gold] == [(3,), (4, 5)]
    assert question(page=[9, 10]).gold[0].pages == (9, 10)
    assert question(answerable=False, page=None).gold == ()


def test_a_follow_up_knows_what_was_asked_before_it() -> None:
    chain = [question(id="a"), question(id="b", follows="a"), question(id="c", follows="b")]
    assert [one.id for one in chain_of(chain[2], {one.id: one for one in chain})] == ["a", "b"]
