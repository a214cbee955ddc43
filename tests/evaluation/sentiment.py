"""The two classifiers on the same held-out reviews, English and French: how often right, and how fast."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.settings import Settings
from bot.training.sentiment_data import Review, known_reviews, split_reviews
from handlers.ports import Classifier
from handlers.text.llm_classifier import EXAMPLES, LlmClassifier

BY_EMBEDDING = 1000  # held-out texts of each source, at most
BY_MODEL = 40  # one by one through the language model: a second or two each
TIMED = 1000  # short texts in one batch

Made = Callable[[], Awaitable[tuple[Classifier, Callable[[], Awaitable[None]]]]]


def main() -> None:
    """Print progress, then one line of JSON."""
    print(json.dumps(asyncio.run(evaluate(Settings()))))


async def evaluate(settings: Settings) -> dict[str, Any]:
    """Return accuracy, F1 and items per second by source, for both classifiers."""
    _, held_out = split_reviews(known_reviews(settings.cache_dir), 4 * BY_EMBEDDING)
    figures = {"embedding": await by_embedding(settings, held_out)}
    for shots in (0, len(EXAMPLES)):
        figures[f"language_model_{shots}_shots"] = await by_model(settings, held_out, shots)
    few = figures[f"language_model_{len(EXAMPLES)}_shots"]["items_per_second_short"]
    return figures | {"times_faster": round(figures["embedding"]["items_per_second_short"] / few, 1)}


async def by_embedding(settings: Settings, held_out: Sequence[Review]) -> dict[str, Any]:
    """Score the head that ships, all texts of a source as one batch."""
    from bot.classifier import load_classifier
    from bot.models.fetch import fetch_embeddings
    from indexing.embedder import Embedder, TorchEncoder

    folder, knobs = fetch_embeddings(settings.embeddings.model, settings.cache_dir), settings.embeddings
    embedder = Embedder(lambda: TorchEncoder(folder, knobs.device, knobs.batch, knobs.threads))
    await embedder.start()
    try:
        return await figures_of(load_classifier(embedder), held_out, BY_EMBEDDING, TIMED)
    finally:
        await embedder.aclose()


async def by_model(settings: Settings, held_out: Sequence[Review], shots: int) -> dict[str, Any]:
    """Score the language model, one text after the other."""
    from bot.engine import open_chat_model
    from bot.models.fetch import fetch_llm

    path = None if settings.llm.url else fetch_llm(settings.llm.model, settings.cache_dir)
    model = await open_chat_model(settings.llm, path)
    try:
        return await figures_of(OneByOne(LlmClassifier(model, shots=shots)), held_out, BY_MODEL, BY_MODEL)
    finally:
        await model.aclose()


class OneByOne:
    """Asks a classifier about each text alone, as the baseline does."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def classify(self, texts: Sequence[str]) -> Any:
        """Return the probabilities."""
        import numpy as np

        return np.concatenate([await self._classifier.classify([text]) for text in texts])


async def figures_of(classifier: Classifier, held_out: Sequence[Review], most: int, timed: int) -> dict[str, Any]:
    """Return a classifier's figures by source, and its speed on short texts."""
    figures: dict[str, Any] = {}
    for source in dict.fromkeys(review.source for review in held_out):
        some = [review for review in held_out if review.source == source][:most]
        started = time.monotonic()
        positive = await classifier.classify([review.text for review in some])
        seconds = time.monotonic() - started
        pairs = [(review.positive, bool(value >= 0.5)) for review, value in zip(some, positive, strict=True)]
        figures[source] = measures(pairs) | {"items_per_second": round(len(some) / seconds, 2)}
        print(source, figures[source], file=sys.stderr)
    short = [review.text for review in held_out if review.source == "rotten_tomatoes"][:timed]
    started = time.monotonic()
    await classifier.classify(short)
    return figures | {"items_per_second_short": round(len(short) / (time.monotonic() - started), 2)}


def measures(pairs: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """Return accuracy and F1 of (truth, answer) pairs."""
    right = sum(truth == answer for truth, answer in pairs)
    hits = sum(truth and answer for truth, answer in pairs)
    said = sum(truth for truth, _ in pairs) + sum(answer for _, answer in pairs)
    return {"texts": len(pairs), "accuracy": round(right / len(pairs), 4), "f1": round(2 * hits / max(1, said), 4)}
