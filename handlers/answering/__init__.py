"""From a question to an answer with its sources; `answer` reads as the list of the steps, each in a file here."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from handlers.answering.answerability import JudgedLine, is_answerable, judge_lines
from handlers.answering.cite import Grounded, nearest
from handlers.answering.conflict import conflict_of
from handlers.answering.known.which import Finder
from handlers.answering.lines import Line, lines_of
from handlers.answering.locate import locate_sources, places_of
from handlers.answering.prompt import ANSWER_TOKENS, LinePrompt
from handlers.answering.quote import lines_to_quote
from handlers.answering.rank import rank_lines
from handlers.answering.retrieve import Found, Question, retrieve_passages, understand
from handlers.answering.verify import LexicalVerifier
from handlers.calibration import Card
from handlers.context.generate import stream_reply
from handlers.context.history import remember
from handlers.pieces import Pieces, Progress, Source, Sources, Text
from handlers.request import Request, Services
from handlers.text.messages import say

MOST_NEAREST = 3  # passages shown with a refusal


@dataclass(frozen=True)
class Reading:
    """A question with what was read for it."""

    question: Question
    found: Found
    judged: Sequence[JudgedLine]  # the likeliest first

    @property
    def prompt(self) -> LinePrompt:
        """Return the question as the model is asked it."""
        return LinePrompt(self.question.standalone, self.question.language, self.found.passages)

    @property
    def likeliest(self) -> list[Line]:
        """Return the lines that the model was asked about."""
        return [one.line for one in self.judged]

    def answering(self, card: Card) -> list[Line]:
        """Return the lines that answer as surely as is asked for: only these may bear what the model writes."""
        return [one.line for one in self.judged if one.probability >= card.threshold]


async def answer(request: Request, services: Services) -> Pieces:
    """Yield the answer to a request's question with its sources, or say that the documents do not answer."""
    question = await understand(request, services)
    services.report(Progress(say("ask.searching", question.language)))
    found = await retrieve_passages(question, request, services)
    if not found.passages and not await services.library.count_documents(request.audience):
        services.trail.unanswered = question.standalone
        yield Text(say("ask.no_document", question.language))
        return
    ranked = (await rank_lines(found, services.library.embedder, services.reader))[: services.budget.lines]
    places = places_of([found.passages[one.line.passage] for one in ranked])
    services.report(Progress(say("ask.looking", question.language, places=places)))
    prompt = LinePrompt(question.standalone, question.language, found.passages)
    reading = Reading(question, found, await judge_lines(prompt, ranked, found.probability, services))
    speak = supported if is_answerable(reading.judged, services.card) else refusal
    async with aclosing(speak(reading, request, services)) as pieces:
        async for piece in pieces:
            yield piece


async def supported(reading: Reading, request: Request, services: Services) -> Pieces:
    """Yield what the model writes and a line bears, else the lines themselves; then the sources."""
    question, passages = reading.question, reading.found.passages
    lines = lines_of(passages)
    finder = Finder(request, services, question.language)
    if conflict := await conflict_of(reading.judged[0].line, passages, question.standalone, finder):
        yield Text(conflict.text)
        sources = await locate_sources(conflict.sources, request, services)
        yield Sources(sources)
        await keep(conflict.text, sources, question, request, services)
        return
    grounded = Grounded(
        LexicalVerifier(), question.standalone, question.language, passages, reading.answering(services.card)
    )
    if services.card.writes:
        async with aclosing(written_sentences(grounded, reading, services)) as sentences:
            async for sentence in sentences:
                yield sentence
    if not grounded.is_supported:
        yield Text(grounded.quote(lines_to_quote(reading.judged, lines, passages)))
    sources = await locate_sources(grounded.sources, request, services)
    yield Sources(sources)
    await keep(grounded.text, sources, question, request, services)


async def written_sentences(grounded: Grounded, reading: Reading, services: Services) -> AsyncGenerator[Text, None]:
    """Yield the model's answer, each sentence checked."""
    messages = reading.prompt.answer(reading.likeliest)
    language = reading.question.language
    stream = stream_reply(services, messages, language, max_tokens=ANSWER_TOKENS, temperature=0.0)
    async with aclosing(stream), aclosing(grounded.check(stream)) as sentences:
        async for sentence in sentences:
            yield sentence


async def refusal(reading: Reading, request: Request, services: Services) -> Pieces:
    """Say that the documents do not answer, with the nearest lines to look at; nothing where nobody asked us."""
    if request.unasked:
        return
    question = reading.question
    services.trail.unanswered = question.standalone
    sentence = say("ask.refused", question.language)
    yield Text(sentence)
    sources = await locate_sources(nearest(reading.found.passages, reading.likeliest, MOST_NEAREST), request, services)
    if sources:
        yield Text(f" {say('ask.nearest', question.language)}")
        yield Sources(sources)
    await keep(sentence, sources, question, request, services)


async def keep(text: str, sources: Sequence[Source], question: Question, request: Request, services: Services) -> None:
    """Remember what was answered, and from which documents."""
    documents = sorted({source.passage.document_id for source in sources})
    await remember(request, services, text, documents=documents, standalone=question.standalone)
