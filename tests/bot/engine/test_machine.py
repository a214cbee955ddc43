"""The defaults fit the machine: threads and the pace of prompts."""

from pathlib import Path

import pytest

from bot.engine import cores
from bot.engine.prefill_budget import LEAST_TOKENS, SILENT_SECONDS, SPEAKING_SECONDS, PrefillBudget


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


def test_prompts_hold_up_a_stream_no_longer_than_allowed() -> None:
    pace = PrefillBudget(512)
    for _ in range(20):
        pace.note(100, 100 * 0.005)
    assert pace.room(speaking=True) == pytest.approx(SPEAKING_SECONDS / 0.005, abs=2)
    assert pace.room(speaking=False) == pytest.approx(SILENT_SECONDS / 0.005, abs=2)


def test_a_very_slow_machine_still_goes_on_and_a_fast_one_is_bounded() -> None:
    slow, fast = PrefillBudget(512), PrefillBudget(512)
    slow.note(100, 1000.0)
    fast.note(100, 0.0001)
    assert slow.room(speaking=True) == LEAST_TOKENS
    assert fast.room(speaking=True) == 512
