"""Whether to answer: the search's probability and the model's doubt, as numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.verdict import is_answered, log_odds, probability


def heard(**likely: float) -> dict[str, object]:
    told = [{"token": token, "logprob": math.log(p)} for token, p in likely.items()]
    return {"logprobs": {"content": [{**told[0], "top_logprobs": told}]}}


@pytest.mark.parametrize(
    ("likely", "word", "odds"),
    [
        ({"The": 0.5, "NOT": 0.5}, "NOT", 1),
        ({"The": 0.75, "NOT": 0.2, " NOT": 0.05}, "NOT", 3),
        ({"Le": 0.5, "P": 0.2, "PAS": 0.3}, "PAS", 1),  # a word may be several tokens
        ({"Not": 0.5, "NOT": 0.5}, "NOT", 1),
    ],
)
def test_the_way_out_is_recognised_by_its_first_word(likely: dict[str, float], word: str, odds: float) -> None:
    assert log_odds(heard(**likely), word) == [pytest.approx(math.log(odds))]


@pytest.mark.parametrize("told", [{}, {"logprobs": None}, {"logprobs": {"content": []}}])
def test_a_server_that_tells_nothing(told: dict[str, object]) -> None:
    assert log_odds(told, "NOT") == []
    assert is_answered(0.5, [], "en", threshold=0.4)
    assert not is_answered(0.3, [], "en", threshold=0.4)


def test_a_sure_model_is_heard_up_to_a_point() -> None:
    assert log_odds(heard(The=1.0), "NOT") == [pytest.approx(math.log(0.98 / 0.02))]
    assert log_odds(heard(NOT=1.0), "NOT") == [pytest.approx(math.log(0.02 / 0.98))]


@given(st.floats(0.01, 0.99), st.floats(-4, 4), st.sampled_from(["en", "fr"]))
def test_more_evidence_never_speaks_against_an_answer(found: float, model: float, language: str) -> None:
    here = probability(found, model, language)
    assert 0 < here < 1
    assert probability(min(0.995, found + 0.005), model, language) >= here
    assert probability(found, model + 0.1, language) >= here
