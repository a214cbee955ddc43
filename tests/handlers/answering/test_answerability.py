"""Whether to answer: the search's probability and the model's doubt, as numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.answering.answerability import is_answerable, log_odds, probability


def heard(**likely: float) -> dict[str, object]:
    told = [{"token": token, "logprob": math.log(p)} for token, p in likely.items()]
    return {"logprobs": {"content": [{**told[0], "top_logprobs": told}]}}


@pytest.mark.parametrize(
    ("likely", "odds"),
    [
        ({"yes": 0.5, "no": 0.5}, 1),
        ({"Yes": 0.3, " yes": 0.3, "No": 0.2}, 3),
        ({"y": 0.25, "n": 0.4, "NO": 0.1}, 1 / 2),  # a word may be several tokens
        ({"Yesterday": 0.5, "no": 0.2, "yes": 0.2}, 1),
        ({"Perhaps": 0.9}, 1),  # neither: it does not know
    ],
)
def test_the_first_word_tells_the_odds(likely: dict[str, float], odds: float) -> None:
    assert log_odds(heard(**likely), "yes", "no") == [pytest.approx(math.log(odds))]


@pytest.mark.parametrize("told", [{}, {"logprobs": None}, {"logprobs": {"content": []}}])
def test_a_server_that_tells_nothing(told: dict[str, object]) -> None:
    assert log_odds(told, "yes", "no") == []
    assert is_answerable(0.5, [], threshold=0.4)
    assert not is_answerable(0.3, [], threshold=0.4)


def test_a_sure_model_is_heard_up_to_a_point() -> None:
    assert log_odds(heard(yes=1.0), "yes", "no") == [pytest.approx(math.log(0.98 / 0.02))]
    assert log_odds(heard(no=1.0), "yes", "no") == [pytest.approx(math.log(0.02 / 0.98))]


@given(st.floats(0.01, 0.99), st.floats(-4, 4), st.floats(-4, 4))
def test_more_evidence_never_speaks_against_an_answer(found: float, best: float, together: float) -> None:
    here = probability(found, best, together)
    assert 0 < here < 1
    assert probability(min(0.995, found + 0.005), best, together) >= here
    assert probability(found, best + 0.1, together) >= here
    assert probability(found, best, together + 0.1) >= here
