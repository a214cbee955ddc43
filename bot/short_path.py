"""A socket's path that the kernel takes, however long the data folder's is."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

SOCKET_PATH_BYTES = 100  # the kernel takes 108 (Linux) or 104 (macOS), with the final zero


class PathTaken(Exception):
    """The link belongs to somebody else; the text says what to do."""


def short_path(path: Path) -> Path:
    """Return the path itself, or one through a link in the temporary folder; raise PathTaken."""
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(path.parent)).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"folio-{os.getuid()}-{name}"
    with suppress(FileExistsError):
        link.symlink_to(path.parent)
    if link.lstat().st_uid != os.getuid() or link.readlink() != path.parent:
        raise PathTaken(f"{link} belongs to somebody else. Remove it, or choose a shorter DATA_DIR.")
    return link / path.name
