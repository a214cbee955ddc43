"""What two texts have in common: content words, stemmed in both languages, and numbers; pure functions."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from indexing.sparse import stems, tokens

PARTICLES = frozenset({"yes", "no", "oui", "non"})  # what they say is in the rest of the sentence
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# Groups of exactly three digits on one line, all parted alike: 91,250 and 91 250, but neither 2023 120 nor 0.750.
GROUPED = re.compile(r"(?<![\d.,])(?!0)\d{1,3}([ .,'\u2019])\d{3}(?:\1\d{3})*(?!\d)")
NO_CENTS = re.compile(r"\.0+$")
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

    def covered_by(self, other: "Words") -> float:
        """Return the share of these words that the other text has."""
        if not self.stems:
            return 0.0
        return sum(not other.known.isdisjoint(forms) for forms in self.stems) / len(self.stems)

    def without(self, other: "Words") -> "Words":
        """Return the words that the other text has not."""
        return Words(frozenset(forms for forms in self.stems if other.known.isdisjoint(forms)))


def content(text: str) -> Words:
    """Return the content words of a text; numbers are not among them."""
    content_words = (word for word in tokens(normal(text)) if not word.isdigit() and word not in PARTICLES)
    return Words(frozenset((stems(word, "en"), stems(word, "fr")) for word in content_words))


def numbers(text: str) -> frozenset[str]:
    """Return the numbers that a text may be read to have: 5 410 as one number and as two, and seven as 7, too."""
    return digits(text) | frozenset(canonical(number) for number in NUMBER.findall(normal(text))) | spelt(text)


def spelt(text: str) -> frozenset[str]:
    """Return the numbers that a text spells out."""
    return frozenset(COUNTED[word] for word in re.findall(r"[^\W\d_]+", normal(text).lower()) if word in COUNTED)


def digits(text: str) -> frozenset[str]:
    """Return the numbers that a text writes in digits; 91,250 and 91 250 are one."""
    whole = GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), normal(text))
    return frozenset(canonical(number) for number in NUMBER.findall(whole))


def canonical(number: str) -> str:
    """Return a number as it is compared: 520,00 as 520, 09:30 as 9:30."""
    return NO_CENTS.sub("", number.replace(",", ".")).lstrip("0") or "0"


def normal(text: str) -> str:
    """Return the text with one form for each letter."""
    return unicodedata.normalize("NFKC", text)
