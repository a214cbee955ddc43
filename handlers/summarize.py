"""Summaries: the whole document is read, in parts where it is long, and every point has its pages."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from handlers.context.documents import (
    documents_named,
    documents_within,
    is_stem,
    is_whole,
    last_shared,
    names_of,
    unknown_document,
)
from handlers.context.history import remember
from handlers.context.ingest import NotIngested, ingest
from handlers.pieces import Pieces, Progress, Source, Sources, Text, UserError
from handlers.request import Request, Services
from handlers.summarizing.by_section import points_by_section, summary_by_section
from handlers.summarizing.methods import Work, map_reduce, refine, stuff
from handlers.summarizing.points import Part, SummaryPoint, page_range, parts_of
from handlers.summarizing.scope import Scope, scope_of
from handlers.summarizing.sections import sections_within, units_of
from handlers.summarizing.wish import Wish, wish_of
from handlers.text.language import request_language, text_language
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from indexing.document import Document, Passage
from indexing.library import Page

PART_TOKENS = 1800  # 25 seconds of reading on two cores; several go side by side
PROMPT_TOKENS = 200
METHODS = {"stuff": stuff, "map_reduce": map_reduce, "refine": refine}


async def summarize(request: Request, services: Services) -> Pieces:
    """Summarize a document with its pages: `/summarize [file] [chapter 3] [pages 2 to 3] [in three points]`."""
    if request.message_ts and not request.files:
        async with aclosing(of_message(request, services)) as pieces:
            async for piece in pieces:
                yield piece
        return
    if request.message_ts:  # a shortcut on a message with files: its text is not a name
        request = replace(request, text="")
    wish = await wish_for(request, services)
    if request.forwarded and not wish.name:
        async with aclosing(of_forwarded(wish, request, services)) as pieces:
            async for piece in pieces:
                yield piece
        return
    documents = await chosen(wish, request, services)
    for place, document in enumerate(documents):
        if place:
            yield Text("\n\n")
        async with aclosing(summarize_document(document, wish, request, services)) as pieces:
            async for piece in pieces:
                yield piece


async def wish_for(request: Request, services: Services) -> Wish:
    """Return what is wished; words that are the whole name of a document ("Lease, part 2") wish for no part of one."""
    wish = wish_of(request.text)
    if wish.section or any(wish.pages):
        called = letters_only(request.text)
        for document in await services.library.documents(request.audience):
            if any(is_whole(called, name) or is_stem(called, name) for name in names_of(document)):
                return Wish(document.name, "", "")
    return wish


async def of_documents(request: Request, document_ids: Sequence[str], services: Services) -> Pieces:
    """Summarise these documents one after the other."""
    for document_id in document_ids:
        if document := await services.library.document(document_id, readable_by=request.audience):
            async with aclosing(summarize_document(document, wish_of(request.text), request, services)) as pieces:
                async for piece in pieces:
                    yield piece
            yield Text("\n\n")


async def chosen(wish: Wish, request: Request, services: Services) -> list[Document]:
    """Return the documents that are meant: those of the message's files, the named one, or the last one shared here."""
    if request.files:
        return [await document_of(file_id, request, services) for file_id in request.files]
    documents = await services.library.documents(request.audience)
    language = wish.language or text_language(request.text, request.language)
    if not documents:
        raise UserError(say("docs.none", language))
    if wish.name:
        named = documents_named(wish.name, documents) or documents_within(request.text, documents)
        if not named:
            raise unknown_document(wish.name, documents, language)
        return named[:1]
    last = await last_shared(request, services)
    return [last] if last else []


async def document_of(file_id: str, request: Request, services: Services) -> Document:
    """Return the document of a file that came along."""
    outcome = await ingest(file_id, request, services)
    if isinstance(outcome, NotIngested):
        raise UserError(outcome.sentence)
    return outcome.receipt.document


async def summarize_document(document: Document, wish: Wish, request: Request, services: Services) -> Pieces:
    """Yield the summary of one document: a head line, its points with their pages, and what was covered."""
    language = wish.language or document.language or request.language
    scope = await scope_of(document, wish, request, services, language)
    if not any(page.text.strip() for page in scope.pages):
        raise UserError(say("files.no_text", language))
    services.report(Progress(say("summarize.reading", language, name=document.name, pages=len(scope.pages))))
    write = by_method if wish.method else by_section
    text = await write(document, scope, wish, request, services)
    yield Text(text)
    yield Sources((whole(document),))
    await remember(request, services, text, documents=[document.id])


