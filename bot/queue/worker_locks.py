"""Which worker processes of this machine are dead: each holds a lock that the kernel frees when the process ends."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path


class WorkerLocks:
    """A folder with a locked file for each worker process that lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: int | None = None

    def hold(self, name: str) -> None:
        """Say that this process lives, until it ends or lets go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held = os.open(self._folder / name, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def let_go(self, name: str) -> None:
        """End kindly."""
        if self._held is not None:
            (self._folder / name).unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def dead(self) -> list[str]:
        """Return the workers that ended without letting go."""
        files = self._folder.iterdir() if self._folder.exists() else ()
        return [file.name for file in files if _is_free(file)]

    def bury(self, names: Iterable[str]) -> None:
        """Forget dead ones, after their work was taken over."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)


def _is_free(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:  # it let go just now
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
