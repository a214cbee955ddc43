"""Who may read: the conversations whose documents one answer may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Audience:
    """The channels (Slack conversation ids) whose documents an answer may use.

    Empty means nothing at all: an audience that nobody resolved fails closed.
    """

    channels: frozenset[str] = frozenset()

    def __contains__(self, channel: object) -> bool:
        return channel in self.channels


NOBODY = Audience()
