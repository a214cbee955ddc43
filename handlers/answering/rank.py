"""Which lines bear on a question: by nearness of meaning and by the question's words, rare ones before common ones."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handlers.answering.lines import Line, lines_of
from handlers.answering.retrieve import Found
from handlers.text.normalize import letters_only
from indexing.embedder import Embedder
from indexing.sparse import hashed, terms, wanted

WORDS = 0.2  # what it is worth as cosine to have all of the question's words; see tests/evaluation/README.md
CLOSELY_READ = 3  # passages of which every line is compared; of the others those that share a word with the question
AT_ONCE = 32  # lines embedded together, so that another question's embedding comes between


@dataclass(frozen=True)
class RankedLine:
    """A line with what tells how well it fits the question."""

    line: Line
    cosine: float  # to the question or its translation
    coverage: float  # share of the question's words, rare ones weigh more

    @property
    def score(self) -> float:
        """Return what lines are ordered by."""
        return self.cosine + WORDS * self.coverage


async def rank_lines(found: Found, embedder: Embedder) -> list[RankedLine]:
    """Return the lines of the passages, best first."""
    lines = lines_of(found.passages)
    coverages = coverages_of(found.asked, [labelled(line, found) for line in lines])
    pairs = [pair for pair in zip(lines, coverages, strict=True) if pair[0].passage < CLOSELY_READ or pair[1]]
    if not pairs:
        return []
    questions = await embedder.embed_queries(list(found.asked))
    texts = [line.whole for line, _ in pairs]
    parts = [await embedder.embed_passages(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
    cosines = (np.concatenate(parts) @ questions.T).max(axis=1)
    ranked = [
        RankedLine(line, float(cosine), coverage) for (line, coverage), cosine in zip(pairs, cosines, strict=True)
    ]
    return without_repetitions(sorted(ranked, key=lambda one: -one.score))


def without_repetitions(ranked: Sequence[RankedLine]) -> list[RankedLine]:
    """Return each text once: what two documents say alike is one line, and stands out as one."""
    return list({letters_only(one.line.text): one for one in reversed(ranked)}.values())[::-1]


def labelled(line: Line, found: Found) -> str:
    """Return a line with its document's name: "the 2026 policy" is known by it."""
    name = re.sub(r"\W+|_", " ", found.passages[line.passage].document)
    return f"{name} {line.whole}"


def coverages_of(asked: Sequence[str], texts: Sequence[str]) -> list[float]:
    """Return the share of the question's words that each text has, in that phrasing of it that it has more of."""
    known = [frozenset(hashed(term) for language in ("en", "fr") for term in terms(text, language)) for text in texts]
    frequency = Counter(term for words in known for term in words)
    weighted = [[(either, rarity(either, frequency, len(texts))) for either in wanted(question)] for question in asked]
    return [max(weighted_coverage(words, there) for words in weighted) for there in known]


def weighted_coverage(words: Sequence[tuple[frozenset[int], float]], there: frozenset[int]) -> float:
    """Return the weighted share of words that are there; 0 of none."""
    total = sum(weight for _, weight in words)
    return sum(weight for either, weight in words if not there.isdisjoint(either)) / total if total else 0.0


def rarity(either: frozenset[int], frequency: Counter[int], texts: int) -> float:
    """Return how much a word tells: the less, the more lines have it."""
    return math.log(1 + texts / (1 + max(frequency[term] for term in either)))
