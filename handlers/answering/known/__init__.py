"""What is known before any search: sentences about the documents themselves, answered without a model."""

from collections.abc import Awaitable, Callable, Mapping

from handlers.answering.known.changes import tell_changes, tell_editions
from handlers.answering.known.contents import find_mentions, list_sections, show_page
from handlers.answering.known.facts import count_pages, list_documents, tell_shares, tell_title
from handlers.answering.known.grammar import Known, known_sentence
from handlers.answering.known.statement import Statement
from handlers.answering.known.which import Finder
from handlers.context.history import remember
from handlers.pieces import Pieces, Sources, Text
from handlers.request import Request, Services
from handlers.text.language import requested_language

ABOUT_DOCUMENTS: Mapping[str, Callable[[Known, Finder], Awaitable[Statement | None]]] = {
    "pages": count_pages, "title": tell_title, "shared": tell_shares, "list": list_documents,
    "outline": list_sections, "page": show_page, "mentions": find_mentions,
    "changes": tell_changes, "newest": tell_editions,
}  # fmt: skip


async def known_answer(request: Request, services: Services) -> Pieces | None:
    """Return the answer to a sentence that is known; None for everything else, which the documents may answer."""
    known = known_sentence(request.text)
    if not known:
        return None
    finder = Finder(request, services, requested_language(request.text) or known.language)
    statement = await ABOUT_DOCUMENTS[known.kind](known, finder)
    return told(statement, request, services) if statement else None


async def told(statement: Statement, request: Request, services: Services) -> Pieces:
    """Yield a statement with its sources, and remember it."""
    yield Text(statement.text)
    if statement.sources:
        yield Sources(tuple(statement.sources))
    documents = {*statement.documents, *(source.passage.document_id for source in statement.sources)}
    await remember(request, services, statement.text, documents=sorted(documents))
