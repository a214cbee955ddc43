"""The workspace's memory on disk: rows of JSON in SQLite, written a moment behind."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WRITE_SECONDS = 0.2  # how much a kill may lose

Row = dict[str, Any]


class Store:
    """Rows by kind and key."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS rows (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._changed: dict[tuple[str, str], Row | None] = {}

    def read(self, kind: str) -> Iterator[tuple[str, Row]]:
        """Yield all rows of a kind, by key."""
        found = self._database.execute("SELECT key, value FROM rows WHERE kind = ? ORDER BY key", (kind,))
        for key, value in found:
            yield key, json.loads(value)

    def put(self, kind: str, key: str, row: Row | None) -> None:
        """Note that a row is new or changed, or gone (None)."""
        self._changed[kind, key] = row

    async def run(self) -> None:
        """Write what changed, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            if batch := self._take():
                await asyncio.shield(asyncio.to_thread(self._write, batch))

    def close(self) -> None:
        """Write the rest."""
        self._write(self._take())
        self._database.close()

    def _take(self) -> list[tuple[str, str, str | None]]:
        changed, self._changed = self._changed, {}
        return [(kind, key, None if row is None else json.dumps(row)) for (kind, key), row in changed.items()]

    def _write(self, batch: list[tuple[str, str, str | None]]) -> None:
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", [entry for entry in batch if entry[2] is not None]
            )
            self._database.executemany(
                "DELETE FROM rows WHERE kind = ? AND key = ?", [entry[:2] for entry in batch if entry[2] is None]
            )
