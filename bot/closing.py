"""What a turn means for the questions that could not be answered: one more, one fewer, or a document to try them on."""

import time

import structlog

from bot.queue.queue import Queue
from handlers.context.trail import Trail
from handlers.ports import OpenQuestion
from handlers.reopen import ACTION, MOST_LOOKED_UP, MOST_TRIED, again, may_answer
from handlers.request import Request, Services

logger = structlog.get_logger()


async def after_turn(request: Request, trail: Trail, services: Services, queue: Queue) -> None:
    """Keep what could not be answered, let go of what was, and have open questions tried on what was added."""
    if trail.unanswered and request.thread and not request.unasked:
        await services.questions.keep(question_of(request, trail.unanswered))
    elif trail.closed or request.thread:  # answered now: by a document that came, or because it was edited
        await services.questions.drop(request.channel, trail.closed or request.id)
    if trail.unanswered and not request.unasked:
        await services.figures.add("unanswered")
    if trail.unread_pages:
        await services.figures.add("unread_pages", trail.unread_pages)
    if trail.added:
        await try_on(frozenset(trail.added), request, services, queue)


async def try_on(documents: frozenset[str], request: Request, services: Services, queue: Queue) -> None:
    """Ask again, in the background, what documents that came here may answer; who may read them is seen then."""
    count = 0
    for question in (await services.questions.all())[:MOST_LOOKED_UP]:
        if document_id := await may_answer(question, documents, request.channel, services):
            await queue.put(again(question, document_id, request.team))
            count += 1
        if count == MOST_TRIED:
            break
    if count:
        logger.info("open questions tried", action=ACTION, count=count)


def question_of(request: Request, text: str) -> OpenQuestion:
    """Return what is kept of a question."""
    return OpenQuestion(
        id=request.id, channel=request.channel, thread=request.thread, user=request.user, text=text,
        language=request.language, at=time.time(),
    )  # fmt: skip
