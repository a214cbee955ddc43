"""Train the sentiment head: a logistic regression on what the embedder knows, and a card that says how good."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.classifier import CARD, HEAD, DecisionLine, Head, own_head, save_head
from bot.errors import StartFailed
from bot.settings import Settings
from bot.training.sentiment_data import Review, known_reviews, read_reviews, split_reviews, unique
from bot.training.windows import FIRST_LAYER, averaged, batches, bert_of, cut_windows, vectors
from indexing.vectors import Vectors

Report = Callable[[str], None]

MOST_OF_A_SOURCE = 7000  # texts: about an hour for the public reviews on one core
STRENGTH = 0.0003  # C of the regression, the inverse of its regularisation: there are 2,688 numbers a text
MOST_WEIGHT = 4.0  # of one text of a small source
PARTS = 5
SMALL = 500  # held-out texts of a source: fewer tell little, so that it is cross-validated too
ENOUGH = 50  # texts of each kind


def train(
    settings: Settings, data: Sequence[Path], out: Path | None, *, most: int = MOST_OF_A_SOURCE
) -> dict[str, Any]:
    """Train on CSV files, or on the public reviews where none are given; return the card.

    Without a folder the head goes to DATA_DIR, where the bot prefers it to the one that ships (in bot/training).
    """
    started = time.monotonic()
    reviews = unique([review for path in data for review in read_reviews(path)])
    reviews = reviews or known_reviews(settings.cache_dir)
    check_head(reviews)
    model = load(settings)
    learn, test = split_reviews(reviews, most)
    found = encode(model, [*learn, *test], show)
    head = fit_head(found[: len(learn)], learn, bert_of(model).config.hidden_size)
    card = describe(head, found, learn, test) | {"seconds": round(time.monotonic() - started)}
    folder = out or own_head(settings.data_dir)
    save_head(head, card, folder)
    print(f"\nWritten: {folder / HEAD} and {folder / CARD}", file=sys.stderr)  # noqa: T201
    return card


def check_head(reviews: Sequence[Review]) -> None:
    """Raise StartFailed where there is too little to learn from."""
    positive = sum(review.positive for review in reviews)
    if min(positive, len(reviews) - positive) < ENOUGH:
        raise StartFailed(f"{positive} positive of {len(reviews)} texts: at least {ENOUGH} of each kind are needed.")


def load(settings: Settings) -> Any:
    """Return the sentence-transformers model of the settings."""
    from bot.models.fetch import fetch_embeddings
    from indexing.embedder import TorchEncoder

    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    return TorchEncoder(folder, "cpu", settings.embeddings.batch, settings.embeddings.threads).model


def encode(model: Any, reviews: Sequence[Review], report: Report) -> Vectors:
    """Return the vectors of all texts [n, layers * width]."""
    windows = cut_windows(model.tokenizer, [review.text for review in reviews])
    width = bert_of(model).config.hidden_size
    found: Vectors | None = None
    done = 0
    for batch in batches([len(window.ids) for window in windows]):
        rows = vectors(model, [windows[index] for index in batch])
        found = np.empty((len(windows), rows.shape[1]), np.float32) if found is None else found
        found[batch] = rows
        done += len(batch)
        report(f"{done} of {len(windows)} stretches of text, {rows.shape[1] // width} layers each")
    assert found is not None
    return averaged(found, [window.text for window in windows], len(reviews))


def fit_head(found: Vectors, learn: Sequence[Review], width: int) -> Head:
    """Return the head for vectors whose last `width` numbers are the sentence embedding."""
    return Head(regression(found, learn), regression(found[:, -width:], learn))


def regression(found: Vectors, learn: Sequence[Review]) -> DecisionLine:
    """Fit scikit-learn's logistic regression on standardised vectors; the standardising goes into the line."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(found)
    fitted = LogisticRegression(C=STRENGTH, max_iter=2000)
    fitted.fit(scaler.transform(found), [review.positive for review in learn], sample_weight=balance(learn))
    weights = fitted.coef_[0] / scaler.scale_
    return DecisionLine(weights.astype(np.float32), float(fitted.intercept_[0] - weights @ scaler.mean_))


def balance(learn: Sequence[Review]) -> list[float]:
    """Return how much each text weighs: one of a small source more, so that the large ones do not drown it."""
    counts = Counter(review.source for review in learn)
    return [min(MOST_WEIGHT, max(counts.values()) / counts[review.source]) for review in learn]


def cross_validated(found: Vectors, reviews: Sequence[Review], source: str) -> float:
    """Return the accuracy on all of a source's texts of five heads, each learned without the fifth it is tested on.

    For sets too small to hold enough out. The other sources' held-out texts are left alone.
    """
    right = total = 0
    for part in range(PARTS):
        outside = [
            i for i, review in enumerate(reviews) if review.source == source and review.digest[1] % PARTS == part
        ]
        kept_out = {*outside, *(i for i, review in enumerate(reviews) if review.source != source and review.held_out)}
        inside = [i for i in range(len(reviews)) if i not in kept_out]
        line = regression(found[inside], [reviews[i] for i in inside])
        positive = line.probabilities(found[outside]) >= 0.5
        right += sum(bool(said) == reviews[i].positive for said, i in zip(positive, outside, strict=True))
        total += len(outside)
    return right / total


def describe(head: Head, found: Vectors, learn: Sequence[Review], test: Sequence[Review]) -> dict[str, Any]:
    """Return the card: data, date, accuracy and confusion matrix on held-out texts by source and by language."""
    from indexing.language import language_of

    positive = head.layers.probabilities(found[len(learn) :])
    languages, sources = [language_of(review.text) for review in test], [review.source for review in test]
    everything = [*learn, *test]
    small = [source for source in dict.fromkeys(sources) if sources.count(source) < SMALL]
    return {
        "model": f"logistic regression on the mean vectors of layers {FIRST_LAYER} to the last, windows averaged",
        "date": datetime.now(UTC).date().isoformat(),
        "learned_from": dict(Counter(review.source for review in learn)),
        "held_out_by_source": {name: scores(test, positive, sources, name) for name in dict.fromkeys(sources)},
        "held_out_by_language": {name: scores(test, positive, languages, name) for name in dict.fromkeys(languages)},
        "cross_validated": {source: round(cross_validated(found, everything, source), 4) for source in small},
    }


def scores(test: Sequence[Review], positive: Vectors, groups: Sequence[str], name: str) -> dict[str, Any]:
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
