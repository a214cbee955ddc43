"""Ports of the handlers: models, who is an admin, how a thread is told, and how much may be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexing.vectors import Vectors


class Reader(Protocol):
    """A model that reads a question and a line together."""

    async def scores(self, question: str, lines: Sequence[str]) -> Vectors:
        """Return [n]: the log odds that each line answers the question."""


class Classifier(Protocol):
    """Tells positive from negative: an embedding with a trained head, or the language model."""

    async def classify(self, texts: Sequence[str]) -> Vectors:
        """Return the probability that each text is positive [n]; raise HeadDoesNotFit."""


@dataclass(frozen=True)
class Attention:
    """One sentence's way through the encoder, recomputed step by step."""

    tokens: tuple[str, ...]  # as the model sees them, marks and prompt included
    ids: tuple[int, ...]  # their numbers in the vocabulary
    scores: Vectors  # [layers, heads, tokens, tokens]: query times key, divided by the root of the head's width
    weights: Vectors  # [layers, heads, tokens, tokens]: softmax of each row of scores
    shares: Vectors  # [tokens]: what the pooled vector takes from each token; they sum to 1


class HeadDoesNotFit(Exception):
    """The sentiment head was trained for another embedding model than the one that runs."""


class TooManyTokens(Exception):
    """The sentence does not fit into a picture."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"{tokens} tokens, at most {limit}")
        self.tokens, self.limit = tokens, limit


class AttentionProbe(Protocol):
    """The embedding model, looked at from inside."""

    async def attend(self, sentence: str) -> Attention:
        """Return the attention of every layer and head; raise TooManyTokens."""


class Team(Protocol):
    """What the workspace knows of its people, and the way to tell a thread what was done in it."""

    async def is_admin(self, user: str) -> bool:
        """Tell whether somebody is an admin or owner of the workspace, or named by the settings."""

    async def is_member(self, channel: str, user: str) -> bool:
        """Tell whether somebody is in a channel, and not only allowed to look at it."""

    async def tell(self, channel: str, thread: str, user: str, sentence: str) -> None:
        """Tell a thread what this person did; nothing is told where the thread is gone."""


class NoTeam:
    """A workspace without admins, in which nobody is told anything."""

    async def is_admin(self, user: str) -> bool:
        """Tell that nobody is one."""
        return False

    async def is_member(self, channel: str, user: str) -> bool:
        """Tell that everybody is."""
        return True

    async def tell(self, channel: str, thread: str, user: str, sentence: str) -> None:
        """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class OpenQuestion:
    """What somebody asked and the documents did not answer."""

    id: str  # of the request
    channel: str
    thread: str
    user: str
    text: str  # so that it stands alone
    language: str
    at: float  # seconds since the epoch


class OpenQuestions(Protocol):
    """What could not be answered yet."""

    async def keep(self, question: OpenQuestion) -> None:
        """Keep a question; one with the same id takes its place."""

    async def drop(self, channel: str, question_id: str) -> bool:
        """Let a question go; tell whether it was there."""

    async def get(self, channel: str, question_id: str) -> OpenQuestion | None:
        """Return a question; None if it is not kept."""

    async def all(self) -> list[OpenQuestion]:
        """Return all that are kept, newest first."""

    async def of_person(self, user: str) -> list[OpenQuestion]:
        """Return what somebody asked, newest first."""

    async def forget_person(self, user: str) -> int:
        """Forget what somebody asked; return how much."""

    async def forget_thread(self, channel: str, thread: str) -> int:
        """Forget what was asked in a thread; return how much."""


class NoOpenQuestions:
    """Nothing is kept of what could not be answered."""

    async def keep(self, question: OpenQuestion) -> None:
        """Keep nothing."""

    async def drop(self, channel: str, question_id: str) -> bool:
        """Tell that nothing was there."""
        return False

    async def get(self, channel: str, question_id: str) -> OpenQuestion | None:
        """Return nothing."""
        return None

    async def all(self) -> list[OpenQuestion]:
        """Return nothing."""
        return []

    async def of_person(self, user: str) -> list[OpenQuestion]:
        """Return nothing."""
        return []

    async def forget_person(self, user: str) -> int:
        """Forget nothing."""
        return 0

    async def forget_thread(self, channel: str, thread: str) -> int:
        """Forget nothing."""
        return 0


@dataclass(frozen=True)
class WeekFigures:
    """What was counted in a week; zeros where nothing was."""

    answered: int = 0
    unanswered: int = 0  # the documents said nothing sure
    failed: int = 0
    good: int = 0  # thumbs
    bad: int = 0
    unread_pages: int = 0
    slowest: str = ""  # the action that took longest
    slowest_seconds: float = 0
    night_at: float = 0  # when all was last compared with Slack, in seconds since the epoch
    night_documents: int = 0


class Figures(Protocol):
    """What is counted for the people who run the assistant."""

    async def add(self, name: str, count: int = 1) -> None:
        """Count something that happened today."""

    async def took(self, action: str, seconds: float) -> None:
        """Note how long a request took."""

    async def week(self) -> WeekFigures:
        """Return what was counted in the last seven days."""


class NoFigures:
    """Nothing is counted."""

    async def add(self, name: str, count: int = 1) -> None:
        """Count nothing."""

    async def took(self, action: str, seconds: float) -> None:
        """Note nothing."""

    async def week(self) -> WeekFigures:
        """Return zeros."""
        return WeekFigures()


class ReadingQuota(Protocol):
    """How long files of one person may be read in a day."""

    async def is_spent(self, user: str) -> bool:
        """Tell whether this person's files were read for long enough today."""

    async def spend(self, user: str, seconds: float) -> None:
        """Count the seconds in which a file was read."""


class NoQuota:
    """Files may be read as long as it takes."""

    async def is_spent(self, user: str) -> bool:
        """Tell that nothing is."""
        return False

    async def spend(self, user: str, seconds: float) -> None:
        """Count nothing."""
