"""Do the passages answer the question at all? What the search found, weighed with the model's own doubt.

A small model that is left the choice says "not in the passages" of more than half of the answerable questions, too
(tests/evaluation/README.md). How likely it found that is worth more than its word: the odds, not the choice, count.
"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from handlers.passages import TASK, Reading
from handlers.request import Progress, Services
from handlers.speaking import speak


@dataclass(frozen=True)
class Probe:
    """A task after the passages, of whose answer only the odds of the first word are wanted."""

    task: str
    no: str  # the first word where the passages do not answer
    yes: str = ""  # the first word where they do; "": any other


PROBES = {
    "en": (
        Probe(f"{TASK['en']} If no passage answers the question, write only: NOT IN THE PASSAGES", "NOT"),
        Probe(
            "Does one of the passages state the answer to the question? Answer with one word: yes or no.", "no", "yes"
        ),
    ),
    "fr": (
        Probe(f"{TASK['fr']} Si aucun passage ne répond à la question, écris seulement : PAS DANS LES PASSAGES", "PAS"),
        Probe(
            "L'un des passages donne-t-il la réponse à la question ? Réponds par un seul mot : oui ou non.",
            "non",
            "oui",
        ),
    ),
}
TOLD = 20  # tokens whose probability is asked for: the most that OpenAI's API allows
SUREST = 0.02  # a large model is never in doubt, and must not outweigh everything

# A logistic fit on the development questions, with the default model: `tests/evaluation/fit_refusal.py`.
INTERCEPT = {"en": 1.323, "fr": 0.213}
SEARCH, MODEL = 0.947, (1.148, 0.0)
THRESHOLD = 0.316  # refuses a tenth of the questions that are answered, in cross-validation


async def model_log_odds(reading: Reading, services: Services, found: list[float]) -> AsyncIterator[Progress]:
    """Append the model's log odds that the passages answer, one for each probe; none if it won't tell.

    A probe costs one token: what is read before it stays in the cache for the next and for the answer.
    """
    for probe in PROBES[reading.language]:
        heard: dict[str, Any] = {}
        stream = speak(
            services.model, reading.then(probe.task), reading.language, heard=heard,
            max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=TOLD,
        )  # fmt: skip
        async with aclosing(stream) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                if isinstance(piece, Progress):
                    yield piece
        if (odds := log_odds(heard, probe)) is None:
            return
        found.append(odds)


def log_odds(heard: Mapping[str, Any], probe: Probe) -> float | None:
    """Return the log odds that an answer begins with yes and not with no; None where nothing is told."""
    content = (heard.get("logprobs") or {}).get("content") or []
    if not content:
        return None
    likely = [(str(told["token"]).strip(), math.exp(float(told["logprob"]))) for told in content[0]["top_logprobs"]]
    no = sum(p for token, p in likely if begins(probe.no, token))
    yes = sum(p for token, p in likely if begins(probe.yes, token)) if probe.yes else 1 - no
    if not yes + no:
        return 0.0
    return logit(min(max(yes / (yes + no), SUREST), 1 - SUREST))


def begins(word: str, token: str) -> bool:
    """Tell whether a word may begin with a token; a word in lower case may be written in any."""
    return bool(token) and word.startswith(token.lower() if word.islower() else token)


def is_answered(relevance: float, odds: Sequence[float], language: str, threshold: float) -> bool:
    """Tell whether to answer: by the search's probability and the model's odds; by `threshold` without all of these."""
    if len(odds) < len(MODEL):
        return relevance >= threshold
    return probability(relevance, odds, language) >= THRESHOLD


def probability(relevance: float, odds: Sequence[float], language: str) -> float:
    """Return the probability that the passages answer, from the search's own and the model's log odds."""
    model = sum(weight * one for weight, one in zip(MODEL, odds, strict=True))
    return 1 / (1 + math.exp(-INTERCEPT[language] - SEARCH * logit(relevance) - model))


def logit(probability: float) -> float:
    """Return the log odds of a probability."""
    return math.log(probability / (1 - probability))
