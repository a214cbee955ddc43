"""How good the answers are: right, wrong or refused, the language, the citations, the seconds."""

import re
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage

from bot.engine import open_chat_model
from bot.models.auto import for_this_machine
from bot.models.fetch import fetch_embeddings, fetch_llm
from bot.services import model_card
from bot.settings import Settings
from handlers.answering.cite import Sentences, bare, cited
from handlers.ask import ask
from handlers.pieces import Source, Sources, Text
from handlers.request import Request, Services
from handlers.text.messages import texts
from handlers.text.overlap import content, digits, numbers
from indexing.audience import Audience
from indexing.language import language_of
from indexing.library import Library
from indexing.line_reader import LineReader
from tests.evaluation.intervals import share_interval, written
from tests.evaluation.questions import Question, chain_of
from tests.evaluation.scoring import Verdict, is_right, misled, verdict_of
from tests.handlers.fakes import NoFiles, NoMessages, Remembered

HALF = 0.5  # of a sentence's content words: fewer in the cited passage is not support


@dataclass
class Answered:
    """One question with what was shown for it."""

    question: Question
    text: str = ""
    sources: list[Source] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """Return whether it was answered rightly, wrongly or not."""
        return verdict_of(self.question, self.text, texts("ask")["refused"].values())

    @property
    def is_quoted(self) -> bool:
        """Tell whether the right answer stands in the quotes, whatever the text says."""
        quotes = " ".join(source.quote for source in self.sources)
        return self.question.answerable and is_right(self.question, quotes)

    @property
    def language_is_right(self) -> bool:
        """Tell whether the text is in the question's language, what it quotes left out."""
        prose = bare(re.sub(r"[`“«\"][^`”»\"]*[`”»\"]|^> .*$|\S*[/\\_@~.]\S+", " ", self.text, flags=re.MULTILINE))
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
    claim = bare(sentence)
    return digits(claim) <= numbers(whole) and content(claim).covered_by(content(whole)) >= HALF


async def generate_figures(
    library: Library, audience: Audience, asked: Sequence[Question], every: Mapping[str, Question], settings: Settings
) -> dict[str, dict[str, Any]]:
    """Ask every question of the handler itself; return the figures of each language."""
    async with services_of(library, settings) as services:
        answers = [await answered(one, every, audience, services) for one in asked]
    return {lang: figures([a for a in answers if a.question.lang == lang]) for lang in sorted({a.lang for a in asked})}


@asynccontextmanager
async def services_of(library: Library, settings: Settings) -> AsyncIterator[Services]:
    """Give what a handler needs to answer from documents: the library and the language model."""
    llm = for_this_machine(settings.llm)[0]
    path = None if llm.url else fetch_llm(llm.model, settings.cache_dir)
    model = await open_chat_model(llm, path)
    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    reader = await LineReader.open(folder, settings.cache_dir, settings.embeddings.threads)
    card = model_card(settings)
    try:
        yield Services(
            model=model, count_tokens=model.count_tokens, context_tokens=model.context_tokens, memory=Remembered(),
            library=library, files=NoFiles(), messages=NoMessages(), classifier=None, encoder=None,  # type: ignore[arg-type]
            data_dir=Path(), card=card if reader else card.without_reader(), reader=reader,
        )  # fmt: skip
    finally:
        await model.aclose()
        if reader:
            await reader.aclose()


async def answered(
    question: Question, every: Mapping[str, Question], audience: Audience, services: Services
) -> Answered:
    """Put one question to the handler, in a thread in which those before it were answered rightly."""
    request = Request(
        id=question.id, action="ask", team="T", channel="C", user="U", text=question.question, ts=question.id,
        thread=question.id, audience=audience,
    )  # fmt: skip
    for before in chain_of(question, every):
        question_turn = HumanMessage(before.question, id=f"{before.id}:q")
        answer_turn = AIMessage(before.answer or "-", id=f"{before.id}:a")
        await services.memory.add(request.conversation, [question_turn, answer_turn])
    started = time.monotonic()
    result = Answered(question)
    async with aclosing(ask(request, services)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Text):
                result.text += piece.markdown
            elif isinstance(piece, Sources):
                result.sources += piece.sources
    result.seconds = time.monotonic() - started
    tell(result)
    return result


def tell(result: Answered) -> None:
    """Write a line on a question for those who watch."""
    question = result.question
    marks = f"{result.verdict}{' misled' if misled(question, result.text) else ''}{' quoted' * result.is_quoted}"
    print(f"{question.id} {question.kind} {result.seconds:.1f}s {marks}\n  {question.question} -> {question.answer}\n"
          f"  {result.text!r}", file=sys.stderr, flush=True)  # fmt: skip


def figures(answers: Sequence[Answered]) -> dict[str, Any]:
    """Return the figures of one language, each share with its 95 % interval."""
    answerable = [a for a in answers if a.question.answerable]
    unanswerable = [a for a in answers if not a.question.answerable]
    shown = [a for a in answers if a.verdict != "refused"]
    citations = [is_supported(*pair) for a in shown for pair in a.citations()]
    return {
        "generated": len(answers),
        "right": of(a.verdict == "right" for a in answerable),
        "refused_wrong": of(a.verdict == "refused" for a in answerable),
        "refused_wrong_but_quoted": of(a.verdict == "refused" and a.is_quoted for a in answerable),
        "refused_right": of(a.verdict == "refused" for a in unanswerable),
        "wrong_of_shown": of(a.verdict == "wrong" for a in shown),
        "misled_of_shown": of(misled(a.question, a.text) for a in shown),
        "citations_supported": of(citations),
        "language_right": of(a.language_is_right for a in answers),
        "words_median": median(len(a.text.split()) for a in shown) if shown else 0,
        "seconds_median": round(median(a.seconds for a in answers), 1) if answers else 0.0,
        "kinds": {kind: kind_figures(kind, answers) for kind in sorted({a.question.kind for a in answers})},
    }


def kind_figures(kind: str, answers: Sequence[Answered]) -> dict[str, int]:
    """Return how many answers of one kind of question were right, wrong and refused."""
    verdicts = [a.verdict for a in answers if a.question.kind == kind]
    return {verdict: verdicts.count(verdict) for verdict in ("right", "wrong", "refused")}  # type: ignore[arg-type]


def of(yes: Any) -> str:
    """Return a share with its interval, and of how many."""
    listed = [bool(one) for one in yes]
    return f"{written(share_interval(listed))} of {len(listed)}"
