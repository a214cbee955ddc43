"""A folder that is followed: files that come, change or go do so in the library a moment later."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, awatch

from bot.folder.shares import FolderShares, ReportLine

SETTLED_MILLISECONDS = 2000  # a file that is being copied changes many times


async def watch(shares: FolderShares) -> AsyncIterator[ReportLine]:
    """Read the folder, then follow it without an end; tell of each file that came, changed or went.

    What changed between the first look and the watch is seen: the watch begins first.
    """
    changes = awatch(shares.wanted.folder, debounce=SETTLED_MILLISECONDS, watch_filter=None, rust_timeout=1000,
                     yield_on_timeout=True)  # fmt: skip
    is_first = True
    async for changed in changes:
        paths = set(shares.wanted.files()) if is_first else files_of({Path(path) for _, path in changed}, shares)
        for path in sorted(paths):
            line = await shares.read(path)
            if line.outcome != "known" or not is_first:
                yield line
        if is_first or any(kind == Change.deleted for kind, _ in changed):
            for line in await shares.remove_gone() if await asyncio.to_thread(shares.wanted.folder.is_dir) else ():
                yield line
        is_first = False


def files_of(paths: set[Path], shares: FolderShares) -> set[Path]:
    """Return the wanted files among changed paths; a folder that was moved here brings all of its own."""
    files: set[Path] = set()
    for path in paths:
        inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
        files |= {one for one in inside if shares.wanted.has(one)}
    return files
