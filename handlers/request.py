"""What a handler is given: a Request and Services. What it gives back is in pieces.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from handlers.calibration import SMALL, UNMEASURED, Budget, Card
from handlers.context.reading_time import ReadingPace
from handlers.context.trail import Trail
from handlers.pieces import Pieces, Progress, Report
from handlers.ports import Figures, NoFigures, NoOpenQuestions, NoQuota, NoTeam, OpenQuestions, ReadingQuota, Team
from indexing.audience import NOBODY, Audience

if TYPE_CHECKING:
    from handlers.ports import AttentionProbe, Classifier, Reader
    from indexing.library import Library


INCOMING = "incoming"  # of DATA_DIR; emptied at the start


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one person wants, as plain strings that survive the queue."""

    id: str  # team:channel:ts for messages, the trigger id for commands
    action: str  # a key of handlers.HANDLERS
    team: str
    channel: str
    user: str
    text: str = ""
    thread: str = ""  # ts of the thread's first message; "" for a command until its root is posted
    ts: str = ""  # ts of the message that asks; "" for commands
    files: tuple[str, ...] = ()  # Slack file ids
    language: str = "en"  # of the person: what the bot's own words are in
    channel_language: str = ""  # that the channel wants of all that is said in it; "": the person's
    user_team: str = ""  # differs from team for members of other companies (Slack Connect)
    response_url: str = ""  # commands: the only way to answer where the bot is not a member
    beside: str = ""  # ts of the thread in which only this person sees the answer
    message_ts: str = ""  # of the message that a shortcut was used on; its words are the text
    document: str = ""  # id of the document that a button is about
    confirmed: bool = False  # by a button: yes, do it
    channels: tuple[str, ...] = ()  # that its text names, by their ids
    forwarded: str = ""  # the words of messages that were forwarded with it: material to read, not a wish
    unasked: bool = False  # nobody addressed us: what we can't do or answer is passed over in silence
    silent: bool = False  # the channel wants no receipt of what was read
    audience: Audience = field(default=NOBODY, compare=False)  # resolved by the worker, never stored

    @property
    def is_pressed(self) -> bool:
        """Tell whether a button or a shortcut asks, in a message that stands already."""
        return bool(self.message_ts or self.document or self.confirmed)

    @property
    def conversation(self) -> str:
        """The key of this thread's memory: bound to its conversation, so it can't be read from another."""
        return f"{self.team}:{self.channel}:{self.thread or self.id}"


class Memory(Protocol):
    """What was said in each thread."""

    async def recall(self, conversation: str) -> list[BaseMessage]:
        """Return the thread's messages, oldest first."""

    async def add(self, conversation: str, messages: Sequence[BaseMessage]) -> None:
        """Append messages; one with an id that is already there is not added again."""

    async def forget(self, conversation: str) -> int:
        """Drop the thread's memory and return how many messages it held."""

    async def forget_person(self, user: str) -> int:
        """Drop every message by this person, and the answers to them; return how many."""


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """A file fetched from Slack into a temporary place of this machine."""

    id: str
    name: str
    path: Path
    size_bytes: int
    permalink: str
    user: str


