"""How likely the documents answer a question at all, judged by what a search found. Pure functions.

A logistic fit on 248 questions, each asked of all documents, of its own document alone, and of the
others; `tests/evaluation/README.md` has the figures.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from indexing.sparse import coverage, wanted
from indexing.vector_store import RANK_CONSTANT, Hit
from indexing.vectors import Vectors

LOOKED_AT = 6  # hits that may cover the question
ENOUGH_HITS = 20  # for a spread that means something
USUAL_SPREAD = 2.4  # standard deviations of the best over all hits, where there are enough of them
MOST_MISSING = 3

# A question for an amount is answered by one number or not at all: near misses are worth less there.
AMOUNT = re.compile(
    r"\bcombien\b|\bhow (many|much|long|large|big|often|old|far|fast)\b"
    r"|\b(price|fee|cost|salary|number|maximum|minimum|size|length|phone|telephone)\b|\b(maximal|minimal)e?\b"
    r"|\bquel(le)?s? (est |sont )?(le |la |les )?(prix|durée|nombre|numéro|débit|proportion|taille|âge|distance|coût"
    r"|délai|poids|montant|date|année)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SearchSignals:
    """What a search says about its question; each between about 0 and 3."""

    closeness: float  # cosine of the best hit, in steps of .1 above .8
    spread: float  # by how many standard deviations the best stands out
    agreement: float  # 1: every ranking has the same first
    coverage: float  # share of the question's terms in one of the best hits
    missing: float  # terms of the question that no hit has
    amount: float  # 1: the question asks for a number


INTERCEPT = -4.236
COEFFICIENTS = SearchSignals(1.786, 0.545, 3.356, 0.143, -0.136, -0.996)
THRESHOLD = 0.355  # refuses a tenth of the questions that are answered, in cross-validation
FLOOR = 0.16  # refuses none of them


def search_signals(hits: Sequence[Hit], question: str, vector: Vectors, best_score: float) -> SearchSignals:
    """Judge the hits of one search; best_score is what a hit has that is first in every ranking."""
    cosines = [float(vector @ hit.dense) for hit in hits]
    asked = wanted(question)
    everywhere = frozenset().union(*(hit.words for hit in hits))
    return SearchSignals(
        closeness=(max(cosines) - 0.8) * 10,
        spread=_spread(cosines),
        agreement=max(hit.score for hit in hits) / best_score,
        coverage=max(coverage(asked, hit.words) for hit in hits[:LOOKED_AT]),
        missing=min(MOST_MISSING, sum(everywhere.isdisjoint(either) for either in asked)),
        amount=float(bool(AMOUNT.search(question))),
    )


def probability(found: SearchSignals) -> float:
    """Return the probability that the question is answered."""
    weighted = zip(astuple(COEFFICIENTS), astuple(found), strict=True)
    return 1 / (1 + math.exp(-INTERCEPT - sum(coefficient * value for coefficient, value in weighted)))


def best_score(weights: Sequence[float]) -> float:
    """Return the score of a hit that is first in all rankings with these weights."""
    # Qdrant's formula: a weight slows the fall from rank to rank, it does not scale the score.
    return sum(1 / (RANK_CONSTANT + 1 / weight - 1) for weight in weights)


def _spread(cosines: Sequence[float]) -> float:
    mean = sum(cosines) / len(cosines)
    deviation = math.sqrt(sum((cosine - mean) ** 2 for cosine in cosines) / len(cosines))
    spread = (max(cosines) - mean) / (deviation + 1e-3)
    trust = min(1.0, len(cosines) / ENOUGH_HITS)
    return trust * spread + (1 - trust) * USUAL_SPREAD
