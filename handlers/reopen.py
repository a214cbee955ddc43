"""A question that could not be answered, asked again because a document came: answered once, or passed over."""

from collections.abc import Collection
from contextlib import aclosing, suppress
from datetime import UTC, datetime

from handlers.answering import answer
from handlers.pieces import Piece, Pieces, Sources, Text, UserError
from handlers.ports import OpenQuestion
from handlers.request import Request, Services
from handlers.text.messages import say
from indexing.audience import Audience

ACTION = "reopen"
MOST_LOOKED_UP, MOST_TRIED = 200, 10  # questions, when documents came: a search each, and some seconds of the model


def again(question: OpenQuestion, document_id: str, team: str) -> Request:
    """Return the request to try a kept question once more, in its own thread, on a document that came."""
    return Request(
        id=f"{question.id}:{document_id[:12]}", action=ACTION, team=team, channel=question.channel,
        thread=question.thread, user=question.user, text=question.text, language=question.language,
        document=document_id, unasked=True,
    )  # fmt: skip


async def may_answer(question: OpenQuestion, documents: Collection[str], channel: str, services: Services) -> str:
    """Return which of the documents that came in this channel the search finds a question's answer in; "" for none."""
    passages = await services.library.search([question.text], readable_by=Audience(frozenset({channel})))
    likely = [passage for passage in passages if passage.relevance >= services.library.threshold]
    return next((passage.document_id for passage in likely if passage.document_id in documents), "")


async def reopen(request: Request, services: Services) -> Pieces:
    """Answer a question of yours that I could not answer before, once a document that answers it is here."""
    question = await services.questions.get(request.channel, request.id.rpartition(":")[0])
    if question is None:
        return
    pieces: list[Piece] = []
    with suppress(UserError):
        async with aclosing(answer(request, services)) as given:
            pieces = [piece async for piece in given]
    sources = [source for piece in pieces if isinstance(piece, Sources) for source in piece.sources]
    if request.document not in {source.passage.document_id for source in sources}:
        return
    services.trail.closed = question.id
    day = datetime.fromtimestamp(question.at, UTC).date().isoformat()
    yield Text(say("reopen.now", request.language, question=" ".join(question.text.split()), day=day))
    for piece in pieces:
        yield piece
