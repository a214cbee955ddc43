"""Is an answer right? By the strings that the sets of questions name, as their README says."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from handlers.answering.cite import bare
from tests.evaluation.questions import Question

Verdict = Literal["right", "wrong", "refused"]

PAGE = re.compile(r"\((?:[^()\n]*,\s*)?pp?\.\s?\d+(?:[-\u2013]\d+)?\)|\bpp?\.\s?\d+(?:[-\u2013]\d+)?", re.IGNORECASE)
HYPHEN = re.compile(r"(?<=\w)[-\u00ad]\n\s*(?=[a-zà-ÿ])")
BLANK_BEFORE_SIGN = re.compile(r"\s+(?=[%\u20ac])")
LEADING = {"yes": re.compile(r"\W*(?:yes|oui)\b", re.IGNORECASE), "no": re.compile(r"\W*(?:no|non)\b", re.IGNORECASE)}
OPPOSITE = {"yes": "no", "no": "yes"}


def verdict_of(question: Question, text: str, refusals: Iterable[str]) -> Verdict:
    """Return what became of a question: shown and right, shown and wrong, or refused."""
    if not text.strip() or any(refusal in text for refusal in refusals):
        return "refused"
    return "right" if question.answerable and is_right(question, text) else "wrong"


def is_right(question: Question, text: str) -> bool:
    """Tell whether a text gives the answer: every item of a list, and no verdict against the right one."""
    plain = comparable(without_citations(text))
    if question.verdict and LEADING[OPPOSITE[question.verdict]].match(plain):
        return False
    return all(any(contains(plain, each) for each in alternatives) for alternatives in question.expected)


def misled(question: Question, text: str) -> bool:
    """Tell whether a text gives one of the wrong values that stand near the right one, instead of it."""
    plain = comparable(without_citations(text))
    return not is_right(question, text) and any(contains(plain, wrong) for wrong in question.must_not)


def without_citations(text: str) -> str:
    """Return the text without the numbers of its sources and pages: some answers are bare numbers."""
    return PAGE.sub(" ", bare(text))


def comparable(text: str) -> str:
    """Return the text as strings are compared: one case, one kind of blank, none before % and euro signs."""
    plain = HYPHEN.sub("", unicodedata.normalize("NFKC", text)).casefold().replace("\u2019", "'")
    return BLANK_BEFORE_SIGN.sub("", " ".join(plain.split()))


def contains(plain: str, wanted: str) -> bool:
    """Tell whether a comparable text has a string between word boundaries: "5 days" is not in "15 days"."""
    pattern = re.escape(comparable(wanted))
    return re.search(rf"(?<![^\W_])(?<!\d[.,]){pattern}(?![^\W_])(?![.,]\d)", plain) is not None


def share(yes: Sequence[bool]) -> float:
    """Return the share of yes; 0 of nothing."""
    return sum(yes) / len(yes) if yes else 0.0
