"""Train the sentiment head: an adapter of the embedder, a logistic regression, and a card that says how good."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import StartFailed
from bot.settings import Settings
from bot.study.adapter import FIRST_LAYER, RANK, Tensors
from bot.study.classifier import CARD, HEAD, Head, Line, save_head
from bot.study.reviews import Review, known_reviews, read_reviews, split, unique
from bot.study.tuning import EPOCHS, Report, lower_half, tune, window_vectors
from bot.study.windows import Vectors, averaged, bert_of, cut
from handlers.study import Numbers

MOST_OF_A_SOURCE = 7000  # texts: about 40 minutes for the public reviews on one core
STRENGTH = 10.0  # C of the regression, inverse of its regularisation
ENOUGH = 50  # texts of each kind


def train(
    settings: Settings, data: Sequence[Path], out: Path | None, *, most: int = MOST_OF_A_SOURCE
) -> dict[str, Any]:
    """Train on CSV files, or on the public reviews where none are given; return the card.

    Without a folder the head that ships with the bot is replaced.
    """
    started = time.monotonic()
    reviews = unique([review for path in data for review in read_reviews(path)])
    reviews = reviews or known_reviews(settings.cache_dir)
    check(reviews)
    model = load(settings)
    learn, test = split(reviews, most)
    head, vectors = fit(model, learn, test, show)
    card = describe(head, learn, test, vectors[len(learn) :]) | {"seconds": round(time.monotonic() - started)}
    folder = out or Path(__file__).parent
    save_head(head, card, folder)
    print(f"\nWritten: {folder / HEAD} and {folder / CARD}", file=sys.stderr)  # noqa: T201
    return card


def check(reviews: Sequence[Review]) -> None:
    """Raise StartFailed where there is too little to learn from."""
    positive = sum(review.positive for review in reviews)
    if min(positive, len(reviews) - positive) < ENOUGH:
        raise StartFailed(f"{positive} positive of {len(reviews)} texts: at least {ENOUGH} of each kind are needed.")


def load(settings: Settings) -> Any:
    """Return the sentence-transformers model of the settings."""
    from bot.weights import fetch_embeddings
    from indexing.embedder import TorchEncoder

    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    return TorchEncoder(folder, "cpu", settings.embeddings.batch, settings.embeddings.threads).model


def fit(model: Any, learn: Sequence[Review], test: Sequence[Review], report: Report) -> tuple[Head, Vectors]:
    """Return the head, and the adapted vectors of all texts, those to learn from first."""
    bert, everything = bert_of(model), [*learn, *test]
    windows = cut(model.tokenizer, [review.text for review in everything])
    kept = lower_half(bert, windows, model.tokenizer.pad_token_id, report)
    labels = [review.positive for review in everything]
    owners = [window.text for window in windows]
    adapter = tune(bert, [one for one in kept if one.text < len(learn)], labels, report)
    halved = {name: tensor.half().float() for name, tensor in adapter.items()}  # as it will be stored

    def vectors(worn: Tensors) -> Vectors:
        return averaged(window_vectors(bert, kept, worn), owners, len(everything))

    adapted, plain = vectors(halved), vectors({})
    learned = labels[: len(learn)]
    return Head(halved, regression(adapted[: len(learn)], learned), regression(plain[: len(learn)], learned)), adapted


def regression(vectors: Vectors, labels: Sequence[bool]) -> Line:
    """Fit scikit-learn's logistic regression."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=STRENGTH, max_iter=5000).fit(vectors, labels)
    return Line(fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0]))


def describe(head: Head, learn: Sequence[Review], test: Sequence[Review], vectors: Vectors) -> dict[str, Any]:
    """Return the card: data, date, accuracy and confusion matrix on held-out texts by source and by language."""
    from indexing.language import language_of

    positive = head.adapted.probabilities(vectors)
    languages = [language_of(review.text) for review in test]
    sources = [review.source for review in test]
    return {
        "model": "logistic regression on sentence embeddings (query: prompt, windows of 250 tokens averaged)",
        "adapter": f"LoRA rank {RANK}, layers {FIRST_LAYER + 1} to 12, {EPOCHS} epochs",
        "date": datetime.now(UTC).date().isoformat(),
        "learned_from": {source: sum(r.source == source for r in learn) for source in dict.fromkeys(sources)},
        "held_out_by_source": {name: scores(test, positive, sources, name) for name in dict.fromkeys(sources)},
        "held_out_by_language": {name: scores(test, positive, languages, name) for name in dict.fromkeys(languages)},
    }


def scores(test: Sequence[Review], positive: Numbers, groups: Sequence[str], name: str) -> dict[str, Any]:
    """Return accuracy, F1 and the confusion matrix of the texts of one group."""
    of_group = [index for index, group in enumerate(groups) if group == name]
    pairs = [(test[index].positive, bool(positive[index] >= 0.5)) for index in of_group]
    hits, false_alarms = pairs.count((True, True)), pairs.count((False, True))
    misses, rejections = pairs.count((True, False)), pairs.count((False, False))
    return {
        "texts": len(pairs),
        "accuracy": round((hits + rejections) / len(pairs), 4),
        "f1": round(2 * hits / max(1, 2 * hits + false_alarms + misses), 4),
        "confusion": {"true_positive": hits, "false_positive": false_alarms, "false_negative": misses,
                      "true_negative": rejections},
    }  # fmt: skip


def show(line: str) -> None:
    """Show progress on one line."""
    print(f"\r{line:<79}", end="", file=sys.stderr, flush=True)  # noqa: T201
