"""Whether to answer: the signals of a line and the model's doubt, weighed by a card."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.answering.answerability import (
    JudgedLine,
    Signals,
    is_answerable,
    log_odds,
    logit,
    probability,
    signals_of,
)
from handlers.answering.lines import Line
from handlers.answering.rank import RankedLine
from handlers.calibration import UNMEASURED, Card

FITTED = Card(coefficients={"cosine": 4.0, "coverage": 2.0, "lead": 5.0, "odds": 1.0}, intercept=-4.0, threshold=0.4)


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
    assert log_odds(heard(**likely), "yes", "no") == pytest.approx(math.log(odds))


@pytest.mark.parametrize("told", [{}, {"logprobs": None}, {"logprobs": {"content": []}}])
def test_a_server_that_tells_nothing_leaves_it_to_the_words(told: dict[str, object]) -> None:
    assert log_odds(told, "yes", "no") is None
    assert probability(Signals(0.9, 0.75, 0.0, 0.0, None), FITTED) == 0.75


def test_a_sure_model_is_heard_up_to_a_point() -> None:
    assert log_odds(heard(yes=1.0), "yes", "no") == pytest.approx(math.log(0.98 / 0.02))
    assert log_odds(heard(no=1.0), "yes", "no") == pytest.approx(math.log(0.02 / 0.98))
    assert logit(0.0) == pytest.approx(-logit(1.0))


def test_models_that_were_never_measured_need_nearly_all_words_of_the_question() -> None:
    """Whatever the model's odds say: nobody knows what they are worth."""
    assert not is_answerable([judged(probability(Signals(0.95, 0.5, 0.1, 0.2, 3.0), UNMEASURED))], UNMEASURED)
    assert is_answerable([judged(probability(Signals(0.8, 0.9, 0.0, 0.0, -3.0), UNMEASURED))], UNMEASURED)


def test_without_a_line_there_is_no_answer() -> None:
    assert not is_answerable([], FITTED)


def judged(probability: float) -> JudgedLine:
    return JudgedLine(Line(0, "27 days"), probability)


def test_a_line_is_seen_among_the_others() -> None:
    lines = [RankedLine(Line(0, "a"), 0.9, 0.5), RankedLine(Line(0, "b"), 0.8, 0.5), RankedLine(Line(0, "c"), 0.8, 0.0)]
    first, second, third = signals_of(lines, [None] * 3)
    assert (first.lead, first.spread) == (pytest.approx(0.1), pytest.approx(0.2))
    assert (second.lead, third.spread) == (0, 0)
    assert signals_of(lines[:1], [None])[0].lead == 0


@given(st.floats(0.7, 1), st.floats(0, 1), st.floats(-0.3, 0.3), st.floats(-4, 4))
def test_more_evidence_never_speaks_against_an_answer(cosine: float, coverage: float, lead: float, odds: float) -> None:
    here = probability(Signals(cosine, coverage, lead, 0.1, odds), FITTED)
    assert 0 < here < 1
    assert probability(Signals(cosine + 0.1, coverage, lead, 0.1, odds), FITTED) >= here
    assert probability(Signals(cosine, coverage, lead, 0.1, odds + 0.1), FITTED) >= here
