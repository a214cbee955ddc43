"""Sentences that are known before any search, read by the templates of two toml files; pure, nothing is looked up."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from handlers.text.commands import without_accents
from handlers.text.normalize import EMOJI

MOST_CHARACTERS = 500
MOST_TOKENS = 40  # of a sentence; a longer one asks more than what is known
MOST_NAME_TOKENS = 10  # of a document's name
LEAST_LETTERS = 5  # of a word of which one letter may be wrong or missing

IS = re.compile(r"\b(what|who|where|which|how|that)(?:['’]s|(?<=t)s)(?=\s)", re.IGNORECASE)
ELISION = re.compile(r"\b(l|d|qu|n|s|j|c|m|t|y)['’](?=\w)", re.IGNORECASE)
PRONOUN = re.compile(r"(?<=\w)-(?:(t)-)?(il|elle|on|ils|elles|tu|vous|nous|moi|je|ce)\b(?![-.])", re.IGNORECASE)
EDGES = "\"'“”«»‹›`,;:?!().*_…¿"
ELEMENT = re.compile(r"\[[^\]]*\]|\{\w+\}|\((?:[^()]|\([^()]*\))*\)|[^\s\[\](){}]+")


JOINT = re.compile(r"(?:,? (?:and|et) |[.!?,;]\s)", re.IGNORECASE)
TO_FOLIO = frozenset({"identity", "abilities", "privacy", "thanks", "greeting"})


@dataclass(frozen=True)
class Token:
    """A word as it was written, and as it is compared."""

    written: str
    folded: str


@dataclass(frozen=True)
class Known:
    """A sentence that is known: which kind, in which language, and the words in its open places."""

    kind: str
    language: str
    words: dict[str, str] = field(default_factory=dict)


def known_sentence(text: str) -> Known | None:
    """Return what a message asks if it is a known sentence from its beginning to its end."""
    if len(text) > MOST_CHARACTERS:
        return None
    spoken = tokens_of(EMOJI.sub(" ", text))
    if not 0 < len(spoken) <= MOST_TOKENS:
        return None
    tokens = without_politeness([corrected(token) for token in spoken])
    line = "".join(f"{token.folded} " for token in tokens)
    for kind, language, template in templates():
        if match := template.fullmatch(line):
            return Known(kind, language, dict(slots(match, tokens)))
    return None


def known_sentences(text: str) -> list[Known]:
    """Return what a message asks: one known sentence, or two to Folio itself with an "and" between; [] for others."""
    if whole := known_sentence(text):
        return [whole]
    for joint in JOINT.finditer(text[:MOST_CHARACTERS]):
        both = [known_sentence(text[: joint.start()]), known_sentence(text[joint.end() :])]
        known = [one for one in both if one and one.kind in TO_FOLIO]
        if len(known) == len(both):
            return known
    return []


def tokens_of(text: str) -> list[Token]:
    """Return the words of a message: contractions and French pronouns are words of their own."""
    text = PRONOUN.sub(r" \1 \2", ELISION.sub(r"\1' ", IS.sub(r"\1 is", text)))
    written = [word.rstrip(EDGES).lstrip(EDGES) or word.strip(EDGES) for word in text.split()]
    return [Token(word, without_accents(word).strip("'’")) for word in written if word]


def slots(match: re.Match[str], tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the open places of a template with the words that stand in them, as they were written."""
    for group, value in match.groupdict().items():
        if value is not None:
            first = match.string[: match.start(group)].count(" ")
            yield group.partition("__")[0], " ".join(t.written for t in tokens[first : first + value.count(" ")])


def without_politeness(tokens: Sequence[Token]) -> Sequence[Token]:
    """Leave out what people say around a question."""
    before, after = around()
    line = "".join(f"{token.folded} " for token in tokens)
    start = before.match(line)
    first = start[0].count(" ") if start else 0
    end = after.search(line)
    last = len(tokens) - (end[0].count(" ") if end else 0)
    return tokens[first:last] if first < last else tokens[first:] or tokens


