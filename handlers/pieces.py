"""What a handler gives back: the pieces of an answer, and beside them what is going on."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from indexing.document import Passage


@dataclass(frozen=True)
class Text:
    """Markdown to append to the answer."""

    markdown: str


@dataclass(frozen=True)
class Progress:
    """What is going on now: reported beside the pieces, replaces the last one. Counts are for a bar."""

    text: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Source:
    """One numbered source: `[number] document, p. page`, linked, with the words that support."""

    number: int
    passage: Passage
    quote: str


@dataclass(frozen=True)
class Sources:
    """The numbered sources of the answer, shown below its text."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class MessageSource:
    """One numbered message of people that a point comes from: who and when, linked."""

    number: int
    label: str
    permalink: str


@dataclass(frozen=True)
class MessageSources:
    """The numbered messages of the answer, shown below its text."""

    sources: tuple[MessageSource, ...]


@dataclass(frozen=True)
class Picture:
    """A PNG with its description for those who can't see it."""

    name: str
    png: bytes
    description: str


@dataclass(frozen=True)
class Attachment:
    """A file to hand over, e.g. a table as CSV."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Choice:
    """A button: pressing it makes a Request with this action, about a document or as a yes."""

    label: str
    action: str
    document: str = ""
    confirmed: bool = False
    text: str = ""  # what it says in place of its person
    confirm: str = ""  # a question asked before it happens
    danger: bool = False


@dataclass(frozen=True)
class Choices:
    """One row of the answer with its buttons."""

    markdown: str
    choices: tuple[Choice, ...]


Piece = Text | Sources | MessageSources | Picture | Attachment | Choices
Pieces = AsyncGenerator[Piece, None]
Report = Callable[[Progress], None]  # of the turn; never waits


class UserError(Exception):
    """Something that the person can mend; the text is the answer."""
