"""The page that a source stands on, as a picture with its words marked, for the one who asks to see it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from handlers.pieces import Choice, Picture, Pieces, Progress, Source, Sources, Text, UserError
from handlers.request import FileRefused, Request, Services
from handlers.text.messages import say
from indexing.document import IMPORTED, Document, Passage, Share
from indexing.reading.picture import PagePicture
from indexing.reading.pool import UnreadableDocument

LONGEST_WORDS = 1_000  # characters; a button carries 2,000 bytes or so
MOST_PAGES = 3  # that one passage stands on


@dataclass(frozen=True)
class Wish:
    """What is to be shown."""

    first: int
    last: int
    words: str


async def show_page(request: Request, services: Services) -> Pieces:
    """Show you the page that a source stands on, with its words marked."""
    wish = wish_of(request.text)
    document = await services.library.document(request.document, readable_by=request.audience)
    if document is None or wish is None:
        raise UserError(say("show_page.gone", request.language))
    share = next((one for one in reversed(document.shares) if not one.file_id.startswith(IMPORTED)), None)
    if share is None:
        raise UserError(say("show_page.no_file", request.language))
    services.report(Progress(say("show_page.drawing", request.language, name=document.name)))
    picture = await drawn(share, document, wish, request, services)
    place = document.label(picture.page) or f"p. {picture.page}"
    key = "show_page.marked" if picture.is_marked else "show_page.not_marked"
    text = say(key, request.language, name=document.name, place=place)
    yield Text(text)
    yield Picture(f"{Path(document.name).stem}-{picture.page}.png", picture.png, text)
    yield Sources((Source(1, passage_of(document, share, picture.page), wish.words),))


async def drawn(share: Share, document: Document, wish: Wish, request: Request, services: Services) -> PagePicture:
    """Fetch the file once more, and draw the page; nothing is kept. Raises UserError."""
    try:
        with tempfile.TemporaryDirectory(dir=services.incoming) as folder:
            file = await services.files.fetch(share.file_id, Path(folder))
            pages = (wish.first, wish.last)
            picture = await services.library.picture(
                file.path, document.id, pages, wish.words, readable_by=request.audience
            )
    except FileRefused as refused:
        raise UserError(say(f"files.{refused.reason}", request.language, **refused.values)) from refused
    except UnreadableDocument as unreadable:
        key = "show_page.changed" if unreadable.reason == "changed" else "show_page.not_drawn"
        raise UserError(say(key, request.language)) from unreadable
    if picture is None:
        raise UserError(say("show_page.gone", request.language))
    return picture


def choice(source: Source, language: str) -> Choice | None:
    """Return the button that shows a source's page; None for what has no page to be shown."""
    passage = source.passage
    if not source.quote.strip() or Path(passage.document).suffix.lower() != ".pdf":
        return None
    if not passage.place.startswith("p. "):  # a file that is attached inside: its name comes first
        return None
    last = min(passage.last_page, passage.page + MOST_PAGES - 1)
    words = source.quote.strip()[:LONGEST_WORDS]
    label = say("show_page.button", language, number=source.number, place=passage.place)
    return Choice(label, "show_page", document=passage.document_id, text=f"{passage.page} {last} {words}")


def wish_of(text: str) -> Wish | None:
    """Read what the button carries; None for what is no such thing."""
    first, _, rest = text.partition(" ")
    last, _, words = rest.partition(" ")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < int(first) + MOST_PAGES):
        return None
    return Wish(int(first), int(last), words)


def passage_of(document: Document, share: Share, page: int) -> Passage:
    """Return the page as a source, by which the picture is taken back with the document."""
    return Passage(
        id=document.id, document_id=document.id, document=document.name, text="", page=page, last_page=page,
        heading="", permalink=share.permalink, score=1.0, relevance=1.0, label=document.label(page),
    )  # fmt: skip
