"""Does one line of a document bear a claim? A claim is a sentence of the answer with the question that it answers.

Who, what, how much and under which condition must stand in one line with its context (its heading, a table's head
row, the sentence before), not be picked together from a page. Nothing bears "the passages do not say".
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from handlers.answering.lines import CELL, DASH, Line
from handlers.text.overlap import Words, content, digits, numbers, spelt
from indexing.document import Passage
from indexing.language import language_of

BORNE = 0.6  # from this probability on, a claim is shown; see tests/evaluation/README.md
FOREIGN = 0.6  # a line in the other language that has the claim's figures and names: its words can't be compared
OWN_WORDS = 0.4  # of a claim's words: so many stand in the line itself, the rest may stand in what is above it

NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|nothing|neither|nor|without|cannot|\w+n['\u2019]t)\b"
    r"|\b(?:pas|jamais|aucune?s?|rien|personne|sans|ni)\b",
    re.IGNORECASE,
)
NO_NEGATION = re.compile(r"\bnot only\b|\bno (?:later|longer|more|less) than\b|\bpas seulement\b", re.IGNORECASE)
LEADING = re.compile(r"^\W*(?:yes|no|oui|non)\s*[,.:;!\u2013-]+\s*", re.IGNORECASE)
NAME = re.compile(
    r"(?<![.!?:\n]\s)(?<!^)(?<![\w'\u2019])[A-Z\u00c0-\u00de][\w\u00c0-\u00ff-]+|\b\w*[A-Z]\w*\d[\w-]*|\b[A-Z]{2,}\b"
)
AMOUNT = r"(?<![\d.,])\d{1,3}(?:[ .,]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
MONEY = re.compile(rf"[$\u00a3\u20ac]\s?({AMOUNT})|({AMOUNT})\s?(?:[$\u00a3\u20ac%]|euros?\b|EUR\b|percent\b)")


@dataclass(frozen=True)
class Support:
    """How likely the document bears a claim, and the lines that do."""

    probability: float
    lines: tuple[Line, ...] = ()

    @property
    def holds(self) -> bool:
        """Tell whether the claim may be shown."""
        return self.probability >= BORNE and bool(self.lines)


class Verifier(Protocol):
    """Tells whether a claim stands in the document."""

    async def support(self, claim: str, question: str, passages: Sequence[Passage], lines: Sequence[Line]) -> Support:
        """Return how likely one of the lines of the passages bears the claim, and which."""


class LexicalVerifier:
    """Compares words, figures, names and negations: no model, a tenth of a millisecond a line."""

    async def support(self, claim: str, question: str, passages: Sequence[Passage], lines: Sequence[Line]) -> Support:
        """Return the line that bears the claim best."""
        scored = [
            (lexical_support(claim, question, line, passages[line.passage]), line)
            for line in lines
            if not is_of_another_row(claim, line, lines)
        ]
        probability, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        return Support(probability, (best,) if best else ())


def lexical_support(claim: str, question: str, line: Line, passage: Passage) -> float:
    """Return how well one line bears a claim, 0 to 1; 0 where a rule excludes it. Each rule has its reason."""
    evidence = f"{passage.document}\n{line.context}\n{line.text}"
    if not figures_agree(claim, question, evidence) or not names_agree(claim, question, evidence):
        return 0.0
    if not polarity_agrees(claim, line.text) or not column_agrees(claim, question, line):
        return 0.0
    if language_of(line.text, "") not in ("", language_of(claim, "")):
        return FOREIGN if tells_in_common(claim, question, line.text) else 0.0
    words, evidence_words = content(claim), content(f"{evidence}\n{line.before}")
    if weighted_share(words, content(line.text if not line.is_row else evidence)) < OWN_WORDS:
        return 0.0  # the sentence before is there to be understood, not to be quoted
    added = words.without(content(question))
    restated = not figures(claim) or bool(figures(claim) & numbers(line.text))  # nothing is added to the question
    is_told = weighted_share(added, evidence_words) if added.stems else float(restated)
    return weighted_share(words, evidence_words) * is_told


def figures(text: str) -> frozenset[str]:
    """Return the figures of a claim, those spelt out, too."""
    return digits(text) | spelt(text)


def figures_agree(claim: str, question: str, evidence: str) -> bool:
    """Tell whether a line has the claim's figures, and money as money.

    A figure of the question need not stand there where another does that it can be compared with (1,500 is more than
    1,000); a rule without any figure says nothing of an amount.
    """
    claimed, given, asked = figures(claim), numbers(evidence), numbers(question)
    if not (claimed - asked <= given and (claimed <= given or given - asked)):
        return False
    amounts = money(evidence)
    return not amounts or money(claim) - asked <= amounts


def money(text: str) -> frozenset[str]:
    """Return the numbers of a text that are amounts of money or percentages."""
    return frozenset(number for groups in MONEY.findall(text) for number in digits(groups[0] or groups[1]))


def names_agree(claim: str, question: str, evidence: str) -> bool:
    """Tell whether a line has the names and codes that the claim adds to the question: one letter makes another one."""
    given = f"{evidence}\n{question}".casefold()
    return all(name.casefold() in given for name in NAME.findall(claim))


def is_of_another_row(claim: str, line: Line, lines: Sequence[Line]) -> bool:
    """Tell whether a claim names another row of the line's table and not the line's own."""
    if not line.is_row:
        return False
    words = content(claim)
    label_of_line, *others = [content(row.text.split(CELL)[0]) for row in [line, *rows_beside(line, lines)]]
    return label_of_line.covered_by(words) < 1 and any(
        label.covered_by(words) == 1 and not label.stems <= label_of_line.stems for label in others
    )


def rows_beside(line: Line, lines: Sequence[Line]) -> list[Line]:
    """Return the other rows of a line's table."""
    return [
        row for row in lines
        if row.is_row and row.passage == line.passage and row.context == line.context and row.text != line.text
    ]  # fmt: skip


