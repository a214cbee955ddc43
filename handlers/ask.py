"""Questions to the documents: search, refuse or answer, and show only what a passage supports."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from handlers.answering.answerability import is_answerable, model_log_odds
from handlers.answering.cite import Grounded, nearest
from handlers.answering.condense import condense_question
from handlers.answering.locate import locate_sources
from handlers.answering.prompt import ANSWER_TOKENS, PASSAGES, TASK, PassagePrompt, passages_that_fit
from handlers.answering.translate import OTHER, translate_question
from handlers.answering.verify import Evidence
from handlers.context.generate import stream_reply
from handlers.context.history import recall, remember
from handlers.pieces import Pieces, Progress, Sources, Text, UserError
from handlers.request import Request, Services
from handlers.text.language import request_language, requested_language
from handlers.text.messages import say
from handlers.text.normalize import has_words
from indexing.document import Passage
from indexing.language import language_of

LONGEST_QUESTION = 2000  # characters
NEAREST = 2  # shown with a refusal
DOUBTFUL = 0.5  # rather not found than found: the other language's words are tried


@dataclass(frozen=True)
class Question:
    """What is asked, in which language, and how it is searched for: the phrasing that stands alone first."""

    text: str
    language: str
    phrasings: list[str]

    @property
    def standalone(self) -> str:
        """Return the phrasing that needs no conversation."""
        return self.phrasings[0]


async def ask(request: Request, services: Services) -> Pieces:
    """Answer a question from the documents you may read, with the pages it comes from: `/ask QUESTION`."""
    text = " ".join(request.text.split())
    if not has_words(text):
        raise UserError(say("ask.empty", request_language(request)))
    if len(text) > LONGEST_QUESTION:
        raise UserError(say("ask.too_long", request_language(request), length=len(text), limit=LONGEST_QUESTION))
    question = await understand(replace(request, text=text), services)
    services.report(Progress(say("ask.searching", question.language)))
    passages = await search(question, request, services)
    async with aclosing(answer(question, passages, request, services)) as pieces:
        async for piece in pieces:
            yield piece


async def understand(request: Request, services: Services) -> Question:
    """Return the question with its language and its phrasings, follow-ups made to stand alone."""
    language = requested_language(request.text) or request_language(request)
    history = await recall(request, services)
    phrasings = await condense_question(request.text, history, services.model, language)
    return Question(request.text, language, phrasings)


async def search(question: Question, request: Request, services: Services) -> list[Passage]:
    """Return the passages for a question, best first; found in the other language's words where its own find little."""
    passages = await services.library.search(question.phrasings, readable_by=request.audience, limit=PASSAGES)
    found = relevance(passages)
    if found >= DOUBTFUL:
        return passages
    translation = await in_other_language(question, request, services)
    if not translation:
        return passages
    phrasings = [translation, *question.phrasings]  # the first is what the relevance is of
    passages = await services.library.search(phrasings, readable_by=request.audience, limit=PASSAGES)
    return [replace(passage, relevance=max(found, passage.relevance)) for passage in passages]


async def in_other_language(question: Question, request: Request, services: Services) -> str:
    """Return the question's translation where documents are in the other language; "" for none."""
    asked_in = language_of(question.standalone, question.language)
    if not await services.library.count_documents(request.audience, language=OTHER[asked_in]):
        return ""
    return await translate_question(question.standalone, asked_in, services.model)


def relevance(passages: Sequence[Passage]) -> float:
    """Return how likely the passages answer, as far as the search can tell."""
    return max((passage.relevance for passage in passages), default=0.0)


async def answer(question: Question, passages: Sequence[Passage], request: Request, services: Services) -> Pieces:
    """Yield the answer with its sources, or say that the documents do not answer."""
    if not passages and not await services.library.count_documents(request.audience):
        yield Text(say("ask.no_document", question.language))
        return
    found = relevance(passages)
    if found < services.library.floor:
        async for piece in refusal(question, passages, request, services):
            yield piece
        return
    reading = PassagePrompt(question.standalone, question.language, passages_that_fit(passages, services))
    evidence = Evidence(question.standalone, reading.passages, services.library.embedder, question.language)
    grounded = Grounded(evidence)
    async with aclosing(written_answer(reading, grounded, found, services)) as pieces:
        async for piece in pieces:
            yield piece
    if not grounded.is_supported:
        async for piece in refusal(question, passages, request, services):
            yield piece
        return
    sources = await locate_sources(grounded.sources, request, services)
    yield Sources(sources)
    documents = sorted({source.passage.document_id for source in sources})
    await remember(request, services, grounded.text, documents=documents, standalone=question.standalone)


async def written_answer(
    reading: PassagePrompt, grounded: Grounded, relevance: float, services: Services
) -> AsyncGenerator[Text, None]:
    """Yield the model's answer, each sentence checked; nothing where search and model together doubt that there is one.

    The passages are prepared while the model reads. `relevance` is the search's probability.
    """
    grounded.evidence.start()
    language = reading.language
    services.report(Progress(say("ask.reading", language, count=len(reading.passages))))
    try:
        odds = await model_log_odds(reading, services)
        if not is_answerable(relevance, odds, services.library.threshold):
            return
        messages = reading.then(TASK[language])
        stream = stream_reply(services, messages, language, max_tokens=ANSWER_TOKENS, temperature=0.0)
        async with aclosing(stream), aclosing(grounded.check(stream)) as sentences:
            async for sentence in sentences:
                yield sentence
        if not grounded.is_supported and not grounded.denied and (quotation := await grounded.quotation()):
            yield Text(quotation)
    finally:
        grounded.evidence.stop()


async def refusal(question: Question, passages: Sequence[Passage], request: Request, services: Services) -> Pieces:
    """Say that the documents do not answer, with the nearest passages to look at; nothing where nobody asked us."""
    if request.unasked:
        return
    sentence = say("ask.refused", question.language)
    yield Text(sentence)
    evidence = Evidence(question.standalone, passages[:NEAREST], services.library.embedder, question.language)
    if sources := nearest(evidence):
        yield Text(f" {say('ask.nearest', question.language)}")
        yield Sources(await locate_sources(sources, request, services))
    documents = sorted({source.passage.document_id for source in sources})
    await remember(request, services, sentence, documents=documents, standalone=question.standalone)
