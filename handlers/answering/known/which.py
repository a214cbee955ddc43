"""Which document a known sentence means: the one it names, else the newest of this thread or conversation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.answering.known.grammar import is_one_letter_off, is_one_of
from handlers.context.documents import marks_in_thread, names_of, shared_at, unknown_document
from handlers.context.history import documents_behind, recall
from handlers.pieces import UserError
from handlers.request import Request, Services
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from indexing.audience import Audience
from indexing.document import Document
from indexing.sparse import STOP_WORDS
from indexing.stored import words_of_name

LOOKED_AT = 30  # documents for each word of a name
MOST_WORDS = 8  # of a name that are looked up
MOST_IN_THREAD = 10  # messages with files
NOUNS = frozenset({  # that may stand before a name
    "document", "documents", "file", "files", "doc", "pdf", "fichier", "fichiers", "version", "edition", "editions",
    "versions", "named", "called", "nomme", "intitule", "our", "my", "notre", "mon", "nos", "mes",
})  # fmt: skip
SUFFIXES = frozenset({
    ".pdf", ".docx", ".doc", ".md", ".txt", ".pptx", ".xlsx", ".odt", ".ods", ".odp", ".csv", ".html", ".epub", ".eml",
    ".rtf", ".png", ".jpg", ".jpeg",
})  # fmt: skip


@dataclass(frozen=True)
class Finder:
    """Looks for documents, each time by the index and at most so many, under the audience of the request."""

    request: Request
    services: Services
    language: str

    async def meant(self, words: str) -> Document | None:
        """Return the document that some words mean; None where they may mean something else altogether.

        Raises UserError where the words name a file that is not here, or more than one document.
        """
        if not words or is_one_of(words, "this"):
            return await self.before_our_eyes()
        named = await self.named(words)
        if len(named) > 1:
            here = {document.id for document in await self.here()}
            named = [document for document in named if document.id in here] or named
        if len(named) > 1:
            names = ", ".join(f"`{document.name}`" for document in named[:MOST_IN_THREAD])
            raise UserError(say("docs.several", self.language, names=names))
        if named:
            return named[0]
        if Path(words).suffix.casefold() in SUFFIXES:
            newest = await self.services.library.documents(self.request.audience, limit=LOOKED_AT)
            raise unknown_document(words, newest, self.language)
        return None

    async def named(self, words: str) -> list[Document]:
        """Return the documents that are called so, with all of these words in a name or in the title."""
        wanted = name_words(words)
        if all(word.isdigit() for word in wanted):  # a year alone is no name
            return []
        library, audience = self.services.library, self.request.audience
        known: dict[str, Document] = {}
        for word in wanted[:MOST_WORDS]:
            documents = await library.documents_called(word, readable_by=audience, limit=LOOKED_AT)
            known |= {document.id: document for document in documents}
        if not known:  # a letter may be wrong
            known = {document.id: document for document in await library.documents(audience, limit=LOOKED_AT)}
        return best_named(words, wanted, list(known.values()))

    async def before_our_eyes(self) -> Document:
        """Return the newest document of this thread, else what was spoken of in it, else the newest of the place."""
        here = await self.here()
        if here:
            return here[0]
        is_any = await self.services.library.count_documents(self.request.audience)
        raise UserError(say("known.which" if is_any else "docs.none", self.language))

    async def here(self) -> list[Document]:
        """Return the documents of this thread, else those behind its last answer, else those shared in this place."""
        return await self.of_thread() or await self.of_talk() or await self.of_place()

    async def of_thread(self) -> list[Document]:
        """Return the documents that were shared in this thread, newest first."""
        request, library = self.request, self.services.library
        marks = sorted(await marks_in_thread(request, self.services) - {""}, reverse=True)[:MOST_IN_THREAD]
        documents: dict[str, Document] = {}
        for ts in marks:
            for document in await library.documents_of_message(request.channel, ts, readable_by=request.audience):
                documents.setdefault(document.id, document)
        return list(documents.values())

    async def of_talk(self) -> list[Document]:
        """Return the documents that the last answer of this thread came from."""
        answered = [message for message in await recall(self.request, self.services) if documents_behind([message])]
        ids = documents_behind(answered[-1:])
        documents = [
            await self.services.library.document(one, readable_by=self.request.audience) for one in ids[:MOST_IN_THREAD]
        ]
        return [document for document in documents if document]

    async def of_place(self) -> list[Document]:
        """Return the newest documents that were shared in this channel or direct message."""
        place = Audience(frozenset({self.request.channel}) & self.request.audience.channels)
        documents = await self.services.library.documents(place, limit=LOOKED_AT)
        return sorted(documents, key=newest_share, reverse=True)


def newest_share(document: Document) -> float:
    """Return when a document was shared last, as far as its reader may know."""
    return max((shared_at(share) for share in document.shares), default=document.added_at)


def name_words(words: str) -> list[str]:
    """Return the words of a name that tell something, as they are looked up."""
    stem = Path(words).stem if Path(words).suffix.casefold() in SUFFIXES else words
    return [word for word in dict.fromkeys(words_of_name(stem)) if word not in STOP_WORDS | NOUNS and len(word) > 1]


def best_named(words: str, wanted: Sequence[str], documents: Sequence[Document]) -> list[Document]:
    """Return the documents that a name fits best: the whole name, else all of its words, in the name before the title.

    Only names and titles that the reader of the document knows count.
    """
    key = letters_only(words)
    if exact := [one for one in documents if any(key == letters_only(name) for name in names_of(one))]:
        return exact
    if whole := [one for one in documents if any({*wanted} == {*words_of_name(stem)} for stem in stems_of(one))]:
        return whole
    by_name = [one for one in documents if has_all(wanted, known_words(names_of(one)))]
    return by_name or [one for one in documents if has_all(wanted, known_words([*names_of(one), one.title]))]


def stems_of(document: Document) -> list[str]:
    """Return the names of a document without their endings."""
    return [Path(name).stem for name in names_of(document)]


def known_words(names: Iterable[str]) -> frozenset[str]:
    """Return the words of some names."""
    return frozenset(word for name in names for word in words_of_name(name))


def has_all(wanted: Sequence[str], known: frozenset[str]) -> bool:
    """Tell whether all words are among those that are known, one letter more or less not counted."""
    return all(
        word in known or (word.isalpha() and len(word) > 3 and any(is_one_letter_off(word, other) for other in known))
        for word in wanted
    )
