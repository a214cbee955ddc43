"""Questions that people put under a document: answered if the document answers them, else passed over in silence."""

from contextlib import aclosing, suppress

from handlers import ask as asking
from handlers.pieces import Pieces, UserError
from handlers.request import Request, Services
from indexing.document import Document


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
    for document in await documents_here(request, services):
        passages = await services.library.search(
            [request.text], readable_by=request.audience, limit=1, document_id=document.id
        )
        if asking.relevance(passages) >= services.library.threshold:
            return True
    return False


async def documents_here(request: Request, services: Services) -> list[Document]:
    """Return the documents that were shared in the message this thread hangs on."""
    here = (request.channel, request.thread)
    documents = await services.library.documents(request.audience)
    return [one for one in documents if any((share.channel, share.ts) == here for share in one.shares)]
