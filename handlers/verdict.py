"""Do the passages answer the question at all? What the search found, weighed with the model's own doubt.

A small model that is left the choice says "not in the passages" of more than half of the answerable questions, too
(tests/evaluation/README.md). How likely it found that is worth more than its word: the odds, not the choice, count.
"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from handlers.request import Progress, Services
from handlers.speaking import speak

WAY_OUT = {
    "en": " If no passage answers the question, write only: NOT IN THE PASSAGES",
    "fr": " Si aucun passage ne répond à la question, écris seulement : PAS DANS LES PASSAGES",
}
FIRST_WORD = {"en": "NOT", "fr": "PAS"}
TOLD = 20  # tokens whose probability is asked for: the most that OpenAI's API allows
SUREST_NO = 0.02  # a large model is never in doubt, and must not outweigh everything

# A logistic fit on the development questions, with the default model: `tests/evaluation/fit_refusal.py`.
INTERCEPT = {"en": 1.323, "fr": 0.213}
SEARCH, MODEL = 0.947, 1.148
THRESHOLD = 0.316  # refuses a tenth of the questions that are answered, in cross-validation


async def model_log_odds(
    prompt: Sequence[BaseMessage], language: str, services: Services, found: list[float]
) -> AsyncIterator[Progress]:
    """Append the log odds that the model would answer, were it free to say that it can't; nothing if it won't tell.

    It costs one token: the prompt is the answer's with one sentence more, and its beginning stays in the cache.
    """
    *rules, last = prompt
    heard: dict[str, Any] = {}
    stream = speak(
        services.model, [*rules, HumanMessage(f"{last.text}{WAY_OUT[language]}")], language, heard=heard,
        max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=TOLD,
    )  # fmt: skip
    async with aclosing(stream) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Progress):
                yield piece
    found += log_odds(heard, FIRST_WORD[language])


def log_odds(heard: Mapping[str, Any], word: str) -> list[float]:
    """Return the log odds that an answer does not begin with a word, or with a part of it; [] where nothing is told."""
    content = (heard.get("logprobs") or {}).get("content") or []
    if not content:
        return []
    likely = [(str(told["token"]).strip(), float(told["logprob"])) for told in content[0]["top_logprobs"]]
    refusing = sum(math.exp(logprob) for token, logprob in likely if token and word.startswith(token))
    return [logit(min(max(1 - refusing, SUREST_NO), 1 - SUREST_NO))]


def is_answered(relevance: float, model: Sequence[float], language: str, threshold: float) -> bool:
    """Tell whether to answer: by the search's probability and the model's log odds; by `threshold` without these."""
    if not model:
        return relevance >= threshold
    return probability(relevance, model[0], language) >= THRESHOLD


def probability(relevance: float, model: float, language: str) -> float:
    """Return the probability that the passages answer, from the search's own and the model's log odds."""
    return 1 / (1 + math.exp(-INTERCEPT[language] - SEARCH * logit(relevance) - MODEL * model))


def logit(probability: float) -> float:
    """Return the log odds of a probability."""
    return math.log(probability / (1 - probability))
