"""Labelled pairs of claims and documents, made from documents: `python -m tests.evaluation.pairs DOCUMENTS`.

A right claim says what one line says, in part or as a sentence; a wrong one has one number, name, negation or row
changed. The figures are what the verifier catches of the wrong and keeps of the right ones, in each language.
"""

import asyncio
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from handlers.answering.lines import CELL, DASH, Line, lines_of
from handlers.answering.verify import NAME, LexicalVerifier, Verifier
from handlers.text.overlap import NUMBER, content
from indexing.document import Document, Passage
from indexing.language import language_of
from indexing.library import Library
from tests.evaluation.answers import EVERYBODY, add_all, open_for
from tests.evaluation.intervals import share_interval, written

SEED = 15
LEAST_WORDS = 4  # content words: shorter lines are headings
MARK = re.compile(r"^\W*(?:\d+(?:\.\d+)*[.)]?\s+)?")
DENIED = {
    "en": (re.compile(r"\b(is|are|may|must|can|will|was|were|do|does)\b(?! not)"), r"\1 not"),
    "fr": (re.compile(r"\b(est|sont|peut|peuvent|doit|doivent|sera|a|ont)\b(?! pas)"), r"n'\1 pas"),
}
AFFIRMED = re.compile(r"\b(?:not|never|pas|jamais)\s|\bn['\u2019](?=\w)|\bne\s", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A claim, the page that it is held against, and whether the page says so."""

    claim: str
    page: int
    change: str  # what was changed: number, name, negation, row; "" for a right claim

    @property
    def is_right(self) -> bool:
        """Tell whether the page says so."""
        return not self.change


def pairs_of(page: int, lines: Sequence[Line], language: str, draw: random.Random) -> Iterator[Pair]:
    """Yield the pairs of one page."""
    texts = [line.text for line in lines]
    every_number = sorted({number for text in texts for number in NUMBER.findall(text)})
    every_name = sorted({name for text in texts for name in NAME.findall(text)})
    for line in lines:
        for claim in right_claims(line):
            yield Pair(claim, page, "")
            yield from changed(claim, page, "number", NUMBER.findall(claim), every_number, draw)
            yield from changed(claim, page, "name", NAME.findall(claim), every_name, draw)
        if CELL not in line.text and (denied := contradicted(MARK.sub("", line.text), language)):
            yield Pair(denied, page, "negation")
    yield from mixed_rows(page, lines, draw)


def right_claims(line: Line) -> Iterator[str]:
    """Yield what a line says: whole and its first half, or each cell of a row with its label and its head."""
    if CELL in line.text:
        yield from (claim for claim, _ in cells_of(line))
        return
    text = MARK.sub("", line.text)
    if len(content(text).stems) < LEAST_WORDS:
        return
    yield text
    half, comma, _ = text.partition(", ")
    if comma and len(content(half).stems) >= LEAST_WORDS:
        yield half


def cells_of(line: Line) -> Iterator[tuple[str, str]]:
    """Yield a sentence for each value of a row, and the value."""
    label, *cells = line.text.split(CELL)
    heads = line.context.split(DASH)[-1].split(CELL)
    names = heads[1:] if len(heads) == len(cells) + 1 else [""] * len(cells)
    for head, cell in zip(names, cells, strict=True):
        if len(cell) > 1 and len(label) > 1:
            yield " ".join(f"{label}: {head} {cell}".split()), cell


def mixed_rows(page: int, lines: Sequence[Line], draw: random.Random) -> Iterator[Pair]:
    """Yield the values of rows under the label of another row of the same table."""
    rows = [line for line in lines if CELL in line.text]
    for row in rows:
        others = [other for other in rows if other.context == row.context and other.text != row.text]
        label = row.text.split(CELL)[0]
        for claim, cell in cells_of(draw.choice(others)) if others else ():
            if cell not in row.text:
                yield Pair(f"{label}: {claim.partition(': ')[2]}", page, "row")


def changed(
    claim: str, page: int, change: str, present: Sequence[str], every: Sequence[str], draw: random.Random
) -> Iterator[Pair]:
    """Yield the claim with one number or name taken from elsewhere on its page."""
    others = [one for one in every if one not in claim]
    if present and others:
        old = draw.choice(present)
        wrong = re.sub(rf"(?<![\w.,]){re.escape(old)}(?![\w])", draw.choice(others), claim, count=1)
        if wrong != claim:
            yield Pair(wrong, page, change)


def contradicted(sentence: str, language: str) -> str:
    """Return a sentence with its negation added or taken away; "" where neither can be done."""
    if AFFIRMED.search(sentence):
        return AFFIRMED.sub("", sentence)
    pattern, denial = DENIED[language]
    return pattern.sub(denial, sentence, count=1) if pattern.search(sentence) else ""


async def pages_of(library: Library, document: Document) -> list[Passage]:
    """Return a document's pages as passages."""
    return [
        Passage(
            id=str(page.number), document_id=document.id, document=document.name, text=page.text, page=page.number,
            last_page=page.number, heading="", permalink="", score=0.0, relevance=0.0,
        )
        for page in await library.pages(document.id, readable_by=EVERYBODY)
    ]  # fmt: skip


async def measure(documents: Path, verifier: Verifier) -> None:
    """Print what the verifier does with all pairs, by language and kind of change."""
    library = await open_for(Settings())
    await add_all(library, documents)
    draw = random.Random(SEED)
    verdicts: dict[tuple[str, str], list[bool]] = {}
    missed: Counter[str] = Counter()
    for document in sorted(await library.documents(EVERYBODY), key=lambda one: one.name):
        for passage in await pages_of(library, document):
            lines = lines_of([passage])
            language = language_of(passage.text, document.language or "en")
            for pair in pairs_of(passage.page, lines, language, draw):
                holds = (await verifier.support(pair.claim, "", [passage], lines)).holds
                verdicts.setdefault((language, pair.change), []).append(holds == pair.is_right)
                if holds != pair.is_right and missed[language + pair.change] < 8:
                    missed[language + pair.change] += 1
                    print(pair.change or "right", "|", pair.claim, file=sys.stderr)
    for (language, change), right in sorted(verdicts.items()):
        print(language, change or "kept", written(share_interval(right)), "of", len(right))
    for language in ("en", "fr"):
        caught = [one for (of, change), right in verdicts.items() if of == language and change for one in right]
        print(language, "caught", written(share_interval(caught)), "of", len(caught))
    await library.aclose()


if __name__ == "__main__":
    asyncio.run(measure(Path(sys.argv[1]), LexicalVerifier()))
