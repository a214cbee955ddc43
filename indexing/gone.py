"""What Slack said is gone: hidden at once and never written again, before anything is tidied."""

from collections.abc import Collection
from typing import Protocol

from indexing.document import Share


class Gone(Protocol):
    """Knows which shares Slack has taken away; the gateway notes it, every worker asks."""

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        """Return those of the shares whose file, message or conversation is gone."""


class NothingGone:
    """For a library that nobody tells of anything: tests, evaluations, the command line."""

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        return frozenset()


class TakenBack(Exception):
    """The file was deleted, unshared or forgotten while it was read; nothing of it is kept."""

    def __init__(self, name: str) -> None:
        super().__init__("taken back while it was read")
        self.name = name
