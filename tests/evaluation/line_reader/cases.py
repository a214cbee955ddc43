"""The lines that the product finds for each training question, labelled: does the answer stand in it?"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from handlers.answering.lines import Line, lines_of
from handlers.answering.rank import rank_lines, read_line
from handlers.answering.retrieve import Found
from handlers.text.normalize import letters_only
from indexing.audience import Audience
from indexing.document import Passage, Share
from indexing.library import Library

DOCUMENTS = Path(__file__).parent / "documents"
PASSAGES, LINES = 6, 24  # a question
SHORT = 15  # letters: a line that is shorter may stand within any evidence
HELD_OUT = 10  # one document of so many is not trained on


@dataclass(frozen=True)
class Candidate:
    """A line as the reader reads it, and what it is to the question."""

    text: str
    answers: bool
    tempts: bool  # it looks like the answer


@dataclass(frozen=True)
class TrainingCase:
    """A question with its lines, best first; answers that were not found stand at the end."""

    question: str
    language: str
    document: str  # SET/NAME
    kind: str
    answerable: bool
    candidates: tuple[Candidate, ...]

    @property
    def is_held_out(self) -> bool:
        """Tell whether this question's document is kept from training."""
        name = self.document.replace("/", "", 1)
        return int(sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % HELD_OUT == 0

    @property
    def answers(self) -> list[Candidate]:
        """Return the lines that answer."""
        return [one for one in self.candidates if one.answers]


async def cases_of(library: Library, folder: Path = DOCUMENTS) -> list[TrainingCase]:
    """Share each set's documents in a conversation of its own, ask its questions there, label what is found."""
    cases: list[TrainingCase] = []
    for place in await asyncio.to_thread(lambda: sorted(path for path in folder.iterdir() if path.is_dir())):
        audience = Audience(frozenset({place.name}))
        await share_all(library, place)
        asked = await asyncio.to_thread((place / "questions.jsonl").read_text, "utf-8")
        for line in asked.splitlines():
            cases.append(await case_of(json.loads(line), place, audience, library))
        print(f"{place.name}: {len(cases)} questions so far", file=sys.stderr)
    return cases


async def share_all(library: Library, place: Path) -> None:
    """Share the documents of one set."""
    for path in await asyncio.to_thread(lambda: sorted(place.glob("*.txt"))):
        file_id = f"{place.name}/{path.name}"
        share = Share(channel=place.name, file_id=file_id, user="U1", ts="1.0", permalink="", name=path.name)
        await library.add(path, share)


async def case_of(asked: dict[str, object], place: Path, audience: Audience, library: Library) -> TrainingCase:
    """Return one question with the lines that the product would read for it."""
    question, document = str(asked["question"]), str(asked["document"])
    passages = await library.search([question], readable_by=audience, limit=PASSAGES)
    found = Found(passages, 1.0, [question])
    ranked = (await rank_lines(found, library.embedder))[:LINES]
    evidence, tempting = strings_of(asked["evidence"]), strings_of(asked.get("tempting", []))
    candidates = [labelled(one.line, passages, evidence, tempting) for one in ranked]
    if evidence and not any(one.answers for one in candidates):
        pages = pages_of(place / document)
        others = [labelled(line, pages, evidence, tempting) for line in lines_of(pages)]
        candidates += [one for one in others if one.answers or one.tempts]
    return TrainingCase(
        question, str(asked["lang"]), f"{place.name}/{document}", str(asked["kind"]), bool(evidence), tuple(candidates)
    )


def pages_of(path: Path) -> list[Passage]:
    """Return the pages of a training document, whole."""
    return [
        Passage(
            id=f"{path.name}-{number}", document_id=path.name, document=path.name, text=text, page=number,
            last_page=number, heading="", permalink="", score=0.0, relevance=0.0,
        )
        for number, text in enumerate(path.read_text("utf-8").split("\f"), start=1)
    ]  # fmt: skip


def labelled(line: Line, passages: Sequence[Passage], evidence: set[str], tempting: set[str]) -> Candidate:
    """Return a line as it is read, with its labels."""
    answers = holds(line.text, evidence)
    return Candidate(read_line(line, passages), answers, not answers and holds(line.text, tempting))


def holds(text: str, strings: set[str]) -> bool:
    """Tell whether one of the strings stands in a line, or a line of some length in it."""
    letters = letters_only(text)
    return any(one in letters or (len(letters) > SHORT and letters in one) for one in strings)


def strings_of(given: object) -> set[str]:
    """Return the letters and digits of each string."""
    return set(_strings(given))


def _strings(given: object) -> Iterator[str]:
    for one in given if isinstance(given, list) else []:
        yield letters_only(str(one))
