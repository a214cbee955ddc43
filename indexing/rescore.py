"""From hits to passages: weighed anew, near-duplicates out, neighbours joined. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from indexing.sentences import spans
from indexing.sparse import coverage, hashed, wanted
from indexing.sparse import terms as terms_of
from indexing.vector_store import Hit
from indexing.vectors import Vectors

# What it is worth as cosine to have all of the question's terms: in one sentence, in a chunk, on its page.
SENTENCE_COVERED, CHUNK_COVERED, PAGE_COVERED = 0.04, 0.04, 0.02  # see tests/evaluation/README.md
READ_CLOSELY = 20  # hits that are looked at sentence by sentence, 0.1 ms each
LONGEST_SENTENCE = 400  # characters; tables and code have no full stops
DUPLICATE_WORDS = 0.85  # of all words of both: a new version that changes a number is no duplicate
TELLING = frozenset({  # words that make another rule of the same sentence
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
    "twenty", "thirty", "forty", "fifty", "hundred", "half", "twice", "once", "un", "une", "deux", "trois", "quatre",
    "cinq", "sept", "huit", "neuf", "dix", "onze", "douze", "quinze", "vingt", "trente", "quarante", "cinquante",
    "cent", "moitié", "not", "no", "never", "none", "nobody", "cannot", "without", "pas", "jamais", "aucun", "aucune",
    "personne", "sans", "ni",
})  # fmt: skip


@dataclass(frozen=True)
class Phrasing:
    """A question as it was asked, or a rephrasing of it."""

    text: str
    vector: Vectors
    weight: float


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A chunk that was found, or several neighbours as one."""

    hit: Hit
    first: int  # position of the first chunk
    last: int
    text: str
    relevance: float

    @property
    def document_id(self) -> str:
        return str(self.hit.payload["document_id"])

    @property
    def pages(self) -> tuple[int, int]:
        return int(self.hit.payload["page"]), int(self.hit.payload["last_page"])


def rescored(hits: Sequence[Hit], phrasings: Sequence[Phrasing]) -> list[Hit]:
    """Order the hits of a fusion by how near they are and how much of the question they have; scores are replaced.

    Reciprocal ranks bring together what may answer, but they forget by how much one hit is better than the next: some
    words shared by chance outweigh the nearest meaning. A rephrasing counts as much as the question here: it says what
    a follow-up ("and in July?") means.
    """
    asked = [(phrasing.vector, wanted(phrasing.text)) for phrasing in phrasings]

    def score(hit: Hit) -> float:
        return sum(
            float(vector @ hit.dense)
            + CHUNK_COVERED * coverage(terms, hit.words)
            + PAGE_COVERED * coverage(terms, hit.page_words)
            for vector, terms in asked
        )

    def in_one_sentence(hit: Hit) -> float:
        sentences = words_by_sentence(hit)
        return sum(max((coverage(terms, words) for words in sentences), default=0.0) for _, terms in asked)

    found = by_score(replace(hit, score=score(hit)) for hit in hits)
    best, rest = found[:READ_CLOSELY], found[READ_CLOSELY:]
    return [*by_score(replace(hit, score=hit.score + SENTENCE_COVERED * in_one_sentence(hit)) for hit in best), *rest]


def by_score(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits, best first."""
    return sorted(hits, key=lambda hit: -hit.score)


def words_by_sentence(hit: Hit) -> list[frozenset[int]]:
    """Return the terms of each sentence of a chunk, as the index has those of the whole."""
    text, language = str(hit.payload["text"]), str(hit.payload.get("language", "en"))
    return [
        frozenset(hashed(term) for term in terms_of(text[start:end], language))
        for start, end in spans(text, LONGEST_SENTENCE)
    ]


def attach_relevance(hits: Sequence[Hit], answered: float) -> list[Candidate]:
    """Give each hit its relevance: the probability that the question is answered for the best, less for the others."""
    best = max((hit.score for hit in hits), default=1.0)
    return [
        Candidate(
            hit=hit,
            first=int(hit.payload["position"]),
            last=int(hit.payload["position"]),
            text=str(hit.payload["text"]),
            relevance=answered * hit.score / best,
        )
        for hit in hits
    ]


def without_duplicates(found: Iterable[Candidate]) -> list[Candidate]:
    """Drop what says almost the same as a better one, as versions of one document do."""
    kept: list[Candidate] = []
    for one in found:
        if not any(is_duplicate(one, other) for other in kept):
            kept.append(one)
    return kept


def is_duplicate(one: Candidate, other: Candidate) -> bool:
    """Tell whether two chunks have nearly the same words, exactly the same numbers and the same negations."""
    words, others = set(one.text.casefold().split()), set(other.text.casefold().split())
    alike = len(words & others) >= DUPLICATE_WORDS * len(words | others)
    return alike and not any(is_telling(word) for word in words ^ others)


def is_telling(word: str) -> bool:
    """Tell whether a word alone makes another rule: a number, in digits or spelt out, a negation."""
    return any(character.isdigit() for character in word) or word.strip(".,;:!?()\"'") in TELLING


def joined(found: Sequence[Candidate]) -> list[Candidate]:
    """Join chunks of one page that follow each other; the pair stands where its better one stood."""
    result: list[Candidate] = []
    for one in found:
        place = next((i for i, other in enumerate(result) if are_neighbours(one, other)), None)
        if place is None:
            result.append(one)
        else:
            result[place] = merged_candidates(result[place], one)
    return result


def are_neighbours(one: Candidate, other: Candidate) -> bool:
    """Tell whether two follow each other on the same page."""
    adjacent = one.last + 1 == other.first or other.last + 1 == one.first
    return adjacent and one.document_id == other.document_id and one.pages == other.pages


def merged_candidates(better: Candidate, other: Candidate) -> Candidate:
    """Return both as one, in the order of the document."""
    before, after = sorted((better, other), key=lambda found: found.first)
    return replace(
        better,
        first=before.first,
        last=after.last,
        text=f"{before.text}\n{after.text}",
        relevance=max(better.relevance, other.relevance),
    )
