"""The audit trail: who added, removed and asked, and from which documents the answer came; ids, never words."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

logger = structlog.get_logger()

FOLDER = "audit"  # in DATA_DIR
OWNER_ONLY = 0o600

Line = dict[str, Any]


class Audit:
    """Lines of JSON, one file a day, only ever appended to; each process writes whole lines in one step."""

    def __init__(self, folder: Path | None = None, days: int = 0) -> None:
        """Write into this folder and keep so many days; without a folder or days nothing is written."""
        self._folder = folder if days else None
        self._days = days
        self._today = ""

    def write(self, kind: str, **ids: object) -> None:
        """Append a line: added, removed, asked or answered, and who and what; empty fields are left out."""
        if not self._folder:
            return
        try:
            self._append(self._folder, kind, ids)
        except OSError as error:  # a full disk must not keep people from their answers
            logger.error("audit line lost", kind=kind, reason=error.strerror)

    def _append(self, folder: Path, kind: str, ids: Mapping[str, object]) -> None:
        now = datetime.now(UTC)
        if (today := now.date().isoformat()) != self._today:
            self._today = today
            self._prepare(folder, now.date())
        line = {"at": now.isoformat(timespec="seconds"), "kind": kind} | {
            name: value for name, value in ids.items() if value
        }
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(folder / f"{today}.jsonl", flags, OWNER_ONLY)
        try:
            os.write(file, (json.dumps(line) + "\n").encode())
        finally:
            os.close(file)

    def _prepare(self, folder: Path, today: date) -> None:
        """Make the folder, and drop the days that are older than is kept."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        oldest = (today - timedelta(days=self._days)).isoformat()
        for file in folder.glob("*.jsonl"):
            if file.stem < oldest:
                file.unlink(missing_ok=True)


def read(folder: Path, *, document: str = "", person: str = "", since: str = "") -> Iterator[Line]:
    """Return the lines about a document and by or about a person, from a day on, oldest first."""
    for file in sorted(folder.glob("*.jsonl")):
        if file.stem >= since:
            with file.open(encoding="utf-8") as lines:
                yield from (line for line in map(json.loads, lines) if _is_about(line, document, person))


def _is_about(line: Line, document: str, person: str) -> bool:
    documents = {line.get("document"), *line.get("documents", ())}
    return (not document or document in documents) and (not person or person in {line.get("person"), line.get("owner")})
