"""The workspace's memory on disk: rows of JSON in SQLite, written a moment behind."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

logger = structlog.get_logger()

WRITE_SECONDS = 0.2  # how much a kill may lose
RETRY_SECONDS = 2.0  # after a write that failed

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
        """Write what changed, until cancelled; what can't be written, as on a full disk, is tried again."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            changed, self._changed = self._changed, {}
            try:
                await asyncio.shield(asyncio.to_thread(self._write, _rows(changed)))
            except sqlite3.OperationalError as failure:
                self._changed = changed | self._changed
                logger.warning("the workspace can't be written", reason=str(failure), again_seconds=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Write the rest."""
        try:
            self._write(_rows(self._changed))
        finally:
            self._database.close()

    def _write(self, rows: list[tuple[str, str, str | None]]) -> None:
        if not rows:
            return
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", [row for row in rows if row[2] is not None]
            )
            self._database.executemany(
                "DELETE FROM rows WHERE kind = ? AND key = ?", [row[:2] for row in rows if row[2] is None]
            )


def _rows(changed: dict[tuple[str, str], Row | None]) -> list[tuple[str, str, str | None]]:
    """Return kind, key and JSON of each; None for a row that is gone."""
    return [(kind, key, None if row is None else json.dumps(row)) for (kind, key), row in changed.items()]
