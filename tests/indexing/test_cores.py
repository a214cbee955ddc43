"""Threads fit the machine, or the container's share of it."""

from pathlib import Path

import pytest

from indexing import cores
from indexing.reading.pool import ReadingLimits


def test_hyperthreads_of_one_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n")
    monkeypatch.setattr(cores, "TOPOLOGY", tmp_path)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert cores.physical_cores() == 2


@pytest.mark.parametrize(("quota", "threads"), [("max 100000", 7), ("200000 100000", 1), ("50000 100000", 1)])
def test_a_containers_quota_bounds_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, threads: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(cores, "physical_cores", lambda: 8)
    assert cores.default_threads() == threads


@pytest.mark.parametrize(("quota", "period", "spare"), [("-1", "100000", 63), ("400000", "100000", 3)])
def test_the_first_version_of_cgroups_counts_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, period: str, spare: int
) -> None:
    (tmp_path / "quota").write_text(f"{quota}\n")
    (tmp_path / "period").write_text(f"{period}\n")
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "none")
    monkeypatch.setattr(cores, "OLD_QUOTA", tmp_path / "quota")
    monkeypatch.setattr(cores, "OLD_PERIOD", tmp_path / "period")
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(64)))
    assert cores.spare_cores() == spare


def test_readers_follow_the_quota_on_a_large_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores of a node with 64: three read beside the event loop."""
    (tmp_path / "cpu.max").write_text("400000 100000")
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(64)))
    assert ReadingLimits().side_by_side == 3
    assert ReadingLimits(processes=5).side_by_side == 5