def corrected(token: Token) -> Token:
    """Return a word with its one wrong letter mended, if only one word of the templates is so near."""
    if token.folded in vocabulary() or len(token.folded) < LEAST_LETTERS - 1 or not token.folded.isalpha():
        return token
    near = [word for word in vocabulary() if len(word) >= LEAST_LETTERS and is_one_letter_off(token.folded, word)]
    return Token(token.written, near[0]) if len(near) == 1 else token


def is_one_letter_off(word: str, other: str) -> bool:
    """Tell whether two words differ by one letter that is missing, wrong, or changed places with the next."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    rest, other_rest = word[start:], other[start:]
    swapped = len(rest) > 1 and rest[1::-1] + rest[2:] == other_rest
    return rest[1:] == other_rest[1:] or rest[1:] == other_rest or rest == other_rest[1:] or swapped


@cache
def grammar() -> dict[str, dict[str, list[str]]]:
    """Read the templates, those of documents before those of Folio itself."""
    merged: dict[str, dict[str, list[str]]] = {}
    for file in ("documents", "folio"):
        for name, entry in tomllib.loads((Path(__file__).parent / f"{file}.toml").read_text("utf-8")).items():
            merged.setdefault(name, {}).update(entry)
    return merged


@cache
def templates() -> list[tuple[str, str, re.Pattern[str]]]:
    """Return all templates: kind, language, pattern."""
    kinds = [(kind, entry) for kind, entry in grammar().items() if kind not in {"around", "words"}]
    return [
        (kind, language, re.compile(pattern_of(template, language)))
        for kind, entry in kinds
        for language in ("en", "fr")
        for template in entry[language]
    ]


@cache
def around() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of what may stand before and after a sentence."""
    before, after = (
        "|".join(pattern_of(template, "") for template in grammar()["around"][place]) for place in ("before", "after")
    )
    return re.compile(f"(?:{before})*"), re.compile(f"(?<![^ ])(?:{after})*$")


@cache
def vocabulary() -> frozenset[str]:
    """Return all words that templates spell out."""
    listed = [template for entry in grammar().values() for some in entry.values() for template in some]
    return frozenset(
        token.folded for template in listed for token in tokens_of(re.sub(r"\{\w+\}|[\[\]()|]", " ", template))
    )


def is_one_of(words: str, name: str) -> bool:
    """Tell whether some words are one of those listed under a name."""
    line = "".join(f"{corrected(token).folded} " for token in tokens_of(words))
    return re.fullmatch("|".join(pattern_of(template, "") for template in grammar()["words"][name]), line) is not None


def pattern_of(template: str, language: str) -> str:
    """Return the pattern of a template over words that each have a space behind them."""
    numbers = iter(range(100))
    return _sequence(template, language, numbers)


def _sequence(template: str, language: str, numbers: Iterator[int]) -> str:
    return "".join(_element(match[0], language, numbers) for match in ELEMENT.finditer(template))


def _element(element: str, language: str, numbers: Iterator[int]) -> str:
    if element[0] == "{":
        return _open_place(element[1:-1], language, numbers)
    if element[0] in "[(":
        choices = "|".join(_sequence(choice, language, numbers) for choice in _choices(element[1:-1]))
        return f"(?:{choices}){'?' if element[0] == '[' else ''}"
    return "".join(re.escape(f"{token.folded} ") for token in tokens_of(element))


def _choices(inner: str) -> list[str]:
    """Cut at the bars; a bar within brackets, or before the words that all choices share with {}, stays."""
    if "{" in inner and "|" in inner and " {" in inner:  # [of|in {document}]: either word, then the name
        words, _, place = inner.partition(" {")
        return [f"({words}) {{{place}"]
    return re.split(r"\|(?![^()]*\))", inner)


def _open_place(name: str, language: str, numbers: Iterator[int]) -> str:
    group = f"{name}__{next(numbers)}"
    if name == "number":
        return r"[\w.]{1,12} "
    if name in grammar()["words"]:
        choices = "|".join(_sequence(choice, language, numbers) for choice in grammar()["words"][name])
        return f"(?P<{group}>(?:{choices}))"
    return rf"(?P<{group}>(?:\S+ ){{1,{MOST_NAME_TOKENS}}}?)"
