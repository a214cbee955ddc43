"""The audit trail: who did what with which document, by the day, and never a word of anybody."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.audit import Audit, read
from tests.conftest import ROOT, clean_environ


def test_lines_are_found_by_document_person_and_day(tmp_path: Path) -> None:
    audit = Audit(tmp_path, 30)
    audit.write("added", person="U1", document="d1", channel="C1")
    audit.write("answered", person="U2", documents=["d1", "d2"], thread="")
    audit.write("removed", document="d2", by="slack")
    assert [line["kind"] for line in read(tmp_path)] == ["added", "answered", "removed"]
    assert [line["kind"] for line in read(tmp_path, document="d2")] == ["answered", "removed"]
    assert [line["kind"] for line in read(tmp_path, document="d1", person="U2")] == ["answered"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert list(read(tmp_path, since=tomorrow)) == []
    assert "thread" not in next(read(tmp_path, document="d2"))


def test_days_that_are_older_than_is_kept_go_and_others_stay(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    for age in (1, 29, 31):
        (tmp_path / f"{today - timedelta(days=age)}.jsonl").write_text('{"kind": "asked"}\n')
    Audit(tmp_path, 30).write("asked", person="U1")
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert len(list(read(tmp_path))) == 3


def test_nobody_else_of_the_machine_reads_it(tmp_path: Path) -> None:
    Audit(tmp_path / "audit", 30).write("asked", person="U1")
    [file] = (tmp_path / "audit").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("audit", [Audit(), Audit(None, 30)])
def test_without_a_folder_nothing_is_written(audit: Audit) -> None:
    audit.write("asked", person="U1")


def test_with_no_days_nothing_is_written(tmp_path: Path) -> None:
    Audit(tmp_path, 0).write("asked", person="U1")
    assert list(tmp_path.iterdir()) == []


async def test_lines_of_many_writers_stay_whole(tmp_path: Path) -> None:
    audits = [Audit(tmp_path, 30) for _ in range(8)]

    def write(audit: Audit) -> None:
        for number in range(200):
            audit.write("answered", person="U1", documents=[f"d{number}"] * 50)

    await asyncio.gather(*(asyncio.to_thread(write, audit) for audit in audits))
    assert len(list(read(tmp_path))) == 1600


def test_the_command_shows_what_was_asked_for(tmp_path: Path) -> None:
    Audit(tmp_path / "audit", 30).write("removed", person="U1", document="d1")
    Audit(tmp_path / "audit", 30).write("removed", person="U2", document="d2")
    shown = subprocess.run(
        [sys.executable, "-m", "bot", "audit", "--person", "U2"],
        env=clean_environ() | {"DATA_DIR": str(tmp_path), "PYTHONPATH": os.fspath(ROOT)},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    [line] = map(json.loads, shown.stdout.splitlines())
    assert line["document"] == "d2"
