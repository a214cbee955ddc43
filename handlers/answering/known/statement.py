"""What is said about documents: text with numbers, and the pages that the numbers mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from handlers.answering.lines import Line, lines_of
from handlers.pieces import Source
from handlers.text.sanitize import sanitize
from indexing.document import Document, Passage
from indexing.library import Page
from indexing.stored import newest

MOST_QUOTES = 2  # of one page
LONGEST_QUOTE = 300  # characters


@dataclass(frozen=True)
class Statement:
    """An answer that needed no model."""

    text: str
    sources: Sequence[Source] = ()
    documents: Sequence[str] = ()  # that it tells of beside those of its sources


@dataclass
class Citations:
    """Numbers for pages in the order in which they are cited."""

    _passages: dict[tuple[str, int], Passage] = field(default_factory=dict)
    _quotes: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def cite(self, passage: Passage, quote: str = "") -> str:
        """Return the mark of a page; what it is cited for is quoted below the answer."""
        key = passage.document_id, passage.page
        self._passages.setdefault(key, passage)
        quotes = self._quotes.setdefault(key, [])
        if quote and quote not in quotes and len(quotes) < MOST_QUOTES:
            quotes.append(shortened(quote))
        return f"[{list(self._passages).index(key) + 1}]"

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return the cited pages with their numbers."""
        return tuple(
            Source(number, passage, " … ".join(self._quotes[key]))
            for number, (key, passage) in enumerate(self._passages.items(), start=1)
        )


def page_passage(document: Document, page: int, text: str = "", *, last_page: int = 0) -> Passage:
    """Return a page, or several, as a passage, under the name and link that its readers know."""
    return Passage(
        id=f"{document.id}:{page}", document_id=document.id, document=document.name, text=text, page=page,
        last_page=max(page, last_page), heading="", permalink=newest(document.shares).permalink, score=1.0,
        relevance=1.0, label=document.label(page),
    )  # fmt: skip


def whole(document: Document) -> Passage:
    """Return all pages of a document as one passage."""
    return page_passage(document, 1, last_page=document.pages)


def lines_of_pages(document: Document, pages: Sequence[Page]) -> tuple[list[Passage], list[Line]]:
    """Return the pages of a document as passages, and all of their lines without running heads."""
    passages = [page_passage(document, page.number, page.text) for page in pages]
    return passages, lines_of(passages)


def plain(text: str, language: str) -> str:
    """Return words of a document as they may be shown."""
    return sanitize(text, [text], language)


def shortened(text: str, most: int = LONGEST_QUOTE) -> str:
    """Return the beginning of a text, cut between words."""
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"
