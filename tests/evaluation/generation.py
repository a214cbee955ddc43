"""How good the answers are: the gold answer contained, the language right, the citations supported."""

import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.engine import open_chat_model
from bot.models.presets import fetch_llm
from bot.settings import Settings
from handlers.answering.cite import Sentences, bare, cited
from handlers.answering.prompt import passages_that_fit
from handlers.ask import answer, search, understand
from handlers.pieces import Source, Sources, Text
from handlers.request import Request, Services
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from handlers.text.overlap import content, digits, numbers
from indexing.audience import Audience
from indexing.document import Passage
from indexing.language import language_of
from indexing.library import Library
from tests.handlers.fakes import NoFiles, NoMessages, Remembered

HALF = 0.5  # of a sentence's content words: fewer in the cited passage is not support


@dataclass
class Answered:
    """One question with what was shown for it."""

    question: Any  # tests.evaluation.answers.Question
    gold_was_given: bool
    text: str = ""
    sources: list[Source] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_refusal(self) -> bool:
        return say("ask.refused", self.question.lang) in self.text

    @property
    def contains_gold(self) -> bool:
        """Tell whether the gold answer is contained, after folding, as the questions were made for."""
        shown = letters_only(self.text)
        return bool(self.question.answer) and letters_only(self.question.answer) in shown

    @property
    def language_is_right(self) -> bool:
        prose = bare(re.sub(r"[`“«\"][^`”»\"]*[`”»\"]|\S*[/\\_@~.]\S+", " ", self.text))
        return bool(language_of(prose, self.question.lang) == self.question.lang)

    def citations(self) -> list[tuple[str, Source]]:
        """Return each cited sentence with each source it cites."""
        known = {source.number: source for source in self.sources}
        sentences = Sentences()
        whole = [*sentences.add(self.text), *sentences.rest()]
        return [(sentence, known[number]) for sentence in whole for number in cited(sentence) if number in known]


def is_supported(sentence: str, source: Source) -> bool:
    """Tell whether a passage has a sentence's figures and at least half of its content words.

    Simpler than what decides while an answer goes out, and without the embedding model.
    """
    passage = source.passage
    whole = f"{passage.document}\n{passage.heading}\n{passage.text}"
    said = bare(sentence)
    return digits(said) <= numbers(whole) and content(said).covered_by(content(whole)) >= HALF


async def generate_figures(
    library: Library, audience: Audience, asked: Sequence[Any], settings: Settings, *, every: int = 1
) -> dict[str, dict[str, Any]]:
    """Ask every question (or every n-th) of the handler itself; return the figures of each language."""
    async with services_of(library, settings) as services:
        answers = [await answered(one, audience, services) for one in asked[::every]]
    return {lang: figures([a for a in answers if a.question.lang == lang]) for lang in sorted({a.lang for a in asked})}


@asynccontextmanager
async def services_of(library: Library, settings: Settings) -> AsyncIterator[Services]:
    """Give what a handler needs to answer from documents: the library and the language model."""
    path = None if settings.llm.url else fetch_llm(settings.llm.model, settings.cache_dir)
    model = await open_chat_model(settings.llm, path)
    try:
        yield Services(
            model=model, count_tokens=model.count_tokens, context_tokens=model.context_tokens, memory=Remembered(),
            library=library, files=NoFiles(), messages=NoMessages(), classifier=None, encoder=None,  # type: ignore[arg-type]
            data_dir=Path(),
        )  # fmt: skip
    finally:
        await model.aclose()


async def answered(question: Any, audience: Audience, services: Services) -> Answered:
    """Put one question to the handler."""
    request = Request(
        id=question.id, action="ask", team="T", channel="C", user="U", text=question.question, ts=question.id,
        thread=question.id, audience=audience,
    )  # fmt: skip
    started = time.monotonic()
    understood = await understand(request, services)
    passages = await search(understood, request, services)
    found = Answered(question, any(has_gold(question, passage) for passage in passages_that_fit(passages, services)))
    async with aclosing(answer(understood, passages, request, services)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Text):
                found.text += piece.markdown
            elif isinstance(piece, Sources):
                found.sources += piece.sources
    found.seconds = time.monotonic() - started
    told(found)
    return found


def has_gold(question: Any, passage: Passage) -> bool:
    """Tell whether a passage is of the gold page."""
    same = question.pdf is not None and Path(passage.document).name == Path(question.pdf).name
    return same and passage.page <= int(question.page or 0) <= passage.last_page


def told(found: Answered) -> None:
    """Write a line on a question for those who watch."""
    question = found.question
    marks = {
        "given": found.gold_was_given, "refused": found.is_refusal, "gold": found.contains_gold,
        "language": found.language_is_right,
        "citations": [is_supported(*pair) for pair in found.citations()] if not found.is_refusal else [],
    }  # fmt: skip
    print(f"{question.id} {found.seconds:.1f}s {marks}\n  {question.question} -> {question.answer}\n  {found.text!r}",
          file=sys.stderr, flush=True)  # fmt: skip


def figures(answers: Sequence[Answered]) -> dict[str, Any]:
    """Return the figures of one language."""
    retrieved = [a for a in answers if a.question.answerable and a.gold_was_given]
    unanswerable = [a for a in answers if not a.question.answerable]
    shown = [a for a in answers if not a.is_refusal]
    citations = [is_supported(*pair) for a in shown for pair in a.citations()]
    return {
        "generated": len(answers),
        "gold_given": len(retrieved),
        "contained": share_of(a.contains_gold for a in retrieved),
        "refused_right": share_of(a.is_refusal for a in unanswerable),
        "refused_wrong": share_of(a.is_refusal for a in answers if a.question.answerable),
        "citations": len(citations),
        "citations_supported": share_of(citations),
        "citations_shown": share_of(bool(a.citations()) for a in shown),
        "language_right": share_of(a.language_is_right for a in answers),
        "seconds_median": round(sorted(a.seconds for a in answers)[len(answers) // 2], 1) if answers else 0.0,
    }


def share_of(yes: Any) -> float:
    """Return the share of yes."""
    listed = list(yes)
    return round(float(sum(listed)) / max(1, len(listed)), 3)
