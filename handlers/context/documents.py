"""Which document a person means: by name, by file, or the last one shared here."""

import asyncio
import difflib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.pieces import UserError
from handlers.request import Request, Services
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from indexing.audience import Audience
from indexing.document import Document, Share

if TYPE_CHECKING:
    from indexing.library import Library

MOST_NEAR = 3
LEAST_STEM = 4  # letters of a name that is looked for in a sentence


def names_of(document: Document) -> list[str]:
    """Return the names under which a document is known to those who may see it."""
    return list(dict.fromkeys([document.name, *(share.name for share in document.shares)]))


def documents_named(name: str, documents: Sequence[Document]) -> list[Document]:
    """Return the documents called so: exactly, without the extension, or with the name as a part of theirs."""
    letters = letters_only(name)
    if not letters:
        return []

    for fits in (is_whole, is_stem, is_part):
        if matching := [
            document for document in documents if any(fits(letters, known) for known in names_of(document))
        ]:
            return matching
    return []


def documents_within(text: str, documents: Sequence[Document]) -> list[Document]:
    """Return the document whose name stands somewhere in a text, the one with the longest name; none for none."""
    said = letters_only(text)
    stems = [(letters_only(Path(name).stem), one) for one in documents for name in names_of(one)]
    inside = [(len(stem), one) for stem, one in stems if len(stem) >= LEAST_STEM and stem in said]
    longest = max((length for length, _ in inside), default=0)
    return [one for length, one in inside if length == longest][:1]


def is_whole(letters: str, known: str) -> bool:
    """Tell whether this is the whole name."""
    return letters == letters_only(known)


def is_stem(letters: str, known: str) -> bool:
    """Tell whether this is the name without its extension."""
    return letters == letters_only(Path(known).stem)


def is_part(letters: str, known: str) -> bool:
    """Tell whether this is a part of the name."""
    return len(letters) >= 3 and letters in letters_only(known)


def similar_names(name: str, documents: Sequence[Document]) -> list[str]:
    """Return the names that look like this one."""
    known = {letters_only(Path(each).stem): each for document in documents for each in names_of(document)}
    near = difflib.get_close_matches(letters_only(Path(name).stem), known, n=MOST_NEAR, cutoff=0.5)
    return [known[key] for key in near]


def unknown_document(name: str, documents: Sequence[Document], language: str) -> UserError:
    """Return the sentence about a name that no document has, with those that look like it."""
    names = similar_names(name, documents) or [document.name for document in documents[:MOST_NEAR]]
    hint = say("docs.did_you_mean", language, names=", ".join(f"`{known}`" for known in names)) if names else ""
    return UserError(f"{say('docs.unknown', language, name=name)} {hint}".strip())


async def shares_of(document_ids: Collection[str], audience: Audience, library: "Library") -> dict[str, frozenset[str]]:
    """Return where documents are shared, as far as this audience may see; without those that it may not see."""
    ids = sorted(set(document_ids))
    documents = await asyncio.gather(*(library.document(document, readable_by=audience) for document in ids))
    return {document.id: frozenset(share.channel for share in document.shares) for document in documents if document}


async def last_shared(request: Request, services: Services) -> Document | None:
    """Return the document that was shared last in this thread, else in this conversation, else the newest one."""
    documents = await services.library.documents(request.audience)
    marks = await marks_in_thread(request, services)

    def latest(document: Document) -> tuple[bool, bool, float]:
        here = [share for share in document.shares if share.channel == request.channel]
        in_thread = any(share.ts in marks for share in here)
        return in_thread, bool(here), max((shared_at(share) for share in here), default=document.added_at)

    return max(documents, key=latest, default=None)


async def marks_in_thread(request: Request, services: Services) -> set[str]:
    """Return the messages of this thread that share files, by their ts, its first one always included."""
    if request.thread in {"", request.ts}:
        return {request.thread}
    messages = await services.messages.thread(request.channel, request.thread)
    return {request.thread, *(message.ts for message in messages if message.files)}


def shared_at(share: Share) -> float:
    """Return when a share's message was sent, in seconds since the epoch."""
    return float(share.ts) if share.ts.replace(".", "", 1).isdigit() else 0.0