async def by_section(document: Document, scope: Scope, wish: Wish, request: Request, services: Services) -> str:
    """Return a point or two of each section; written in the document's language, so that they can be checked."""
    written_in = document.language or wish.language or request.language
    work = replace(work_of(services, written_in, ""), wished_points=wish.points, reader=wish.reader)
    sections = await services.library.outline(document.id, readable_by=request.audience)
    units = units_of(sections_within(sections, scope), scope.pages, scope.title)
    language = wish.language or written_in
    summary = await points_by_section(units, language, work)
    text = summary_by_section(summary, units, document, titled(document, scope), language)
    return f"{text}{silent_note(document, scope, language)}"


def silent_note(document: Document, scope: Scope, language: str) -> str:
    """Return how many pages of the whole document have no text; "" for none."""
    silent = document.pages - document.pages_with_text
    if silent <= 0 or len(scope.pages) < document.pages_with_text:
        return ""
    return f" _{say('summarize.pages_silent', language, count=silent)}_"


async def by_method(document: Document, scope: Scope, wish: Wish, request: Request, services: Services) -> str:
    """Return a summary by the method that is wished."""
    language = wish.language or document.language or request.language
    work = replace(work_of(services, language, wish.method), wished_points=wish.points, reader=wish.reader)
    parts = parts_of(scope.pages, services.count_tokens, work.part_tokens)
    method = method_for(parts, wish.method)
    points = await METHODS[method](parts, work)
    return summary_text(document, points, scope, method, language)


def titled(document: Document, scope: Scope) -> str:
    """Return what is summarised."""
    return f"{document.name}, {scope.title}" if scope.title else document.name


async def of_forwarded(wish: Wish, request: Request, services: Services) -> Pieces:
    """Yield the points of what was forwarded with the request."""
    language = wish.language or request_language(request)
    text = await points_of(request.forwarded, wish.method, language, services)
    yield Text(text)
    await remember(request, services, text)


async def of_message(request: Request, services: Services) -> Pieces:
    """Yield the points of the message that a shortcut was used on; it has no pages."""
    yield Text(await points_of(request.text, "", text_language(request.text, request.language), services))


async def points_of(text: str, method: str, language: str, services: Services) -> str:
    """Return the points of a text without pages, as a list."""
    parts = parts_of([Page(number=1, text=text)], services.count_tokens, part_tokens(services, method))
    if not parts:
        raise UserError(say("summarize.empty_message", language))
    points = await METHODS[method_for(parts, method)](parts, work_of(services, language, method))
    return "\n".join(f"- {point.text}" for point in points) or say("summarize.nothing", language)


def work_of(services: Services, language: str, method: str) -> Work:
    """Return what the methods share."""
    most = part_tokens(services, method)
    return Work(services.model, services.count_tokens, language, most, services.report)


def part_tokens(services: Services, method: str) -> int:
    """Return how many tokens of text go into one prompt; refining has the draft in it, too."""
    others = Work.ANSWER_TOKENS + PROMPT_TOKENS + (Work.DRAFT_TOKENS if method == "refine" else 0)
    return max(64, min(PART_TOKENS, services.context_tokens - others))


def method_for(parts: Sequence[Part], wished_for: str) -> str:
    """Return the method that is wished; for a text that is too long to be read at once, one that takes parts."""
    if len(parts) == 1:
        return wished_for or "stuff"
    return "refine" if wished_for == "refine" else "map_reduce"


def summary_text(document: Document, points: Sequence[SummaryPoint], scope: Scope, method: str, language: str) -> str:
    """Return the whole summary as markdown."""
    numbers = [page.number for page in scope.pages if page.text.strip()]
    pages_read = page_range(numbers)
    key = "summarize.covered" if "-" in pages_read else "summarize.covered_page"
    covered = say(key, language, pages=pages_read, total=document.pages, method=method.replace("_", "-"))
    silent = 0 if len(scope.pages) < document.pages else document.pages - len(set(numbers))
    note = f" {say('summarize.silent', language, count=silent)}" if silent > 0 else ""
    body = "\n".join(point.line(document.label) for point in points) or say("summarize.nothing", language)
    title = say("summarize.title", language, name=titled(document, scope))
    return f"**{title}**\n{body}\n\n_{covered}{note}_"


def whole(document: Document) -> Source:
    """Return the document as the summary's source."""
    newest = document.shares[-1]
    passage = Passage(
        id=document.id, document_id=document.id, document=document.name, text="", page=1, last_page=document.pages,
        heading="", permalink=newest.permalink, score=1.0, relevance=1.0,
    )  # fmt: skip
    return Source(1, passage, "")
