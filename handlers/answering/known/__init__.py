"""What is known before any search: sentences about documents, about Folio itself, and what is to be translated."""

from collections.abc import Awaitable, Callable, Mapping

from handlers.answering.known.changes import tell_changes, tell_editions
from handlers.answering.known.contents import find_mentions, list_sections, show_page
from handlers.answering.known.facts import count_pages, list_documents, tell_shares, tell_title
from handlers.answering.known.folio import speak_of_itself, tell_removal
from handlers.answering.known.grammar import TO_FOLIO, Known, known_sentences
from handlers.answering.known.statement import Statement
from handlers.answering.known.translate import translate, translation_of, wish_with_text
from handlers.answering.known.which import Finder
from handlers.context.history import remember
from handlers.pieces import Pieces, Sources, Text
from handlers.request import Request, Services
from handlers.text.language import requested_language

ABOUT_DOCUMENTS: Mapping[str, Callable[[Known, Finder], Awaitable[Statement | None]]] = {
    "pages": count_pages, "title": tell_title, "shared": tell_shares, "list": list_documents,
    "outline": list_sections, "page": show_page, "mentions": find_mentions,
    "changes": tell_changes, "newest": tell_editions, "remove": tell_removal,
}  # fmt: skip


async def known_answer(request: Request, services: Services) -> Pieces | None:
    """Return the answer to a sentence that is known; None for everything else, which the documents may answer."""
    known = known_sentences(request.text)
    if not known:
        wish = wish_with_text(request.text)
        return await translated(*wish, request, services) if wish else None
    first = known[0]
    if first.kind == "translate":
        return await translated(first, "", request, services)
    if request.forwarded:  # what is asked is about the words that came along
        return None
    finder = Finder(request, services, requested_language(request.text) or first.language)
    if first.kind in TO_FOLIO:
        return told(speak_of_itself(known, finder.language), request, services)
    statement = await ABOUT_DOCUMENTS[first.kind](first, finder)
    return told(statement, request, services) if statement else None


async def told(statement: Statement, request: Request, services: Services) -> Pieces:
    """Yield a statement with its sources, and remember it."""
    yield Text(statement.text)
    if statement.sources:
        yield Sources(tuple(statement.sources))
    documents = {*statement.documents, *(source.passage.document_id for source in statement.sources)}
    await remember(request, services, statement.text, documents=sorted(documents))


async def translated(known: Known, given: str, request: Request, services: Services) -> Pieces:
    """Return the translation of what is meant."""
    finder = Finder(request, services, known.language)
    return translate(await translation_of(known, given, finder), request, services, known.language)
