"""Whether to answer: the search's probability and the model's doubt, as numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.verdict import MODEL, PROBES, Probe, is_answered, log_odds, probability

WAY_OUT = Probe("", "NOT")
YES_OR_NO = Probe("", "no", "yes")


def heard(**likely: float) -> dict[str, object]:
    told = [{"token": token, "logprob": math.log(p)} for token, p in likely.items()]
    return {"logprobs": {"content": [{**told[0], "top_logprobs": told}]}}


@pytest.mark.parametrize(
    ("likely", "probe", "odds"),
    [
        ({"The": 0.5, "NOT": 0.5}, WAY_OUT, 1),
        ({"The": 0.75, "NOT": 0.2, " NOT": 0.05}, WAY_OUT, 3),
        ({"Le": 0.5, "P": 0.2, "PAS": 0.3}, Probe("", "PAS"), 1),  # a word may be several tokens
        ({"Not": 0.5, "NOT": 0.5}, WAY_OUT, 1),  # "Not only ..." is an answer
        ({"Yes": 0.3, " yes": 0.3, "No": 0.2}, YES_OR_NO, 3),
        ({"Oui": 0.25, "o": 0.25, "n": 0.4, "NON": 0.1}, Probe("", "non", "oui"), 1),
        ({"Perhaps": 0.9}, YES_OR_NO, 1),  # neither: it does not know
    ],
)
def test_the_first_word_tells_the_odds(likely: dict[str, float], probe: Probe, odds: float) -> None:
    assert log_odds(heard(**likely), probe) == pytest.approx(math.log(odds))


@pytest.mark.parametrize("told", [{}, {"logprobs": None}, {"logprobs": {"content": []}}])
def test_a_server_that_tells_nothing(told: dict[str, object]) -> None:
    assert log_odds(told, WAY_OUT) is None
    assert is_answered(0.5, [], "en", threshold=0.4)
    assert not is_answered(0.3, [], "en", threshold=0.4)


def test_a_sure_model_is_heard_up_to_a_point() -> None:
    assert log_odds(heard(The=1.0), WAY_OUT) == pytest.approx(math.log(0.98 / 0.02))
    assert log_odds(heard(NOT=1.0), WAY_OUT) == pytest.approx(math.log(0.02 / 0.98))


def test_each_probe_has_its_weight() -> None:
    assert all(len(probes) == len(MODEL) for probes in PROBES.values())


@given(
    st.floats(0.01, 0.99),
    st.lists(st.floats(-4, 4), min_size=len(MODEL), max_size=len(MODEL)),
    st.sampled_from(["en", "fr"]),
)
def test_more_evidence_never_speaks_against_an_answer(found: float, odds: list[float], language: str) -> None:
    here = probability(found, odds, language)
    assert 0 < here < 1
    assert probability(min(0.995, found + 0.005), odds, language) >= here
    assert probability(found, [one + 0.1 for one in odds], language) >= here
