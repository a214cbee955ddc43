"""What is asked, and the passages that were found for it: in the words of the thread and in both languages."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.answering.condense import condense_question
from handlers.answering.translate import OTHER, translate_question
from handlers.context.history import recall
from handlers.request import Request, Services
from handlers.text.language import request_language, requested_language
from indexing.document import Passage
from indexing.language import language_of

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


@dataclass(frozen=True)
class Found:
    """The passages for a question, best first, and how likely they answer as far as the search can tell."""

    passages: Sequence[Passage]
    probability: float
    asked: Sequence[str]  # the question and, where it was searched for, its translation


async def understand(request: Request, services: Services) -> Question:
    """Return the question with its language and its phrasings, follow-ups made to stand alone."""
    language = requested_language(request.text) or request_language(request)
    history = await recall(request, services)
    phrasings = await condense_question(request.text, history, services.model, language)
    return Question(request.text, language, phrasings)


async def retrieve_passages(question: Question, request: Request, services: Services) -> Found:
    """Return the passages for a question, best first; found in the other language's words where its own find little."""
    limit = services.budget.passages
    passages = await services.library.search(question.phrasings, readable_by=request.audience, limit=limit)
    probability = relevance(passages)
    if probability >= DOUBTFUL:
        return Found(passages, probability, [question.standalone])
    translation = await in_other_language(question, request, services)
    if not translation:
        return Found(passages, probability, [question.standalone])
    phrasings = [translation, *question.phrasings]  # the search's probability is that of the first
    passages = await services.library.search(phrasings, readable_by=request.audience, limit=limit)
    return Found(passages, max(probability, relevance(passages)), [question.standalone, translation])


async def in_other_language(question: Question, request: Request, services: Services) -> str:
    """Return the question's translation where documents are in the other language; "" for none."""
    asked_in = language_of(question.standalone, question.language)
    if not await services.library.count_documents(request.audience, language=OTHER[asked_in]):
        return ""
    return await translate_question(question.standalone, asked_in, services.model)


def relevance(passages: Sequence[Passage]) -> float:
    """Return how likely the passages answer, as far as the search can tell."""
    return max((passage.relevance for passage in passages), default=0.0)
