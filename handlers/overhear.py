"""Questions that people put under a document: answered if the document answers them, else passed over in silence."""

from contextlib import aclosing, suppress

from handlers import ask as asking
from handlers.answering.retrieve import relevance
from handlers.pieces import Pieces, UserError
from handlers.request import Request, Services
from indexing.audience import Audience


async def overhear(request: Request, services: Services) -> Pieces:
    """Answer a question below a document that was dropped here, if the document answers it; else say nothing."""
    if len(request.text) > asking.LONGEST_QUESTION or not await is_answered_here(request, services):
        return
    with suppress(UserError):  # a sentence about what is wrong would be an answer to somebody who asked us
        async with aclosing(asking.ask(request, services)) as pieces:
            async for piece in pieces:
                yield piece


async def is_answered_here(request: Request, services: Services) -> bool:
    """Tell whether the search finds the question's answer in a document that this thread hangs on."""
    library, here = services.library, (request.channel, request.thread)
    if request.thread == request.ts:  # put to everybody in the channel
        documents_here = Audience(frozenset({request.channel}) & request.audience.channels)
        passages = await library.search([request.text], readable_by=documents_here, limit=1)
        return relevance(passages) >= library.threshold
    for document in await library.documents_of_message(*here, readable_by=request.audience):
        passages = await library.search([request.text], readable_by=request.audience, limit=1, document_id=document.id)
        if relevance(passages) >= library.threshold:
            return True
    return False
