"""The sets of questions: about manuals (one document, one page) and about a team's documents (several of both)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Pages = tuple[int, ...]  # each of them is right


@dataclass(frozen=True, kw_only=True)
class Gold:
    """Where the answer stands: one of these pages of one document."""

    document: str
    pages: Pages


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of a file of questions; its README says what the fields mean."""

    id: str
    lang: str
    question: str
    answerable: bool
    kind: str = "lookup"
    gold: tuple[Gold, ...] = ()  # all are needed
    expected: tuple[tuple[str, ...], ...] = ()  # one of each belongs to a right answer
    verdict: str = ""  # "yes" or "no" where the answer amounts to it
    must_not: tuple[str, ...] = ()
    follows: str = ""  # id of the question before it in the same thread

    @classmethod
    def of(cls, line: str) -> "Question":
        """Read a line of JSON of either format."""
        fields = json.loads(line)
        return cls(
            id=fields["id"], lang=fields["lang"], question=fields["question"], answerable=fields["answerable"],
            kind=fields.get("kind") or "lookup", gold=tuple(gold_of(fields)), expected=tuple(expected_of(fields)),
            verdict=fields.get("verdict") or "", must_not=tuple(fields.get("must_not") or ()),
            follows=fields.get("follows") or "",
        )  # fmt: skip

    @property
    def answer(self) -> str:
        """Return the answer in short, for those who watch."""
        return "; ".join(alternatives[0] for alternatives in self.expected)


def gold_of(fields: Mapping[str, Any]) -> Iterable[Gold]:
    """Return where the answer stands; nowhere for a question that has none."""
    if not fields["answerable"]:
        return
    documents = fields.get("documents") or [fields["pdf"]]
    pages = fields["page"] if len(documents) > 1 else [fields["page"]]
    for document, page in zip(documents, pages, strict=True):
        yield Gold(document=document, pages=tuple(page) if isinstance(page, list) else (page,))


def expected_of(fields: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """Return the alternatives for each string that a right answer must have."""
    if not fields["answerable"]:
        return
    if fields.get("items"):
        yield from (tuple(alternatives) for alternatives in fields["items"])
    else:
        yield (fields["answer"], *(fields.get("also") or ()))


def read_questions(files: Sequence[Path]) -> list[Question]:
    """Return the questions of all files, in their order."""
    return [Question.of(line) for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]


def chain_of(question: Question, questions: Mapping[str, Question]) -> list[Question]:
    """Return the questions that were asked before this one in its thread, the first first."""
    if not question.follows or question.follows not in questions:
        return []
    before = questions[question.follows]
    return [*chain_of(before, questions), before]