class FileRefused(Exception):
    """Slack's file can't be used; `reason` is a key of texts/files.toml: too_big, gone, html, empty, away, external."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


@dataclass(frozen=True)
class ListedFile:
    """A document as a conversation lists it, with the message that shared it."""

    id: str
    name: str
    ts: str


@dataclass(frozen=True)
class ChannelWishes:
    """How a channel wants us to behave."""

    listens: str = "threads"  # mention, threads (and questions below documents), or questions: all that are asked
    documents: bool = True  # read what is shared without a word to us
    receipts: bool = True  # say what was read
    language: str = ""  # of all that is said there; "": each person's


class Channels(Protocol):
    """The wishes of each channel."""

    async def of(self, team: str, channel: str) -> ChannelWishes:
        """Return what a channel wants."""

    async def change(self, team: str, channel: str, name: str, value: str) -> None:
        """Note one wish."""


class SameChannels:
    """All channels want the same, and nothing can be changed."""

    async def of(self, team: str, channel: str) -> ChannelWishes:
        """Return what every channel gets."""
        return ChannelWishes()

    async def change(self, team: str, channel: str, name: str, value: str) -> None:
        """Keep nothing."""


class Files(Protocol):
    """Slack's files: the way from an id to bytes on this machine."""

    async def fetch(self, file_id: str, into: Path) -> SharedFile:
        """Download a file into the folder; raise FileRefused."""

    async def shared_in(self, channel: str) -> list[ListedFile]:
        """Return the documents that are shared in a conversation, oldest first."""


def unheard(_: Progress) -> None:
    """Take a report that nobody waits for."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What handlers may use; built once in bot/app.py, and bound to each turn."""

    model: BaseChatModel
    count_tokens: Callable[[str], int]
    context_tokens: int  # the longest prompt and answer together
    memory: Memory
    library: "Library"
    files: Files
    messages: "Messages"
    classifier: "Classifier"
    encoder: "AttentionProbe"
    data_dir: Path
    team: Team = field(default_factory=NoTeam)
    channels: Channels = field(default_factory=SameChannels)
    figures: Figures = field(default_factory=NoFigures)
    shown_settings: Mapping[str, str] = field(default_factory=dict)  # to admins, by name
    questions: OpenQuestions = field(default_factory=NoOpenQuestions)
    quota: ReadingQuota = field(default_factory=NoQuota)
    pace: ReadingPace = field(default_factory=ReadingPace)
    card: Card = UNMEASURED  # of the two models
    reader: "Reader | None" = None  # None: lines are compared, not read
    budget: Budget = SMALL
    report: Report = unheard  # bound to the turn by bot/dispatcher.py
    trail: Trail = field(default_factory=Trail)  # bound likewise

    @property
    def incoming(self) -> Path:
        """Return the folder of files on their way: not the machine's own, where a killed process would leave them."""
        folder = self.data_dir / INCOMING
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder


@dataclass(frozen=True)
class ThreadMessage:
    """A message as Slack shows it in a thread."""

    user: str  # "" for the bot itself
    text: str
    ts: str
    tables: tuple[str, ...] = ()  # ids of the CSV files that it shares
    name: str = ""  # of the person
    forwarded: str = ""  # the words of messages that it forwards
    files: tuple[str, ...] = ()  # ids of all files that it shares
    file_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelTalk:
    """What people said in a channel, its threads included, oldest first."""

    name: str  # of the channel
    messages: list[ThreadMessage]
    is_all: bool  # False: only the newest were read


@dataclass(frozen=True)
class Place:
    """A conversation as people know it, and who sees it."""

    name: str  # "" for a direct message
    kind: Literal["public", "private", "direct"]
    members: int


class Messages(Protocol):
    """Slack's messages, for the actions that read what people wrote (sentiment, extraction)."""

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        """Return a thread's messages, oldest first, all pages, at most 1,000."""

    async def since(self, channel: str, oldest: float, most: int) -> ChannelTalk:
        """Return what people said in a channel since a moment, at most so many messages, the newest."""

    async def place(self, channel: str) -> Place:
        """Return what a conversation is called and who sees it."""

    async def permalink(self, channel: str, ts: str) -> str:
        """Return a message's address; "" where Slack does not tell."""

    async def name(self, user: str) -> str:
        """Return what a person is called."""

    async def utc_offset_seconds(self, user: str) -> int:
        """Return how much a person's clock is ahead of UTC."""


class Handler(Protocol):
    """An async generator of pieces; the first line of its docstring is its help."""

    def __call__(self, request: Request, services: Services) -> Pieces:
        """Yield the pieces of the answer; raise UserError."""
