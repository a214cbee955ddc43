"""What the ways to a model's file have in common: progress, failure, and the checksum that decides."""

import hashlib
from collections.abc import Callable
from pathlib import Path

Report = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)


class DownloadFailed(Exception):
    """Why a file could not be had from one source."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