def column_agrees(claim: str, question: str, line: Line) -> bool:
    """Tell whether what a claim takes from a row stands in the columns that the claim names."""
    heads, cells = line.context.split(DASH)[-1].split(CELL), line.text.split(CELL)
    if not line.is_row or len(heads) != len(cells):
        return True
    named = [column for column, head in enumerate(heads) if column and is_named(head, claim)]
    other = [column for column in range(1, len(cells)) if column not in named]
    if not named or not other:
        return True
    label = numbers(f"{cells[0]} {' '.join(heads)} {question}")
    return figures(claim) - label <= numbers(" ".join(cells[column] for column in named))


def is_named(head: str, claim: str) -> bool:
    """Tell whether a claim names a column."""
    words, years = content(head), digits(head)
    if not words.stems and not years:
        return False
    return years <= digits(claim) and (not words.stems or words.covered_by(content(claim)) == 1)


def tells_in_common(claim: str, question: str, text: str) -> bool:
    """Tell whether what both languages write alike, figures and names, stands in the line as the claim tells it."""
    claimed = digits(claim) - numbers(question)
    names = {name for name in NAME.findall(claim) if name.casefold() not in question.casefold()}
    return bool(claimed or names) and claimed <= numbers(text)


def polarity_agrees(claim: str, text: str) -> bool:
    """Tell whether a claim and a line deny the same words: "is written" is not borne by "is not written".

    A claim that denies something is not borne by a line that denies nothing at all.
    """
    denied, given = denied_words(claim), denied_words(text)
    if NEGATION.search(NO_NEGATION.sub(" ", claim)) and not NEGATION.search(text):
        return False
    common = content(claim).known & content(text).known
    return denied.known & common == given.known & common


def denied_words(text: str) -> Words:
    """Return the content words that a negation stands right before."""
    denied: set[tuple[str, str]] = set()
    plain = NO_NEGATION.sub(" ", text)
    for negation in NEGATION.finditer(plain):
        clause = re.split(r"[,;:.!?|]", plain[negation.end() :], maxsplit=1)[0]
        following = next((words for word in clause.split() if (words := content(word)).stems), None)
        denied |= following.stems if following else set()
    return Words(frozenset(denied))


def without_verdict(sentence: str) -> str:
    """Return a sentence without its leading yes or no: what it says is in the rest, and that can be checked."""
    rest = LEADING.sub("", sentence, count=1)
    return rest[:1].upper() + rest[1:] if rest.strip() else sentence


def weighted_share(words: Words, given: Words) -> float:
    """Return the share of a claim's words that a line has; long words tell more than short ones."""
    if not words.stems:
        return 0.0
    weights = {forms: math.sqrt(len(forms[0])) for forms in words.stems}
    return sum(weight for forms, weight in weights.items() if not given.known.isdisjoint(forms)) / sum(weights.values())
