"""Which lines bear on a question: the nearest in meaning and words, then read with the question, one by one."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np

from handlers.answering.lines import Line, lines_of
from handlers.answering.retrieve import Found
from handlers.ports import Reader
from handlers.text.normalize import letters_only
from indexing.document import Passage
from indexing.embedder import Embedder
from indexing.line_reader import read_as
from indexing.sparse import hashed, terms, wanted

WORDS = 0.2  # what it is worth as cosine to have all of the question's words; see tests/evaluation/README.md
CLOSELY_READ = 3  # passages of which every line is compared; of the others those that share a word with the question
READ = 24  # lines, the nearest ones: half a second on two cores
AT_ONCE = 32  # lines embedded together, so that another question's embedding comes between


@dataclass(frozen=True)
class RankedLine:
    """A line with what tells how well it fits the question."""

    line: Line
    cosine: float  # to the question or its translation
    coverage: float  # share of the question's words, rare ones weigh more
    reading: float | None = None  # log odds of the reader, where there is one

    @property
    def nearness(self) -> float:
        """Return how near a line is to the question in meaning and words."""
        return self.cosine + WORDS * self.coverage

    @property
    def score(self) -> float:
        """Return what lines are ordered by."""
        return self.nearness if self.reading is None else self.reading


async def rank_lines(found: Found, embedder: Embedder, reader: Reader | None = None) -> list[RankedLine]:
    """Return the lines of the passages, best first; those that are read at most where there is a reader."""
    nearest = await nearest_lines(found, embedder)
    if reader is None or not nearest:
        return nearest
    some = nearest[:READ]
    texts = [read_line(one.line, found.passages) for one in some]
    scores = np.max([await reader.scores(asked, texts) for asked in found.asked], axis=0)
    read = [replace(one, reading=float(score)) for one, score in zip(some, scores, strict=True)]
    return sorted(read, key=lambda one: -one.score)


async def nearest_lines(found: Found, embedder: Embedder) -> list[RankedLine]:
    """Return the lines of the passages, the nearest to the question in meaning and words first."""
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


def read_line(line: Line, passages: Sequence[Passage]) -> str:
    """Return a line as the reader reads it."""
    name = words_of(PurePath(passages[line.passage].document).stem)
    return read_as(name, line.context, line.before, line.text)


def labelled(line: Line, found: Found) -> str:
    """Return a line with its document's name: "the 2026 policy" is known by it."""
    return f"{words_of(found.passages[line.passage].document)} {line.whole}"


def words_of(name: str) -> str:
    """Return the words of a file's name."""
    return re.sub(r"\W+|_", " ", name)


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
