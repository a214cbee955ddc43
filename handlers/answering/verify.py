"""Does a passage support a sentence? Content words, numbers and the embedding model, in pure functions."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from handlers.text.overlap import Words, content, digits, numbers
from indexing.document import Passage
from indexing.embedder import Embedder
from indexing.language import language_of
from indexing.sentences import spans
from indexing.vectors import Vectors

LONGEST_SPAN = 400  # characters of one quoted sentence
SHORT_SPAN = 25  # characters: a heading or a number belongs to the sentence after it
AT_ONCE = 16  # sentences embedded together, so that a question's embedding comes between

ENOUGH_WORDS = 0.6  # of a sentence's content words in the passage: it is said there
SOME_WORDS = 0.34  # with a near sentence, for paraphrases
NEAR = 0.86  # cosine of a multilingual-e5 vector: 0.90 is the same thing said otherwise, 0.80 another subject
VERY_NEAR = 0.89  # for another language, where hardly a word is the same
HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """A sentence of a passage, as it can be quoted."""

    passage: int  # its place among those given
    text: str

    @cached_property
    def content(self) -> Words:
        return content(self.text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)


def spans_of(passages: Sequence[Passage]) -> list[Span]:
    """Return the sentences of all passages; what is too short to stand alone goes with the next."""
    found = []
    for place, passage in enumerate(passages):
        held = ""
        for start, end in spans(passage.text, LONGEST_SPAN):
            held += HEADING.sub("", passage.text[start:end])
            if len(held.strip()) >= SHORT_SPAN:
                found.append(Span(place, held.strip()))
                held = ""
        if held.strip():
            found.append(Span(place, held.strip()))
    return found


@dataclass(frozen=True)
class Support:
    """How well one passage supports one sentence, and the sentence of it that does best."""

    passage: int
    covered: float  # share of the content words
    added: float  # share of those that the question had not: what the sentence tells
    missing: frozenset[str]  # numbers that neither the passage nor the question has
    cosine: float
    quote: str
    fit: float  # of the quote, to choose among passages that support
    foreign: bool  # the passage is in the other language
    worded: bool  # the sentence tells something in words: it has some that the question had not, and no new figures
    quoted: bool  # the quote has what the sentence tells: its new figures, else its new words

    @property
    def holds(self) -> bool:
        """Tell whether the passage supports the sentence."""
        if self.missing:
            return False
        if self.foreign and self.cosine >= (NEAR if self.quoted else VERY_NEAR):
            return True
        is_there = self.foreign or self.added > 0  # something of what it tells: else it may be near to anything
        if self.worded and not is_there:
            return False
        is_told = self.added >= ENOUGH_WORDS or (is_there and self.cosine >= NEAR)
        return self.covered >= ENOUGH_WORDS or (self.covered >= SOME_WORDS and is_told)


@dataclass
class Evidence:
    """The passages given to the model, ready to be compared with its sentences."""

    question: str
    passages: Sequence[Passage]
    embedder: Embedder
    language: str  # of what is said about them
    spans: list[Span] = field(init=False)
    _embedding: "asyncio.Task[Vectors] | None" = None

    def __post_init__(self) -> None:
        self.spans = spans_of(self.passages)

    def start(self) -> "asyncio.Task[Vectors]":
        """Begin to embed the passages' sentences, while the model reads the prompt."""
        if self._embedding is None:
            self._embedding = asyncio.create_task(self._embed())
        return self._embedding

    def stop(self) -> None:
        """Let go of what is not needed any more."""
        if self._embedding:
            self._embedding.cancel()

    async def supports(self, sentence: str) -> list[Support]:
        """Return how well each passage supports the sentence, best first."""
        vectors = await self.start()
        vector = (await self.embedder.embed_queries([sentence]))[0]
        near = [float(value) for value in vectors @ vector]
        found = [self._support(place, sentence, near) for place in range(len(self.passages))]
        return sorted(found, key=lambda support: (support.holds, support.fit), reverse=True)

    async def answering(self) -> list[Support]:
        """Return the passages in the order in which one sentence of theirs fits the question best."""
        return await self.supports(self.question)

    @cached_property
    def _foreign(self) -> list[bool]:
        """Which passages are in the other language."""
        return [language_of(passage.text, self.language) != self.language for passage in self.passages]

    @cached_property
    def _wholes(self) -> list[tuple[Words, frozenset[str]]]:
        """The content words and the numbers of each passage, its name and heading included."""
        wholes = [f"{passage.document}\n{passage.heading}\n{passage.text}" for passage in self.passages]
        return [(content(whole), numbers(whole)) for whole in wholes]

    def nearest_span(self, place: int) -> str:
        """Return the sentence of a passage that shares most words with the question."""
        own = [span for span in self.spans if span.passage == place]
        return max(own, key=lambda span: self._asked.covered_by(span.content), default=Span(place, "")).text

    @cached_property
    def _asked(self) -> Words:
        return content(self.question)

    async def _embed(self) -> Vectors:
        texts = [span.text for span in self.spans]
        parts = [await self.embedder.embed_queries(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.embedder.dimensions), np.float32)

    def _support(self, place: int, sentence: str, near: Sequence[float]) -> Support:
        foreign, (there, counted) = self._foreign[place], self._wholes[place]
        wanted, said = content(sentence), numbers(sentence)
        added = wanted.without(self._asked)
        own = [(span, cosine) for span, cosine in zip(self.spans, near, strict=True) if span.passage == place]
        best, cosine = max(own, key=lambda pair: alignment(wanted, said, *pair), default=(Span(place, ""), 0.0))
        figures = digits(sentence) - numbers(self.question)
        named = bool(added.stems) and added.covered_by(best.content, foreign=foreign) == 1
        return Support(
            passage=place, covered=wanted.covered_by(there, foreign=foreign),
            added=added.covered_by(there, foreign=foreign) if added.stems else float(bool(digits(sentence))),
            missing=figures - counted, cosine=max((cosine for _, cosine in own), default=0.0), quote=best.text,
            fit=alignment(wanted, said, best, cosine), foreign=foreign,
            worded=bool(added.stems) and not figures,
            quoted=figures <= best.numbers and (bool(figures) or named),
        )  # fmt: skip


def alignment(wanted: Words, figures: frozenset[str], span: Span, cosine: float) -> float:
    """Return how well a sentence of a passage fits: its words, its numbers, its meaning."""
    shared = wanted.covered_by(span.content)
    counted = len(figures & span.numbers) / len(figures) if figures else 0.5
    return shared + counted + 4 * (cosine - 0.75)
