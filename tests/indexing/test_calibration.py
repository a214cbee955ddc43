"""How likely a question is answered, by what its search found."""

import numpy as np
import pytest

from indexing.calibration import AMOUNT, SearchSignals, probability, search_signals
from indexing.sparse import of_passage
from indexing.vector_store import Hit

QUESTION = "How many days of paid leave?"
VECTOR = np.array([1, 0], np.float32)


def hit(text: str, cosine: float, score: float) -> Hit:
    return Hit(
        "id", {"heading": "", "text": text}, np.array([cosine, 0], np.float32), score, frozenset(of_passage(text, "en"))
    )


def test_words_that_no_hit_has_are_missing() -> None:
    found = search_signals([hit("Everybody gets paid leave.", 0.9, 0.03)], QUESTION, VECTOR, 0.03)
    assert found.missing == 1  # day
    assert found.coverage == pytest.approx(2 / 3)
    assert found.agreement == 1
    assert found.closeness == pytest.approx(1)
    assert found.amount == 1


def test_few_hits_say_little_about_the_spread() -> None:
    hits = [hit("a", 0.9, 0.03), hit("b", 0.8, 0.01)]
    few, many = (search_signals(hits * times, QUESTION, VECTOR, 0.03).spread for times in (1, 10))
    assert few > 2
    assert many == pytest.approx(1, abs=0.05)


def test_each_piece_of_evidence_pulls_its_way() -> None:
    usual = SearchSignals(0.5, 2.0, 0.9, 0.5, 1.0, 0.0)
    better = [
        SearchSignals(0.9, 2, 0.9, 0.5, 1, 0),
        SearchSignals(0.5, 3, 0.9, 0.5, 1, 0),
        SearchSignals(0.5, 2, 1, 0.5, 1, 0),
    ]
    worse = [
        SearchSignals(0.5, 2, 0.9, 0.1, 1, 0),
        SearchSignals(0.5, 2, 0.9, 0.5, 3, 0),
        SearchSignals(0.5, 2, 0.9, 0.5, 1, 1),
    ]
    assert all(probability(one) > probability(usual) for one in better)
    assert all(probability(one) < probability(usual) for one in worse)


@pytest.mark.parametrize("text", ["How much is it?", "Combien coûte une nuit ?", "Quel est le numéro de téléphone ?"])
def test_questions_for_amounts_are_known(text: str) -> None:
    assert AMOUNT.search(text)


@pytest.mark.parametrize("text", ["Who opens the office?", "Quelle commande produit la page de garde ?"])
def test_other_questions_are_not(text: str) -> None:
    assert not AMOUNT.search(text)
