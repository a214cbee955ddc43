"""Fit what decides to refuse: `python -m tests.evaluation.fit_refusal DOCUMENTS QUESTIONS...`.

First the search's coefficients (indexing/calibration.py): each question is asked of all documents, of its own document
alone, and of the others. Then how they are weighed with the model's doubt (handlers/answering/answerability.py), on all
documents. All figures are of questions that were not fitted on: ten folds, by question, in ten ways.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from bot.settings import Settings
from handlers.answering.answerability import logit, model_log_odds
from handlers.answering.prompt import PASSAGES, PassagePrompt, passages_that_fit
from handlers.request import Services
from indexing.audience import Audience
from indexing.calibration import SearchSignals
from indexing.library import Library
from tests.evaluation.answers import EVERYBODY, add_all, is_same, open_for
from tests.evaluation.generation import services_of
from tests.evaluation.questions import Question

WEIGHTS = {"all": 1.0, "own": 0.5, "others": 1.0}
REFUSED_WRONGLY = 0.1  # of the questions that all documents together answer
REFUSED_WITHOUT_MODEL = 0.0  # none of them: the search alone says little
FOLDINGS = [GroupKFold(10, shuffle=True, random_state=seed) for seed in range(10)]
Figures = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Case:
    """One question asked of some of the documents."""

    question: int
    language: str
    scope: str
    answered: bool
    evidence: SearchSignals
    best_passage: float  # the model's log odds; of all documents only
    all_passages: float


async def cases(documents: Path, files: Sequence[Path]) -> list[Case]:
    """Ask every question in every scope."""
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    settings = Settings()
    library = await open_for(settings)
    try:
        await add_all(library, documents)
        alone = await share_alone(library)
        async with services_of(library, settings) as services:
            return [case for place, line in enumerate(lines) for case in await ask(services, alone, place, line)]
    finally:
        await library.aclose()


async def share_alone(library: Library) -> dict[str, str]:
    """Share each document in a conversation of its own, too; return these by document name."""
    channels = {}
    for document in await library.documents(EVERYBODY):
        share = replace(document.shares[0], channel=document.id)
        await library._records.add_share(document.id, share)
        channels[share.name] = document.id
    return channels


async def ask(services: Services, alone: dict[str, str], place: int, line: dict[str, str]) -> list[Case]:
    """Ask one question of all documents, of the one it is about, and of the others."""
    question = Question.of(json.dumps(line))
    topic = question.gold[0].document if question.gold else line["topic_pdf"]
    own = frozenset(channel for name, channel in alone.items() if is_same(name, topic))
    scopes = {
        "all": (EVERYBODY, question.answerable),
        "own": (Audience(own), question.answerable),
        "others": (Audience(frozenset(alone.values()) - own), False),
    }
    odds = await odds_of(question, services)
    print(question.id, question.answerable, *(round(one, 2) for one in odds), file=sys.stderr, flush=True)
    made = []
    for scope, (audience, answered) in scopes.items():
        evidence = await services.library.evidence(question.question, readable_by=audience)
        made.append(Case(place, question.lang, scope, answered, evidence, *odds))
    return made


async def odds_of(question: Question, services: Services) -> list[float]:
    """Return the model's log odds for one question about all documents: of the best passage, and of all."""
    passages = await services.library.search([question.question], readable_by=EVERYBODY, limit=PASSAGES)
    reading = PassagePrompt(question.question, question.lang, passages_that_fit(passages, services))
    return await model_log_odds(reading, services)


def held_out(figures: Figures, answered: Figures, weights: Figures, groups: Figures) -> Figures:
    """Return each case's probability by fits on the other folds: the mean of ten foldings."""
    found = np.zeros((len(FOLDINGS), len(answered)))
    for row, folding in zip(found, FOLDINGS, strict=True):
        for train, test in folding.split(figures, answered, groups):
            row[test] = fitted(figures[train], answered[train], weights[train]).predict_proba(figures[test])[:, 1]
    return found.mean(axis=0)


def fitted(figures: Figures, answered: Figures, weights: Figures) -> LogisticRegression:
    """Return a fit in which both sides weigh the same."""
    balanced = weights.copy()
    balanced[answered] *= weights[~answered].sum() / weights[answered].sum()
    return LogisticRegression(max_iter=1000).fit(figures, answered, sample_weight=balanced)


def fit(known: Sequence[Case]) -> None:
    """Print the coefficients, and what they do to questions that they were not fitted on."""
    answered, groups = np.array([case.answered for case in known]), np.array([case.question for case in known])
    scopes, french = np.array([case.scope for case in known]), np.array([case.language == "fr" for case in known])
    weights = np.array([WEIGHTS[case.scope] for case in known])
    figures = np.array([astuple(case.evidence) for case in known])
    search = held_out(figures, answered, weights, groups)
    everything = scopes == "all"
    threshold, floor = np.quantile(search[everything & answered], [REFUSED_WRONGLY, REFUSED_WITHOUT_MODEL])
    for scope in WEIGHTS:
        told(f"search alone, {scope}", search < threshold, answered, french, scopes == scope)
    told("search alone, all, below the floor", search < floor, answered, french, everything)
    show(fitted(figures, answered, weights), threshold, [field.name for field in fields(SearchSignals)])
    print("floor", floor.round(3))

    model = np.array([(case.best_passage, case.all_passages) for case in known])
    both = np.column_stack([[logit(p) for p in search], model])[everything]
    answered, groups, french = answered[everything], groups[everything], french[everything]
    weights, above = np.ones(len(answered)), search[everything] >= floor
    together = held_out(both, answered, weights, groups) * above
    thresholds = [np.quantile(together[answered & (french == of)], REFUSED_WRONGLY) for of in (False, True)]
    refused = together < np.where(french, thresholds[1], thresholds[0])
    told("search and model", refused, answered, french, np.ones(len(answered), bool))
    show(fitted(both, answered, weights), thresholds, ["search", "best passage", "all passages"])


def told(name: str, refused: Figures, answered: Figures, french: Figures, here: Figures) -> None:
    """Print the shares of refusals, right and wrong."""
    for language in ("en", "fr"):
        some = here & (french == (language == "fr"))
        right, wrong = refused[some & ~answered], refused[some & answered]
        print(name, language, "right", right.mean().round(2), "wrong", wrong.mean().round(2) if len(wrong) else "")


def show(model: LogisticRegression, threshold: Any, names: Sequence[str]) -> None:
    """Print a fit."""
    coefficients = dict(zip(names, model.coef_[0].round(3).tolist(), strict=True))
    print("threshold", np.round(threshold, 3), "intercept", model.intercept_.round(3), coefficients)


def main(documents: str, *files: str) -> None:
    """Ask and fit."""
    fit(asyncio.run(cases(Path(documents), [Path(file) for file in files])))


if __name__ == "__main__":
    main(*sys.argv[1:])
