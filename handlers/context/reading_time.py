"""How long files take to be read here, so that one that others have shared already takes as long as a new one."""

import random

FIRST_SECONDS = 0.1  # a passage, until a file was read: an embedding model on two cores
WEIGHT = 0.3  # of the newest file
SPREAD = 0.2  # no two files take exactly as long
LONGEST_SECONDS = 120.0


class ReadingPace:
    """The pace of this process, from the files that it read."""

    def __init__(self) -> None:
        self._seconds_a_passage = FIRST_SECONDS

    def note(self, passages: int, seconds: float) -> None:
        """Learn from a file that was new."""
        if passages:
            self._seconds_a_passage += WEIGHT * (seconds / passages - self._seconds_a_passage)

    def seconds(self, passages: int) -> float:
        """Return how long a new file of so many passages might take."""
        likely = passages * self._seconds_a_passage * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - no secret
        return min(LONGEST_SECONDS, likely)
