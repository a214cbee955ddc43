"""The documents of a conversation: a list of what may be seen here, and the way to remove one's own.

Whoever shared a document may remove it, an admin any; the thread it was shared in is told who did.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from handlers.context.documents import documents_named, names_of, shared_at, unknown_document
from handlers.pieces import Choice, Choices, Piece, Pieces, Text, UserError
from handlers.request import Request, Services
from handlers.text.commands import without_accents
from handlers.text.language import text_language
from handlers.text.messages import say
from indexing.document import Document, Share

MOST_LISTED = 20  # of Slack's 50 blocks a message
REMOVE = frozenset({"remove", "delete", "retire", "retirer", "supprime", "supprimer"})
FIND = frozenset({"find", "cherche"})


async def docs(request: Request, services: Services) -> Pieces:
    """List the documents that you may see here and remove one: `/docs`, `docs remove NAME`."""
    verb, _, name = request.text.strip().partition(" ")
    language = (
        "fr"
        if without_accents(verb) in {"retire", "retirer", "supprime", "supprimer", "cherche"}
        else (text_language(request.text, request.language))
    )
    is_admin = await services.team.is_admin(request.user)
    if request.document:
        yield await removed(request, services, language, is_admin=is_admin)
    elif without_accents(verb) in REMOVE:
        documents = await services.library.documents(request.audience)
        yield removal(name, documents, request, language, is_admin=is_admin)
    else:
        wanted = name if without_accents(verb) in FIND else request.text.strip()
        listed, count = await wanted_documents(wanted, request, services, language)
        for piece in listing(listed, count, request, language, is_admin=is_admin):
            yield piece


async def wanted_documents(
    wanted: str, request: Request, services: Services, language: str
) -> tuple[list[Document], int]:
    """Return the newest documents that may be seen here, and how many there are; of a name, or of any."""
    library = services.library
    if not wanted:  # not all of them are read: there may be a hundred thousand
        newest = await library.documents(request.audience, limit=MOST_LISTED)
        count = await library.count_documents(request.audience) if len(newest) == MOST_LISTED else 0
        return newest, max(count, len(newest))
    documents = await library.documents(request.audience)
    named = documents_named(wanted, documents)
    if documents and not named:
        raise unknown_document(wanted, documents, language)
    return named[:MOST_LISTED], len(named)


def listing(listed: Sequence[Document], count: int, request: Request, language: str, *, is_admin: bool) -> list[Piece]:
    """Return the list, newest first, each with its button where it can be removed here; `count` are there in all."""
    if not listed:
        return [Text(say("docs.none", language))]
    pieces: list[Piece] = [Text(say("docs.title_one" if count == 1 else "docs.title", language, count=count))]
    pieces += [row(document, request, language, is_admin=is_admin) for document in listed]
    if count > len(listed):
        pieces.append(Choices(say("docs.more", language, count=count - len(listed)), ()))
    return pieces


def row(document: Document, request: Request, language: str, *, is_admin: bool) -> Choices:
    """Return a document's line, with a button if this person may remove it here."""
    newest = max(document.shares, key=shared_at)
    day = datetime.fromtimestamp(shared_at(newest) or document.added_at, UTC).date().isoformat()
    text = say(
        "docs.row", language, name=document.name, pages=document.pages, passages=document.chunks, day=day,
    )  # fmt: skip
    return Choices(text, (button(document, language),) if removable(document, request, is_admin=is_admin) else ())


def button(document: Document, language: str) -> Choice:
    """Return the button that removes a document from this conversation, after a question."""
    confirm = say("docs.confirm", language, name=document.name)
    return Choice(say("docs.remove", language), "docs", document=document.id, confirm=confirm, danger=True)


def removal(name: str, documents: Sequence[Document], request: Request, language: str, *, is_admin: bool) -> Choices:
    """Return the button for the document of this name; raise UserError if there is none, or it may not be removed."""
    found = documents_named(name, documents)
    if not found:
        raise unknown_document(name, documents, language)
    if len(found) > 1:
        names = ", ".join(f"`{known}`" for document in found for known in names_of(document)[:1])
        raise UserError(say("docs.several", language, names=names))
    refuse_others(found[0], request, language, is_admin=is_admin)
    return row(found[0], request, language, is_admin=is_admin)


async def removed(request: Request, services: Services, language: str, *, is_admin: bool) -> Text:
    """Remove the document of a pressed button from this conversation, if the one who pressed may see it here still."""
    document = await services.library.document(request.document, readable_by=request.audience)
    if document is None:
        raise UserError(say("docs.gone", language))
    refuse_others(document, request, language, is_admin=is_admin)
    going = removable(document, request, is_admin=is_admin)
    for user in sorted({share.user for share in going}):
        await services.library.unshare(document_id=document.id, channel=request.channel, user=user)
    services.trail.removed.append(document.id)
    if not request.channel.startswith("D"):
        for ts in sorted({share.ts for share in going}):
            await services.team.tell(request.channel, ts, request.user, say("docs.told", language, name=document.name))
    return Text(say("docs.removed" if len(going) == len(shared_here(document, request)) else "docs.removed_yours",
                    language, name=document.name))  # fmt: skip


def refuse_others(document: Document, request: Request, language: str, *, is_admin: bool) -> None:
    """Raise UserError for a document that this person may not remove here."""
    if not shared_here(document, request):
        raise UserError(say("docs.elsewhere", language, name=document.name))
    if not removable(document, request, is_admin=is_admin):
        raise UserError(say("docs.not_yours", language, name=document.name))


def removable(document: Document, request: Request, *, is_admin: bool) -> list[Share]:
    """Return the shares in this conversation that this person may take away: one's own, an admin all."""
    return [share for share in shared_here(document, request) if is_admin or share.user == request.user]


def shared_here(document: Document, request: Request) -> list[Share]:
    """Return a document's shares in this very conversation."""
    return [share for share in document.shares if share.channel == request.channel]
