"""The data folder: private to its owner, with room left, and used by one assistant at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import StartFailed
from bot.tcp_ports import describe

LEAST_FREE_BYTES = 100 * 2**20  # Redis and the vectors can't even begin with much less
LOCK = "in-use.lock"
OURS = frozenset({LOCK, "redis", "library", "workspace.sqlite3"})


def prepare(folder: Path) -> None:
    """Make the folder, for its owner alone; raise StartFailed where it can't be written or the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _is_ours(folder):
            folder.chmod(0o700)
    except OSError as error:
        raise StartFailed(
            f"DATA_DIR {folder} can't be made: {error.strerror}. Set DATA_DIR to another folder."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StartFailed(
            f"DATA_DIR {folder} can't be written. Give it to this user, or set DATA_DIR to another folder."
        )
    if (free := shutil.disk_usage(folder).free) < LEAST_FREE_BYTES:
        raise StartFailed(f"The disk is full: {free / 1e6:.0f} MB are free in {folder}. Make room, or set DATA_DIR.")


def empty(folder: Path) -> None:
    """Remove what a killed process left of files that were on their way."""
    if folder.exists():
        shutil.rmtree(folder)


def make_models_folder(folder: Path) -> None:
    """Make the folder of the model files, which are no secret; raise StartFailed where that can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(f"MODELS_DIR {folder} can't be made: {error.strerror}. Set it to another folder.") from error


def _is_ours(folder: Path) -> bool:
    """Tell a folder of this user for this alone from, say, a home or /tmp that somebody named; and from a volume."""
    names = {entry.name for entry in folder.iterdir()}
    return folder.stat().st_uid == os.geteuid() and (not names or not names.isdisjoint(OURS))


@contextmanager
def locked(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Hold the folder; raise StartFailed naming who holds it already. The kernel lets go when its holder dies."""
    descriptor = os.open(folder / name, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.pread(descriptor, 20, 0).decode("ascii", "replace")
        by = describe(int(written)) if written.isdecimal() else "another process"
        raise StartFailed(
            f"The data in {folder} are in use by {by}. Stop it first, or take another folder (DATA_DIR, --data)."
        ) from None
