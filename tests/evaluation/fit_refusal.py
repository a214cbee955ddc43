"""Fit the coefficients of indexing/relevance.py: `python -m tests.evaluation.fit_refusal DOCUMENTS QUESTIONS...`.

Each question is asked of all documents, of its own document alone, and of the others; the folds are by question.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from bot.settings import Settings
from indexing.audience import Audience
from indexing.library import Library
from indexing.relevance import Evidence
from tests.evaluation.answers import EVERYBODY, Question, add_all, is_same, open_for

WEIGHTS = {"all": 1.0, "own": 0.5, "others": 1.0}
REFUSED_WRONGLY = 0.1  # of the questions that all documents together answer


@dataclass(frozen=True)
class Case:
    """One question asked of some of the documents."""

    question: int
    language: str
    scope: str
    answered: bool
    evidence: Evidence


async def cases(documents: Path, files: Sequence[Path]) -> list[Case]:
    """Ask every question in every scope."""
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    library = await open_for(Settings())
    try:
        await add_all(library, documents)
        alone = await share_alone(library)
        return [case for place, line in enumerate(lines) for case in await ask(library, alone, place, line)]
    finally:
        await library.aclose()


async def share_alone(library: Library) -> dict[str, str]:
    """Share each document in a conversation of its own, too; return these by document name."""
    channels = {}
    for document in await library.documents(EVERYBODY):
        record = await library._record(document.id)
        assert record
        share = replace(record.shares[0], channel=document.id)
        await library._write(record.with_share(share))
        channels[record.shares[0].name] = document.id
    return channels


async def ask(library: Library, alone: dict[str, str], place: int, line: dict[str, str]) -> list[Case]:
    """Ask one question of all documents, of the one it is about, and of the others."""
    question = Question.of(json.dumps(line))
    topic = question.pdf or line["topic_pdf"]
    own = frozenset(channel for name, channel in alone.items() if is_same(name, topic))
    scopes = {
        "all": (EVERYBODY, question.answerable),
        "own": (Audience(own), question.answerable),
        "others": (Audience(frozenset(alone.values()) - own), False),
    }
    made = []
    for scope, (audience, answered) in scopes.items():
        _, evidence = await library.evidence([question.question], readable_by=audience)
        assert evidence
        made.append(Case(place, question.lang, scope, answered, evidence))
    return made


def fit(known: Sequence[Case]) -> None:
    """Print the coefficients, and what they do to questions that they were not fitted on."""
    figures = np.array([astuple(case.evidence) for case in known])
    answered = np.array([case.answered for case in known])
    weights = np.array([WEIGHTS[case.scope] for case in known])
    weights[answered] *= weights[~answered].sum() / weights[answered].sum()
    held_out = np.zeros(len(known))
    groups = [case.question for case in known]
    for train, test in GroupKFold(10, shuffle=True, random_state=1).split(figures, answered, groups):
        model = LogisticRegression(max_iter=1000).fit(figures[train], answered[train], sample_weight=weights[train])
        held_out[test] = model.predict_proba(figures[test])[:, 1]
    scopes = np.array([case.scope for case in known])
    threshold = np.quantile(held_out[(scopes == "all") & answered], REFUSED_WRONGLY)
    for scope in WEIGHTS:
        for language in ("en", "fr"):
            here = (scopes == scope) & np.array([case.language == language for case in known])
            right, wrong = held_out[here & ~answered] < threshold, held_out[here & answered] < threshold
            print(
                scope,
                language,
                "refused right",
                right.mean().round(2),
                "wrong",
                wrong.mean().round(2) if len(wrong) else "",
            )
    model = LogisticRegression(max_iter=1000).fit(figures, answered, sample_weight=weights)
    names = [field.name for field in fields(Evidence)]
    print(
        "threshold",
        threshold.round(3),
        "intercept",
        model.intercept_.round(3),
        dict(zip(names, model.coef_[0].round(3), strict=True)),
    )


def main(documents: str, *files: str) -> None:
    """Ask and fit."""
    fit(asyncio.run(cases(Path(documents), [Path(file) for file in files])))


if __name__ == "__main__":
    main(*sys.argv[1:])
