"""What two texts have in common: content words, stemmed in both languages, and numbers; pure functions."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from indexing.sparse import stems, tokens

COGNATE = 0.75  # of two words' letters are the same: "norvégienne" and "Norwegian"
COGNATE_BEGINNING = 3  # letters that are the same in both

PARTICLES = frozenset({"yes", "no", "oui", "non"})  # what they say is in the rest of the sentence
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
GROUPED = re.compile(r"(?<=\d)[\s\u00a0\u202f,.](?=\d{3}(?!\d))")
COUNTED = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "fifteen": "15", "twenty": "20", "thirty": "30",
    "deux": "2", "trois": "3", "quatre": "4", "cinq": "5", "sept": "7", "huit": "8", "neuf": "9", "dix": "10",
    "onze": "11", "douze": "12", "quinze": "15", "vingt": "20", "trente": "30",
}  # fmt: skip  # spelt out in one place, in digits in another


@dataclass(frozen=True)
class Words:
    """The content words of a text, stemmed as English and as French: the text may be in either."""

    stems: frozenset[tuple[str, str]]

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(form for forms in self.stems for form in forms)

    def covered_by(self, other: "Words", *, foreign: bool = False) -> float:
        """Return the share of these words that the other text has; cognates count where it is in the other language."""
        if not self.stems:
            return 0.0
        there = [not other.known.isdisjoint(forms) or (foreign and other.has_cognate(forms)) for forms in self.stems]
        return sum(there) / len(self.stems)

    def has_cognate(self, forms: Sequence[str]) -> bool:
        """Tell whether a word of these looks like one of another language."""
        return any(are_cognates(form, known) for form in forms for known in self.known)

    def without(self, other: "Words") -> "Words":
        """Return the words that the other text has not."""
        return Words(frozenset(forms for forms in self.stems if other.known.isdisjoint(forms)))


def are_cognates(one: str, other: str) -> bool:
    """Tell whether two words look alike: the same beginning, and most letters in the same order."""
    alike = len(one) > COGNATE_BEGINNING and one[:COGNATE_BEGINNING] == other[:COGNATE_BEGINNING]
    return alike and SequenceMatcher(None, one, other).ratio() >= COGNATE


def content(text: str) -> Words:
    """Return the content words of a text; numbers are not among them."""
    told = (word for word in tokens(normal(text)) if not word.isdigit() and word not in PARTICLES)
    return Words(frozenset((stems(word, "en"), stems(word, "fr")) for word in told))


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text as they are compared: 91,250 and 91 250 are one, and so are seven and 7."""
    plain = GROUPED.sub("", normal(text).lower())
    spelt = {COUNTED[word] for word in re.findall(r"[^\W\d_]+", plain) if word in COUNTED}
    return frozenset({number.replace(",", ".") for number in NUMBER.findall(plain)} | spelt)


def digits(text: str) -> frozenset[str]:
    """Return the numbers that a text writes in digits."""
    return frozenset(number.replace(",", ".") for number in NUMBER.findall(GROUPED.sub("", normal(text))))


def normal(text: str) -> str:
    """Return the text with one form for each letter."""
    return unicodedata.normalize("NFKC", text)
