"""What Slack said is gone: hidden at once and never written again, before anything is tidied."""

from collections.abc import Collection
from typing import Protocol

from indexing.document import Share


class GoneSet(Protocol):
    """Knows which shares Slack has taken away; the gateway notes it, every worker asks."""

    async def among(self, shares: Collection[Share]) -> frozenset[Share]:
        """Return those of the shares whose file, message, conversation or person is gone."""

    async def forget_person(self, user: str) -> None:
        """Note that what this person shared until now is gone: a request that shares it may be begun again."""


class NothingGone:
    """For a library that nobody tells of anything: tests, evaluations, the command line."""

    async def among(self, _shares: Collection[Share]) -> frozenset[Share]:
        return frozenset()

    async def forget_person(self, _user: str) -> None:
        return


class TakenBack(Exception):
    """A share that is not kept. `reason`: taken_back (deleted, unshared or forgotten while the file was read) or
    replaced (the same person shared a newer file of this name in the same conversation)."""

    def __init__(self, reason: str = "taken_back") -> None:
        super().__init__(reason)
        self.reason = reason
