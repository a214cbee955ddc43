"""The very page that a quote stands on, for passages that run over a page's end."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from handlers.pieces import Source
from handlers.request import Request, Services
from handlers.text.normalize import letters_only
from indexing.document import Passage
from indexing.library import Page

KEY_LETTERS = 60  # of a quote: enough to tell pages apart, short enough to lie on one of them


async def locate_sources(sources: Sequence[Source], request: Request, services: Services) -> tuple[Source, ...]:
    """Return the sources with the page where the quote begins, if their passages name several."""
    return tuple([await _on_its_page(source, request, services) for source in sources])


async def _on_its_page(source: Source, request: Request, services: Services) -> Source:
    if source.passage.last_page <= source.passage.page:
        return source
    passage = source.passage
    pages = await services.library.pages(
        passage.document_id, readable_by=request.audience, first=passage.page, last=passage.last_page
    )
    return locate_source(source, pages)


def locate_source(source: Source, pages: Sequence[Page]) -> Source:
    """Return the source on the one page that has its quote; as it is where none has."""
    key = letters_only(source.quote)[:KEY_LETTERS]
    passage = source.passage
    for page in pages:
        if key and passage.page <= page.number <= passage.last_page and key in letters_only(page.text):
            return replace(source, passage=replace(passage, page=page.number, last_page=page.number, label=page.label))
    return source


def places_of(passages: Iterable[Passage]) -> str:
    """Return where passages stand, as a person writes it: handbook.pdf, p. 3, 5; policy.pdf, p. 2."""
    pages: dict[str, set[int]] = {}
    for passage in passages:
        pages.setdefault(passage.document, set()).add(passage.page)
    return "; ".join(f"{name}, p. {', '.join(map(str, sorted(numbers)))}" for name, numbers in pages.items())
