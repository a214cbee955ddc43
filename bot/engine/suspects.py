"""Which requests the engine was at when its process ended: they run alone next time, and a second time is the last."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.engine.errors import EngineDied

LAST_DEATH = 2  # ends of the process during a request, the second with no other beside it: it is the request's fault
MEMORY_SECONDS = 3600  # a request is tried again for about a minute


class Suspects:
    """A file for each request that runs, with the number of times the process has ended during it.

    A file that still says `running` when the engine starts belongs to a request during which it ended. That counts if
    it crashed: one that is killed because its parent was is nobody's fault. Nothing of a request but the hash of its id
    is written. Without a folder nothing is noted.
    """

    def __init__(self, folder: Path | None, *, crashed: bool = True) -> None:
        self._folder = folder
        self._running: Counter[str] = Counter()
        self._deaths: dict[str, int] = {}
        self._lock = threading.Lock()  # prompts are prepared beside the engine's thread
        if folder:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._read(folder, crashed)

    def _read(self, folder: Path, crashed: bool) -> None:
        for file in folder.iterdir():
            state, _, deaths = file.read_text("ascii").partition(" ")
            if file.stat().st_mtime < time.time() - MEMORY_SECONDS:
                file.unlink()
            else:
                self._deaths[file.name] = int(deaths or 0) + (crashed and state == "running")
                file.write_text(f"waiting {self._deaths[file.name]}", "ascii")

    @staticmethod
    def key(request_id: str | bytes) -> str:
        """Return the name under which a request is noted."""
        return hashlib.sha256(request_id.encode() if isinstance(request_id, str) else request_id).hexdigest()[:32]

    def is_suspect(self, key: str) -> bool:
        """Tell whether the process has ended during this request; raise EngineDied if it must not run again."""
        deaths = self._deaths.get(key, 0)
        if deaths >= LAST_DEATH:
            raise EngineDied("the engine's process ended twice during this request")
        return deaths > 0

    def begin(self, key: str) -> None:
        """Note that a request is being worked on."""
        with self._lock:
            self._running[key] += 1
            if self._running[key] == 1:
                self._write(key, "running")

    def end(self, key: str) -> None:
        """Note that it is not any more."""
        with self._lock:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
                self._write(key, "waiting")

    def _write(self, key: str, state: str) -> None:
        if not self._folder or not key:
            return
        deaths = self._deaths.get(key, 0)
        if state == "running" or deaths:
            (self._folder / key).write_text(f"{state} {deaths}", "ascii")
        else:
            (self._folder / key).unlink(missing_ok=True)

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Note that a request is worked on while this lasts."""
        self.begin(key)
        try:
            yield
        finally:
            self.end(key)
