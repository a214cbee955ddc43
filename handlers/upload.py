"""Files that are dropped into a conversation: into the library, with a receipt; then what the message asked for."""

from contextlib import aclosing
from dataclasses import replace

from handlers import ask as asking
from handlers import summarize as summarizing
from handlers.answering.known.grammar import known_sentences
from handlers.context.history import remember
from handlers.context.ingest import Ingested, Outcome, ingest, receipt_sentence
from handlers.pieces import Pieces, Text, UserError
from handlers.request import Request, Services
from handlers.text.commands import parse
from handlers.text.language import request_language
from handlers.text.messages import say
from handlers.text.questions import is_question


async def upload(request: Request, services: Services) -> Pieces:
    """Read a file that you drop here (PDF, Office, mail, picture, text), so that I can answer from it."""
    if not request.files:
        raise UserError(say("upload.no_file", request_language(request)))
    request = replace(request, language=request_language(request))
    ingested: list[Ingested] = []
    for number, file_id in enumerate(request.files):
        outcome = await ingest(file_id, request, services)
        if not (request.silent and isinstance(outcome, Ingested)):
            yield Text(receipt(outcome, request, first=not number))
        if isinstance(outcome, Ingested):
            ingested.append(outcome)
    if not ingested:
        return
    async with aclosing(afterwards(request, ingested, services)) as pieces:
        async for piece in pieces:
            yield piece


def receipt(outcome: Outcome, request: Request, *, first: bool) -> str:
    """Return the paragraph about one file, in the person's language or else the document's."""
    language = request.language
    if isinstance(outcome, Ingested) and not (request.text.strip() or request.channel_language) and language == "en":
        language = outcome.receipt.document.language or language
    return ("" if first else "\n\n") + receipt_sentence(outcome, language)


async def afterwards(request: Request, ingested: list[Ingested], services: Services) -> Pieces:
    """Do what the message with the files asked for; else only remember that this thread is about them."""
    documents = [outcome.receipt.document.id for outcome in ingested]
    action, rest = parse(request.text, has_files=False)
    follow = replace(request, text=rest, files=())
    if action == "summarize":
        yield Text("\n\n")
        of_all = summarizing.of_documents if len(documents) > 1 or not rest else None
        pieces = of_all(follow, documents, services) if of_all else summarizing.summarize(follow, services)
    elif action == "ask" or (action == "chat" and (is_question(rest) or known_sentences(rest))):
        yield Text("\n\n")
        pieces = asking.ask(follow, services)
    else:
        names = ", ".join(outcome.name for outcome in ingested)
        shared = say("upload.remembered", request.language, names=names)
        await remember(replace(request, text=request.text or names), services, shared, documents=documents)
        return
    async with aclosing(pieces) as given:
        async for piece in given:
            yield piece
