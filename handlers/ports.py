"""What the study's handlers are given: a classifier of sentiment and an encoder that shows its attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexing.vectors import Vectors


class Classifier(Protocol):
    """Tells positive from negative: an embedding with a trained head, or the language model."""

    async def classify(self, texts: Sequence[str]) -> Vectors:
        """Return the probability that each text is positive [n]; raise HeadDoesNotFit."""


@dataclass(frozen=True)
class Attention:
    """One sentence's way through the encoder, recomputed step by step."""

    tokens: tuple[str, ...]  # as the model sees them, marks and prompt included
    ids: tuple[int, ...]  # their numbers in the vocabulary
    scores: Vectors  # [layers, heads, tokens, tokens]: query times key, divided by the root of the head's width
    weights: Vectors  # [layers, heads, tokens, tokens]: softmax of each row of scores
    shares: Vectors  # [tokens]: what the pooled vector takes from each token; they sum to 1


class HeadDoesNotFit(Exception):
    """The sentiment head was trained for another embedding model than the one that runs."""


class TooManyTokens(Exception):
    """The sentence does not fit into a picture."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"{tokens} tokens, at most {limit}")
        self.tokens, self.limit = tokens, limit


class AttentionProbe(Protocol):
    """The embedding model, looked at from inside."""

    async def attend(self, sentence: str) -> Attention:
        """Return the attention of every layer and head; raise TooManyTokens."""
