"""Does a line answer the question at all? How it stands out among the lines, weighed by a card of the two models.

A small model that is left the choice says "not in the passages" of more than half of the answerable questions, too
(tests/evaluation/README.md). How much it doubts is worth more than its word: it is asked of one line after the other,
and the odds of its yes count. Where a card gives these no weight, the model is not asked, and nobody waits for it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.answering.lines import Line
from handlers.answering.prompt import LinePrompt
from handlers.answering.rank import RankedLine
from handlers.calibration import Card
from handlers.context.generate import reply_metadata
from handlers.request import Services

YES_AND_NO = {"en": ("yes", "no"), "fr": ("oui", "non")}
TOP_LOGPROBS = 20  # tokens whose probability is asked for: the most that OpenAI's API allows
SUREST = 0.02  # a large model is never in doubt, and must not outweigh everything


@dataclass(frozen=True)
class JudgedLine:
    """A line with the probability that it answers."""

    line: Line
    probability: float


async def judge_lines(
    prompt: LinePrompt, lines: Sequence[RankedLine], search_probability: float, services: Services
) -> list[JudgedLine]:
    """Return lines with the probability that each answers, the likeliest first.

    Where the search is sure that nothing answers, the model is not asked.
    """
    if search_probability < services.library.floor:
        return [JudgedLine(ranked.line, 0.0) for ranked in lines]
    odds = [await line_log_odds(prompt, one.line, services) if asks(services.card) else None for one in lines]
    signals = signals_of(lines, odds)
    judged = [JudgedLine(one.line, probability(of, services.card)) for one, of in zip(lines, signals, strict=True)]
    return sorted(judged, key=lambda one: -one.probability)


def asks(card: Card) -> bool:
    """Tell whether the model's own doubt counts; where it does not, nobody waits for it."""
    return "odds" in card.coefficients


@dataclass(frozen=True)
class Signals:
    """What is known of a question and a line; odds None where the model was not asked or tells none."""

    cosine: float
    coverage: float
    lead: float  # of the line's score over the second best: 0 or less for all but the first
    spread: float  # of its score over the worst: lines that are all alike answer nothing
    odds: float | None = None  # the model's log odds of yes
    reading: float | None = None  # the reader's log odds; None where there is none


def signals_of(lines: Sequence[RankedLine], odds: Sequence[float | None]) -> list[Signals]:
    """Return what is known of the lines of one question, the best of which comes first."""
    scores = [line.score for line in lines]
    second, worst = scores[:2][-1:], scores[-1:]
    return [
        Signals(line.cosine, line.coverage, line.score - second[0], line.score - worst[0], doubt, line.reading)
        for line, doubt in zip(lines, odds, strict=True)
    ]


def probability(signals: Signals, card: Card) -> float:
    """Return the probability that a line answers: by the card, or by what needs no fit where there is none."""
    used = {name: getattr(signals, name) for name in card.coefficients}
    if not used or None in used.values():
        return signals.coverage  # the share of the question's words that stand in the line
    return expit(card.intercept + sum(weight * used[name] for name, weight in card.coefficients.items()))


def is_answerable(judged: Sequence[JudgedLine], card: Card) -> bool:
    """Tell whether to answer."""
    return bool(judged) and judged[0].probability >= card.threshold


async def line_log_odds(prompt: LinePrompt, line: Line, services: Services) -> float | None:
    """Return the model's log odds that a line states the answer; None if it does not tell."""
    metadata = await reply_metadata(
        services, prompt.whether(line), prompt.language,
        max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=TOP_LOGPROBS,
    )  # fmt: skip
    return log_odds(metadata, *YES_AND_NO[prompt.language])


def log_odds(metadata: Mapping[str, Any], yes: str, no: str) -> float | None:
    """Return the log odds that an answer begins with yes and not with no; None where nothing is told."""
    content = (metadata.get("logprobs") or {}).get("content") or []
    if not content:
        return None
    likely = [(str(told["token"]).strip(), math.exp(float(told["logprob"]))) for told in content[0]["top_logprobs"]]
    agreeing, refusing = (sum(p for token, p in likely if begins(word, token)) for word in (yes, no))
    return logit(agreeing / (agreeing + refusing)) if agreeing + refusing else 0.0


def begins(word: str, token: str) -> bool:
    """Tell whether a word, however it is written, may begin with a token."""
    return bool(token) and word.startswith(token.lower())


def logit(probability: float) -> float:
    """Return the log odds of a probability, which counts as never surer than `SUREST` leaves it."""
    bounded = min(max(probability, SUREST), 1 - SUREST)
    return math.log(bounded / (1 - bounded))


def expit(log_odds: float) -> float:
    """Return the probability of log odds."""
    return 1 / (1 + math.exp(-log_odds))
