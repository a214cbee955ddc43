"""What the records know of documents: how many pages, which title, who shared them, which ones there are."""

from collections.abc import Sequence
from datetime import UTC, datetime

from handlers.answering.known.grammar import Known
from handlers.answering.known.statement import Citations, Statement, whole
from handlers.answering.known.which import Finder, newest_share
from handlers.context.documents import shared_at
from handlers.text.messages import say
from indexing.document import Document, Share

MOST_LISTED = 20
MOST_SHARES = 5


async def count_pages(known: Known, finder: Finder) -> Statement | None:
    """Tell how many pages a document has, and how many of them have no text."""
    document = await finder.meant(known.words.get("document", ""))
    if not document:
        return None
    citations = Citations()
    mark = citations.cite(whole(document))
    key = "known.pages_one" if document.pages == 1 else "known.pages"
    text = say(key, known.language, name=document.name, pages=document.pages, mark=mark)
    if silent := document.pages - document.pages_with_text:
        text += f" {say('known.silent', known.language, count=silent)}"
    return Statement(text, citations.sources)


async def tell_title(known: Known, finder: Finder) -> Statement | None:
    """Tell a document's own title."""
    document = await finder.meant(known.words["document"])
    if not document:
        return None
    citations = Citations()
    mark = citations.cite(whole(document), document.title)
    key = "known.title" if document.title else "known.no_title"
    return Statement(say(key, known.language, name=document.name, title=document.title, mark=mark), citations.sources)


async def tell_shares(known: Known, finder: Finder) -> Statement | None:
    """Tell who shared a document and when, as far as this audience may see."""
    document = await finder.meant(known.words["document"])
    if not document:
        return None
    citations = Citations()
    mark = citations.cite(whole(document))
    shares = sorted(document.shares, key=shared_at, reverse=True)[:MOST_SHARES]
    told = [await share_of(share, finder) for share in shares]
    text = say("known.shared", known.language, name=document.name, shares="; ".join(told), mark=mark)
    return Statement(text, citations.sources)


async def share_of(share: Share, finder: Finder) -> str:
    """Return who shared a document when."""
    person = await finder.services.messages.name(share.user)
    key = "known.share_here" if share.channel == finder.request.channel else "known.share_elsewhere"
    return say(key, finder.language, person=person, day=day_of(shared_at(share)))


async def list_documents(known: Known, finder: Finder) -> Statement | None:
    """List the documents that may be read here, newest first."""
    library, audience = finder.services.library, finder.request.audience
    documents = await library.documents(audience, limit=MOST_LISTED)
    if not documents:
        return Statement(say("docs.none", known.language))
    total = max(len(documents), await library.count_documents(audience))
    key = "docs.title_one" if total == 1 else "docs.title"
    lines = [say(key, known.language, count=total), *listed(documents, known.language)]
    if total > len(documents):
        lines.append(say("docs.more", known.language, count=total - len(documents)))
    return Statement("\n".join(lines), documents=[document.id for document in documents])


def listed(documents: Sequence[Document], language: str) -> list[str]:
    """Return a line for each document."""
    return [
        say(
            "known.listed_one" if document.pages == 1 else "known.listed", language,
            name=document.name, pages=document.pages, day=day_of(newest_share(document) or document.added_at),
        )
        for document in documents
    ]  # fmt: skip


def day_of(seconds: float) -> str:
    """Return a moment's day."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
