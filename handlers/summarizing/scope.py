"""Which part of a document a summary is of: all of it, some pages, or one of its sections."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from handlers.answering.known.contents import page_called
from handlers.pieces import UserError
from handlers.request import Request, Services
from handlers.summarizing.wish import Wish
from handlers.text.commands import without_accents
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from indexing.contents import Section
from indexing.document import Document
from indexing.library import Page

KIND = re.compile(r"^(?:chapter|section|part|article|clause|appendix|annex|chapitre|partie|annexe|rubrique)\s+")
MOST_NAMED = 8  # sections, where none is called as wished


@dataclass(frozen=True)
class Scope:
    """The pages to summarise, and what they are called; "" for the whole document."""

    pages: Sequence[Page]
    title: str = ""


async def scope_of(document: Document, wish: Wish, request: Request, services: Services, language: str) -> Scope:
    """Return the pages that are wished; raise UserError where the document has no such pages or section."""
    pages = await services.library.pages(document.id, readable_by=request.audience)
    if wish.section:
        sections = await services.library.outline(document.id, readable_by=request.audience)
        place = section_called(wish.section, sections)
        if place < 0:
            names = ", ".join(f"“{section.title}”" for section in sections if section.level == 0)
            key = "summarize.no_section" if names else "summarize.no_sections"
            raise UserError(say(key, language, section=wish.section, name=document.name, names=names[:300]))
        return Scope(pages_of_section(pages, sections, place), sections[place].title)
    if wish.pages != ("", ""):
        first, last = page_range_called(wish.pages, document)
        if not first or not last:
            raise UserError(say("summarize.no_pages", language, name=document.name, pages=document.pages))
        return Scope([page for page in pages if min(first, last) <= page.number <= max(first, last)])
    return Scope(pages)


def page_range_called(called: tuple[str, str], document: Document) -> tuple[int, int]:
    """Return the numbers of the first and the last page that people call so; 0 for one that there is not."""
    first, last = called
    if first == "first":
        return 1, min(int(last), document.pages)
    if first == "last":
        return max(1, document.pages - int(last) + 1), document.pages
    return page_called(first, document), page_called(last, document)


def section_called(called: str, sections: Sequence[Section]) -> int:
    """Return the place of the section of that number or title; -1 for none.

    A number is the one before its title; where titles have none, its place among the outermost ones.
    """
    wished = without_accents(called)
    numbers = [number_of(section.title) for section in sections]
    if wished in numbers:
        return numbers.index(wished)
    if wished.isdigit():
        outermost = [place for place, section in enumerate(sections) if section.level == 0]
        is_unnumbered = not any(numbers) and 1 <= int(wished) <= len(outermost)
        return outermost[int(wished) - 1] if is_unnumbered else -1
    letters = letters_only(called)
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for place, section in enumerate(sections):
            title = letters_only(section.title)
            if letters and (fits(title, letters) or fits(title.lstrip("0123456789"), letters)):
                return place
    return -1


def number_of(title: str) -> str:
    """Return the number before a title: 3 of "Chapter 3: Cleaning", 2.1 of "2.1 Rent"; "" for none."""
    folded = KIND.sub("", without_accents(title).strip())
    found = re.match(r"(\d{1,3}(?:\.\d{1,3})*|[ivx]+|[a-h])(?=[.):\s–-]|$)", folded)
    is_word = found and found[1] == "a" and not re.match(r"a[.):]", folded)
    return found[1] if found and not is_word else ""


def pages_of_section(pages: Sequence[Page], sections: Sequence[Section], place: int) -> list[Page]:
    """Return the pages from a section's title to the next one that is not inside it, cut at these titles."""
    section = sections[place]
    following = next((other for other in sections[place + 1 :] if other.level <= section.level), None)
    inside = [page for page in pages if section.page <= page.number <= (following.page if following else page.number)]
    cut = []
    for page in inside:
        text = page.text
        start = line_of(section.title, text) if page.number == section.page else 0
        end = line_of(following.title, text, start + 1) if following and page.number == following.page else len(text)
        is_before_title = following is not None and page.number == following.page > section.page and end < 0
        cut.append(replace(page, text="" if is_before_title else text[max(start, 0) : end if end >= 0 else len(text)]))
    return [page for page in cut if page.text.strip()]


def line_of(title: str, text: str, after: int = 0) -> int:
    """Return where the line with a title begins, from some place on; -1 for none."""
    letters, offset = letters_only(title), 0
    for line in text.splitlines(keepends=True):
        if offset >= after and letters and letters in letters_only(line):
            return offset
        offset += len(line)
    return -1
