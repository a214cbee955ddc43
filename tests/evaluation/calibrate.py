"""Fit the card of two models on questions with known answers: `python -m bot calibrate`.

Every line that is read for a question is labelled: does the answer stand in it? A logistic fit tells how likely it
does from what is known without an answer; the threshold is the lowest at which, on documents that were not fitted on,
so few of the answers shown are wrong.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.messages import AIMessage, HumanMessage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from bot.models.auto import for_this_machine
from bot.settings import Settings
from handlers.answering.answerability import JudgedLine, Signals, line_log_odds, signals_of
from handlers.answering.cite import readable
from handlers.answering.lines import Line, lines_of
from handlers.answering.prompt import LinePrompt
from handlers.answering.quote import lines_to_quote
from handlers.answering.rank import rank_lines
from handlers.answering.retrieve import Found, retrieve_passages, understand
from handlers.calibration import Card
from handlers.request import Request, Services
from tests.evaluation.answers import EVERYBODY, add_all, open_for
from tests.evaluation.generation import services_of
from tests.evaluation.intervals import share_interval, written
from tests.evaluation.questions import Question, chain_of, read_questions
from tests.evaluation.scoring import is_right

FOLDS = 5
NAMES = ("cosine", "coverage", "lead", "spread")
WHERE_KNOWN = ("reading", "odds")  # of the reader, and of the language model
STEPS = 40  # thresholds that are tried
LEAST_SHOWN = 10  # answers: of fewer the share that is wrong says nothing


@dataclass(frozen=True)
class Case:
    """One question with the lines that were read for it."""

    question: Question
    found: Found
    lines: tuple[Line, ...]
    signals: tuple[Signals, ...]

    @property
    def values(self) -> list[list[float]]:
        """Return the signals as numbers, a row for each line."""
        return [[getattr(one, name) for name in self.names] for one in self.signals]

    @property
    def names(self) -> list[str]:
        """Return which signals are known of the lines."""
        return [*NAMES, *(name for name in WHERE_KNOWN if getattr(self.signals[0], name) is not None)]

    @property
    def labels(self) -> list[bool]:
        """Tell of each line whether the answer stands in it."""
        return [self.is_right(readable(line)) for line in self.lines]

    def is_right(self, text: str) -> bool:
        """Tell whether a text that is quoted bears the answer."""
        return self.question.answerable and is_right(replace(self.question, verdict=""), text)

    def quoted(self, probabilities: Sequence[float]) -> str:
        """Return what is shown of the document."""
        judged = [JudgedLine(line, p) for line, p in zip(self.lines, probabilities, strict=True)]
        judged.sort(key=lambda one: -one.probability)
        lines = lines_to_quote(judged, lines_of(self.found.passages), self.found.passages)
        return "\n".join(readable(line) for line in lines)


async def cases_of(
    questions: Sequence[Question], every: Mapping[str, Question], services: Services, *, odds: bool
) -> list[Case]:
    """Ask every question as far as an answer is not needed."""
    return [case for one in questions if (case := await case_of(one, every, services, odds=odds)).lines]


async def case_of(one: Question, every: Mapping[str, Question], services: Services, *, odds: bool) -> Case:
    """Return the lines for one question, with their signals."""
    request = Request(
        id=one.id, action="ask", team="T", channel="C", user="U", text=one.question, thread=one.id, audience=EVERYBODY
    )
    for before in chain_of(one, every):
        turn = [HumanMessage(before.question, id=f"{one.id}{before.id}:q"), AIMessage(before.answer or "-")]
        await services.memory.add(request.conversation, turn)
    question = await understand(request, services)
    found = await retrieve_passages(question, request, services)
    ranked = (await rank_lines(found, services.library.embedder, services.reader))[: services.budget.lines]
    prompt = LinePrompt(question.standalone, question.language, found.passages)
    doubts = [await line_log_odds(prompt, line.line, services) if odds else None for line in ranked]
    print(one.id, question.standalone, file=sys.stderr, flush=True)
    return Case(one, found, tuple(line.line for line in ranked), tuple(signals_of(ranked, doubts)))


def fit(cases: Sequence[Case], card: Card, *, wrong: float) -> Card:
    """Return the card with its weights, its threshold, and what it does to documents that it was not fitted on."""
    groups = np.array([case.found.passages[0].document_id for case in cases])
    held_out: list[list[float]] = [[] for _ in cases]
    for train, test in GroupKFold(min(FOLDS, len(set(groups)))).split(groups, groups=groups):
        model = fitted([cases[place] for place in train])
        for place in test:
            held_out[place] = model.predict_proba(cases[place].values)[:, 1].tolist()
    threshold = threshold_of(cases, held_out, wrong)
    whole = fitted(cases)
    names = cases[0].names
    return replace(
        card, intercept=round(float(whole.intercept_[0]), 3), threshold=round(threshold, 3),
        coefficients={name: round(float(weight), 3) for name, weight in zip(names, whole.coef_[0], strict=True)},
        figures=figures(cases, held_out, threshold), date=datetime.now(UTC).date().isoformat(),
    )  # fmt: skip


def fitted(cases: Sequence[Case]) -> LogisticRegression:
    """Return a fit of all lines of the questions."""
    values = [row for case in cases for row in case.values]
    labels = [label for case in cases for label in case.labels]
    return LogisticRegression(C=10, max_iter=1000).fit(values, labels)


def threshold_of(cases: Sequence[Case], probabilities: Sequence[Sequence[float]], wrong: float) -> float:
    """Return the lowest threshold at which at most so much of what is shown is wrong."""
    best = np.array([max(each) for each in probabilities])
    right = np.array([case.is_right(case.quoted(each)) for case, each in zip(cases, probabilities, strict=True)])
    for threshold in np.quantile(best, np.linspace(0, 1, STEPS)):
        shown = best >= threshold
        if shown.sum() < LEAST_SHOWN or (~right[shown]).mean() <= wrong:
            return float(threshold)
    return float(best.max())


def figures(cases: Sequence[Case], probabilities: Sequence[Sequence[float]], threshold: float) -> dict[str, Any]:
    """Return what the card does, in each language: right, refused wrongly, refused rightly, wrong of what is shown."""
    results: dict[str, Any] = {}
    for language in sorted({case.question.lang for case in cases}):
        pairs = [pair for pair in zip(cases, probabilities, strict=True) if pair[0].question.lang == language]
        shown = [max(each) >= threshold for _, each in pairs]
        right = [case.is_right(case.quoted(each)) for case, each in pairs]
        answerable = [case.question.answerable for case, _ in pairs]
        results[language] = {
            "questions": len(pairs),
            "right": of([s and r for s, r, a in zip(shown, right, answerable, strict=True) if a]),
            "refused_wrong": of([not s for s, a in zip(shown, answerable, strict=True) if a]),
            "refused_right": of([not s for s, a in zip(shown, answerable, strict=True) if not a]),
            "wrong_of_shown": of([not r for s, r in zip(shown, right, strict=True) if s]),
        }
    return results


def of(yes: Sequence[Any]) -> str:
    """Return a share with its interval."""
    return f"{written(share_interval([bool(one) for one in yes]))} of {len(yes)}"


async def calibrate(files: Sequence[Path], documents: Path, *, odds: bool, wrong: float, writes: bool) -> Card:
    """Ask the questions of the documents and return the card of the models that the settings name."""
    questions, settings = read_questions(files), Settings()
    every = {one.id: one for one in questions}
    library = await open_for(settings)
    try:
        await add_all(library, documents)
        async with services_of(library, settings) as services:
            cases = await cases_of(questions, every, services, odds=odds)
    finally:
        await library.aclose()
    language_model = settings.llm.url or for_this_machine(settings.llm)[0].model
    card = Card(
        language_model=language_model, embedding_model=settings.embeddings.model,
        data=", ".join(file.stem for file in files), writes=writes,
    )  # fmt: skip
    return fit(cases, card, wrong=wrong)


def main(files: Sequence[Path], documents: Path, folder: Path, *, odds: bool, wrong: float, writes: bool) -> None:
    """Write the card and say what it does."""
    from handlers.calibration import write_card

    card = asyncio.run(calibrate(files, documents, odds=odds, wrong=wrong, writes=writes))
    print(card)
    print(f"written to {write_card(card, folder)}")
