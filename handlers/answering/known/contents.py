"""What stands where in documents: their sections, a page's text, and the pages that mention some words."""

import re

from handlers.answering.known.grammar import Known
from handlers.answering.known.statement import Citations, Statement, page_passage, plain, shortened
from handlers.answering.known.which import Finder
from handlers.answering.lines import lines_of
from handlers.answering.locate import locate_sources
from handlers.pieces import Source
from handlers.text.messages import say
from indexing.contents import Phrase, Section
from indexing.document import Document, Passage

MOST_SECTIONS = 40
LONGEST_PAGE = 1800  # characters of a page that are shown
MOST_PASSAGES = 100  # that are looked at for some words
MOST_DOCUMENTS = 10
MOST_PAGES = 15  # of one document
FIRST = frozenset({"first", "premiere"})
LAST = frozenset({"last", "derniere"})
DETERMINER = re.compile(r"^(?:an?|the|le|la|les|l'?|un|une|des|du|de la|de l'?|de|any|our|nos|notre)\s+", re.IGNORECASE)


async def list_sections(known: Known, finder: Finder) -> Statement | None:
    """List a document's sections in their order, each with its page."""
    document = await finder.meant(known.words.get("document", ""))
    if not document:
        return None
    sections = await finder.services.library.outline(document.id, readable_by=finder.request.audience)
    citations = Citations()
    if not sections:
        mark = citations.cite(page_passage(document, 1, last_page=document.pages))
        text = say("known.no_sections", known.language, name=document.name, pages=document.pages, mark=mark)
        return Statement(text, citations.sources)
    outermost = sum(section.level == 0 for section in sections)
    key = "known.sections_one" if outermost == 1 else "known.sections"
    mark = citations.cite(page_passage(document, 1, last_page=document.pages))
    shown = fitting(sections)
    lines = [say(key, known.language, name=document.name, count=outermost, mark=mark)]
    lines += [section_line(section, document, known.language) for section in shown]
    if len(shown) < len(sections):
        lines.append(say("known.more_sections", known.language, count=len(sections) - len(shown)))
    return Statement("\n".join(lines), citations.sources)


def fitting(sections: list[Section]) -> list[Section]:
    """Return as many sections as can be shown: without the innermost where there are too many."""
    for level in range(max(section.level for section in sections), 0, -1):
        if len(sections) <= MOST_SECTIONS:
            break
        sections = [section for section in sections if section.level < level]
    return sections[:MOST_SECTIONS]


def section_line(section: Section, document: Document, language: str) -> str:
    """Return a section with its page."""
    place = page_passage(document, section.page).place
    return f"{'  ' * section.level}- {plain(shortened(section.title), language)} ({place})"


async def show_page(known: Known, finder: Finder) -> Statement | None:
    """Show what stands on a page."""
    document = await finder.meant(known.words.get("document", ""))
    if not document:
        return None
    number = page_called(known.words["page"], document)
    if not number:
        text = say("known.no_such_page", known.language, name=document.name, pages=document.pages)
        return Statement(text, documents=[document.id])
    pages = await finder.services.library.pages(
        document.id, readable_by=finder.request.audience, first=number, last=number
    )
    citations = Citations()
    passage = page_passage(document, number)
    mark = citations.cite(passage)
    words = plain(pages[0].text.strip(), known.language) if pages else ""
    if not words:
        text = say("known.empty_page", known.language, name=document.name, place=passage.place, mark=mark)
        return Statement(text, citations.sources)
    head = say("known.page", known.language, name=document.name, place=passage.place, mark=mark)
    more = say("known.page_goes_on", known.language) if len(words) > LONGEST_PAGE else ""
    return Statement(f"{head}\n{quoted(shortened(words, LONGEST_PAGE))}\n{more}".rstrip(), citations.sources)


def quoted(text: str) -> str:
    """Return a text as a quotation in markdown."""
    return "\n".join(f"> {line.lstrip('# ')}" for line in text.splitlines() if line.strip())


def page_called(words: str, document: Document) -> int:
    """Return the number of the page that people call so: by its label before its place; 0 where there is none."""
    word = words.rpartition(" ")[2].casefold()
    if word in FIRST:
        return 1
    if word in LAST:
        return document.pages
    for number, label in enumerate(document.labels, start=1):
        if re.fullmatch(rf"(?:\w+\.?\s)?{re.escape(word)}(?:\s\(PDF \d+\))?", label, re.IGNORECASE):
            return number
    return int(word) if word.isdecimal() and 1 <= int(word) <= document.pages else 0


async def find_mentions(known: Known, finder: Finder) -> Statement | None:
    """Tell which documents have some words, and on which pages."""
    words = DETERMINER.sub("", known.words["words"]).strip(" \"'“”«»‘’")
    passages, is_all = await finder.services.library.mentions(
        words, readable_by=finder.request.audience, limit=MOST_PASSAGES
    )
    if not Phrase(words).terms:
        return None
    if not passages:
        return Statement(say("known.no_mention", known.language, words=words))
    by_document: dict[str, list[Source]] = {}
    for passage in passages:
        source = Source(0, passage, line_with(words, passage))
        (source,) = await locate_sources([source], finder.request, finder.services)
        by_document.setdefault(passage.document_id, []).append(source)
    citations = Citations()
    listed = list(by_document.values())[:MOST_DOCUMENTS]
    key = "known.mentions_one" if len(by_document) == 1 else "known.mentions"
    lines = [say(key, known.language, words=words, count=len(by_document))]
    lines += [mention_line(sources, citations) for sources in listed]
    if len(by_document) > len(listed):
        lines.append(say("known.more_documents", known.language, count=len(by_document) - len(listed)))
    if not is_all:
        lines.append(say("known.not_all", known.language, count=MOST_PASSAGES))
    return Statement("\n".join(lines), citations.sources)


def mention_line(sources: list[Source], citations: Citations) -> str:
    """Return a document with the pages that mention the words; its first page is cited."""
    first = min((source for source in sources), key=lambda source: source.passage.page)
    places = {source.passage.page: source.passage.place for source in sources}
    pages = [places[page].removeprefix("p. ") for page in sorted(places)]
    shown = ", ".join(pages[:MOST_PAGES]) + (" …" if len(pages) > MOST_PAGES else "")
    prefix = "p. " if places[first.passage.page].startswith("p. ") else ""
    return f"- **{first.passage.document}**: {prefix}{shown} {citations.cite(first.passage, first.quote)}"


def line_with(words: str, passage: Passage) -> str:
    """Return the line of a passage that has the words."""
    phrase = Phrase(words)
    return next((line.text for line in lines_of([passage]) if phrase.stands_in(line.text)), shortened(passage.text))
