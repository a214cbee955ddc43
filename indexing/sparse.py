"""BM25 as sparse vectors: words folded and stemmed in both languages, hashed; the index knows how rare each is."""

import functools
import re
import threading
import tomllib
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import snowballstemmer

K1, B = 1.2, 0.75  # Robertson's usual values
AVERAGE_TERMS, AVERAGE_PAGE_TERMS = 70, 250  # of a chunk and of a page, stop words left out

# A compound keeps its joints (read.table, 10.0.0.1, /etc/pam.d, mail-server) and counts whole and in parts.
COMPOUND = re.compile(r"[^\W_]+(?:[._/:@\\~+-]+[^\W_]+)*", re.UNICODE)
PART = re.compile(r"[^\W_]+")
ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)['\u2019](?=\w)", re.IGNORECASE)
RAISED = re.compile("(?<=\\d)[²³¹⁰-⁹]+")  # the mark of a note beside a figure is no part of it
APOSTROPHE_S = re.compile(r"['\u2019]s\b", re.IGNORECASE)

STOP_WORDS = frozenset(
    word
    for listed in tomllib.loads((Path(__file__).parent / "stop_words.toml").read_text()).values()
    for word in listed
)

Sparse = dict[int, float]


_stemming = threading.Lock()  # a stemmer keeps the word that it is at; documents are indexed in several threads


@functools.cache
def _stemmers() -> tuple[snowballstemmer.stemmer, snowballstemmer.stemmer]:
    return snowballstemmer.stemmer("english"), snowballstemmer.stemmer("french")


@functools.lru_cache(100_000)
def stems(word: str, language: str) -> str:
    """Return the folded stem of a lower-case word."""
    with _stemming:
        english, french = _stemmers()
        stemmed = (french if language == "fr" else english).stemWord(word)
    return without_accents(stemmed)


def without_accents(text: str) -> str:
    """Take the accents off."""
    if text.isascii():
        return text
    text = text.replace("œ", "oe").replace("æ", "ae").replace("ß", "ss")
    return "".join(part for part in unicodedata.normalize("NFD", text) if not unicodedata.combining(part))


def tokens(text: str) -> list[str]:
    """Return the words of a text in lower case: compounds whole and in parts, elisions taken off, no stop words."""
    text = APOSTROPHE_S.sub("", ELISION.sub(" ", RAISED.sub("", text))).lower()
    found: list[str] = []
    for match in COMPOUND.finditer(text):
        compound = match[0]
        parts = PART.findall(compound)
        found += [part for part in parts if without_accents(part) not in STOP_WORDS]
        if len(parts) > 1:
            found.append(compound)
    return found


def terms(text: str, language: str) -> list[str]:
    """Return the terms of a text as they are compared."""
    return [stems(word, language) for word in tokens(text)]


def hashed(term: str) -> int:
    """Return the dimension of a term."""
    return zlib.crc32(term.encode()) & 0x7FFFFFFF


def of_passage(text: str, language: str, average_terms: int = AVERAGE_TERMS) -> Sparse:
    """Return BM25's weights of a stored text; the index multiplies by the inverse document frequency."""
    counts = Counter(hashed(term) for term in terms(text, language))
    norm = K1 * (1 - B + B * counts.total() / average_terms)
    return {term: count * (K1 + 1) / (count + norm) for term, count in counts.items()}


def of_question(text: str) -> Sparse:
    """Return a question's terms, stemmed as both languages do, since the documents may be in either."""
    return {term: 1.0 for either in wanted(text) for term in either}


def wanted(text: str) -> list[frozenset[int]]:
    """Return a question's terms; each is there where either of its stems, English or French, is."""
    both = zip(terms(text, "en"), terms(text, "fr"), strict=True)
    return [frozenset({hashed(english), hashed(french)}) for english, french in both]


def coverage(wanted: Sequence[frozenset[int]], there: frozenset[int]) -> float:
    """Return the share of a question's terms that are there; 0 if it has none."""
    return sum(not there.isdisjoint(either) for either in wanted) / len(wanted) if wanted else 0.0
