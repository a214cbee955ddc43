"""What is remembered of requests during which the engine's process ended."""

from pathlib import Path

import pytest

from bot.engine.errors import EngineDied
from bot.engine.suspects import MEMORY_SECONDS, Suspects

KEY, OTHER = Suspects.key("T1:C1:1"), Suspects.key("T1:C1:2")


def test_what_ended_leaves_nothing(tmp_path: Path) -> None:
    suspects = Suspects(tmp_path)
    suspects.begin(KEY)
    with suspects.at(KEY):
        pass
    assert len(list(tmp_path.iterdir())) == 1  # the first one still runs
    suspects.end(KEY)
    assert not list(tmp_path.iterdir())


def test_what_ran_when_the_process_ended_is_suspect_and_what_waited_is_not(tmp_path: Path) -> None:
    Suspects(tmp_path).begin(KEY)
    after = Suspects(tmp_path)
    assert after.is_suspect(KEY)
    assert not after.is_suspect(OTHER)


def test_the_second_end_is_the_last(tmp_path: Path) -> None:
    for _ in range(2):
        suspects = Suspects(tmp_path)
        suspects.is_suspect(KEY)
        suspects.begin(KEY)
    with pytest.raises(EngineDied):
        Suspects(tmp_path).is_suspect(KEY)


def test_an_end_while_a_suspect_waits_does_not_count_and_is_not_forgotten(tmp_path: Path) -> None:
    Suspects(tmp_path).begin(KEY)
    Suspects(tmp_path).begin(OTHER)
    after = Suspects(tmp_path)
    assert after.is_suspect(KEY)
    after.begin(KEY)
    after.end(KEY)
    assert Suspects(tmp_path).is_suspect(KEY)


def test_an_engine_that_was_killed_with_its_parent_has_no_suspects(tmp_path: Path) -> None:
    for _ in range(3):
        Suspects(tmp_path, crashed=False).begin(KEY)
    assert not Suspects(tmp_path, crashed=False).is_suspect(KEY)


def test_after_an_hour_it_is_forgotten(tmp_path: Path) -> None:
    import os

    Suspects(tmp_path).begin(KEY)
    old = (tmp_path / KEY).stat().st_mtime - MEMORY_SECONDS - 1
    os.utime(tmp_path / KEY, (old, old))
    assert not Suspects(tmp_path).is_suspect(KEY)
    assert not list(tmp_path.iterdir())


def test_nothing_of_a_request_is_written(tmp_path: Path) -> None:
    suspects = Suspects(tmp_path)
    suspects.begin(Suspects.key(b"my salary is 91,250"))
    assert all("salary" not in file.name + file.read_text() for file in tmp_path.iterdir())
