"""Do the passages answer the question at all? What the search found, weighed with the model's own doubt.

A small model that is left the choice says "not in the passages" of more than half of the answerable questions, too
(tests/evaluation/README.md). How much it doubts is worth more than its word: the odds, not the choice, count. It is
asked twice, after the best passage and after all: of one passage it judges better, and either may have the answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from handlers.answering.prompt import PassagePrompt
from handlers.context.generate import reply_metadata
from handlers.request import Services

# How likely the answer is counts, not the answer; it costs a token each time, for what is read stays in the cache.
OF_ONE = {
    "en": "Does this passage state the answer to the question? Answer with one word: yes or no.",
    "fr": "Ce passage donne-t-il la réponse à la question ? Réponds par un seul mot : oui ou non.",
}
OF_ALL = {
    "en": "Does one of the passages state the answer to the question? Answer with one word: yes or no.",
    "fr": "L'un des passages donne-t-il la réponse à la question ? Réponds par un seul mot : oui ou non.",
}
YES_AND_NO = {"en": ("yes", "no"), "fr": ("oui", "non")}
TOP_LOGPROBS = 20  # tokens whose probability is asked for: the most that OpenAI's API allows
SUREST = 0.02  # a large model is never in doubt, and must not outweigh everything

# A logistic fit on 127 questions with the default model: `tests/evaluation/fit_refusal.py`.
INTERCEPT, SEARCH, BEST_PASSAGE, ALL_PASSAGES = 0.958, 0.238, 1.361, 0.766
THRESHOLD = 0.35  # refuses a tenth of the questions that are answered, in cross-validation


async def model_log_odds(reading: PassagePrompt, services: Services) -> list[float]:
    """Return the model's log odds that the best passage answers, and that all together do; [] if it won't tell."""
    best = await ask_odds(OF_ONE, replace(reading, passages=reading.passages[:1]), services)
    if not best or len(reading.passages) == 1:
        return best * 2
    together = await ask_odds(OF_ALL, reading, services)
    return best + together if together else []


async def ask_odds(task: dict[str, str], reading: PassagePrompt, services: Services) -> list[float]:
    """Return the model's log odds of yes to a question about what it reads; [] if it won't tell."""
    metadata = await reply_metadata(
        services, reading.then(task[reading.language]), reading.language,
        max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=TOP_LOGPROBS,
    )  # fmt: skip
    return log_odds(metadata, *YES_AND_NO[reading.language])


def log_odds(metadata: Mapping[str, Any], yes: str, no: str) -> list[float]:
    """Return the log odds that an answer begins with yes and not with no; [] where nothing is told."""
    content = (metadata.get("logprobs") or {}).get("content") or []
    if not content:
        return []
    likely = [(str(told["token"]).strip(), math.exp(float(told["logprob"]))) for told in content[0]["top_logprobs"]]
    agreeing, refusing = (sum(p for token, p in likely if begins(word, token)) for word in (yes, no))
    if not agreeing + refusing:
        return [0.0]
    return [logit(min(max(agreeing / (agreeing + refusing), SUREST), 1 - SUREST))]


def begins(word: str, token: str) -> bool:
    """Tell whether a word, however it is written, may begin with a token."""
    return bool(token) and word.startswith(token.lower())


def is_answerable(relevance: float, model: Sequence[float], threshold: float) -> bool:
    """Tell whether to answer: by the search's probability and the model's log odds; by `threshold` without these."""
    if not model:
        return relevance >= threshold
    return probability(relevance, *model) >= THRESHOLD


def probability(relevance: float, best_passage: float, all_passages: float) -> float:
    """Return the probability that the passages answer, from the search's own and the model's log odds."""
    found = SEARCH * logit(relevance) + BEST_PASSAGE * best_passage + ALL_PASSAGES * all_passages
    return 1 / (1 + math.exp(-INTERCEPT - found))


def logit(probability: float) -> float:
    """Return the log odds of a probability."""
    return math.log(probability / (1 - probability))
