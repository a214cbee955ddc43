"""Two documents that answer differently: both are quoted, the newer one first, with what tells that it is newer."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.answering.cite import readable
from handlers.answering.known.changes import figures_of, key_of, likeness, whole_words
from handlers.answering.known.editions import edition_of, editions_of, newest_first
from handlers.answering.known.facts import day_of
from handlers.answering.known.statement import Citations, Statement, plain
from handlers.answering.known.which import NOUNS, Finder, known_words
from handlers.answering.lines import Line, lines_of
from handlers.context.documents import names_of
from handlers.text.messages import say
from handlers.text.overlap import content
from indexing.document import Document, Passage
from indexing.sparse import STOP_WORDS
from indexing.stored import words_of_name

SAME_RULE = 0.5  # of the words of two lines, either way, in two editions of a document
SAME_RULE_ELSEWHERE = 0.7  # in two documents that are no editions of each other
LEAST_WORDS = {True: 2, False: 4}  # content words of a line in an edition, and elsewhere: fewer are no rule
MOST_EDITIONS = 2  # that are looked into where the search did not find them
SEARCHED = 2  # passages of each


@dataclass(frozen=True)
class Voice:
    """A line with the document that says it."""

    document: Document
    passage: Passage
    line: Line


async def conflict_of(line: Line, passages: Sequence[Passage], question: str, finder: Finder) -> Statement | None:
    """Return what two documents say differently about what a line answers; None where nothing contradicts it."""
    first = await voice_of(line, passages, finder)
    if not first:
        return None
    editions = [one for one in await editions_of(first.document, finder) if one.id != first.document.id]
    other = await other_voice(first, passages, editions[:MOST_EDITIONS], question, finder)
    if not other or is_named(question, first.document, other.document):
        return None
    newest, known_by = newest_first([await edition_of(one.document, finder) for one in (first, other)])
    voices = [first, other] if newest[0].document.id == first.document.id else [other, first]
    about = {"name": newest[0].mark, "text": newest[0].by_text, "share": day_of(newest[0].shared)}[known_by]
    are_editions = other.document.id in {edition.id for edition in editions}
    key = "ask.two_editions" if are_editions else "ask.two_documents"
    note = say(f"known.newer_by_{known_by}", finder.language, about=about)
    citations = Citations()
    quotes = [quotation(voice, citations, finder.language) for voice in voices]
    return Statement("\n".join([say(key, finder.language, name=voices[0].document.name, note=note), *quotes]),
                     citations.sources)  # fmt: skip


async def voice_of(line: Line, passages: Sequence[Passage], finder: Finder) -> Voice | None:
    """Return a line with its document; None where that was taken away meanwhile."""
    passage = passages[line.passage]
    document = await finder.services.library.document(passage.document_id, readable_by=finder.request.audience)
    return Voice(document, passage, line) if document else None


async def other_voice(
    first: Voice, passages: Sequence[Passage], editions: Sequence[Document], question: str, finder: Finder
) -> Voice | None:
    """Return the line of another document that says the same of other figures, or of anything else in an edition."""
    among = [*passages, *await passages_of_editions(passages, editions, question, finder)]
    are_editions = {document.id for document in editions}
    scored = [
        (likeness(content(whole_words(first.line)), content(whole_words(line))), -place, line)
        for place, line in enumerate(lines_of(among))
        if among[line.passage].document_id != first.document.id
        and differs(first.line, line, is_edition=among[line.passage].document_id in are_editions)
    ]
    for score, _, line in sorted(scored, key=lambda one: one[:2], reverse=True):
        is_edition = among[line.passage].document_id in are_editions
        if score >= (SAME_RULE if is_edition else SAME_RULE_ELSEWHERE):
            return await voice_of(line, among, finder)
    return None


async def passages_of_editions(
    passages: Sequence[Passage], editions: Sequence[Document], question: str, finder: Finder
) -> list[Passage]:
    """Return what the editions that were not found say of the question."""
    found = {passage.document_id for passage in passages}
    more: list[Passage] = []
    for document in editions:
        if document.id not in found:
            more += await finder.services.library.search(
                [question], readable_by=finder.request.audience, limit=SEARCHED, document_id=document.id
            )
    return more


def differs(line: Line, other: Line, *, is_edition: bool) -> bool:
    """Tell whether two lines that may state the same rule state it differently."""
    if len(content(whole_words(line)).stems) < LEAST_WORDS[is_edition]:
        return False
    return key_of(line) != key_of(other) if is_edition else figures_of(line) != figures_of(other)


def is_named(question: str, document: Document, other: Document) -> bool:
    """Tell whether a question names one of two documents by a word that only one of them has: Lille, 2025."""
    mine, others = (known_words([*names_of(one), one.title]) for one in (document, other))
    return not ((mine ^ others) - STOP_WORDS - NOUNS).isdisjoint(words_of_name(question))


def quotation(voice: Voice, citations: Citations, language: str) -> str:
    """Return a line in quotation marks, with its document, page and number."""
    words = plain(readable(voice.line), language)
    sentence = say(
        "ask.quoted", language, document=voice.document.name, place=voice.passage.place, quote=words
    )  # fmt: skip
    return f"- {sentence} {citations.cite(voice.passage, voice.line.text)}"
