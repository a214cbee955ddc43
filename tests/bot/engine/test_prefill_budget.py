"""The pace of prompts beside streams that people read."""

import pytest

from bot.engine.prefill_budget import DECODING_SECONDS, IDLE_SECONDS, LEAST_TOKENS, PrefillBudget


def test_prompts_hold_up_a_stream_no_longer_than_allowed() -> None:
    pace = PrefillBudget(512)
    for _ in range(20):
        pace.note(100, 100 * 0.005)
    assert pace.room(decoding=True) == pytest.approx(DECODING_SECONDS / 0.005, abs=2)
    assert pace.room(decoding=False) == pytest.approx(IDLE_SECONDS / 0.005, abs=2)


def test_a_very_slow_machine_still_goes_on_and_a_fast_one_is_bounded() -> None:
    slow, fast = PrefillBudget(512), PrefillBudget(512)
    slow.note(100, 1000.0)
    fast.note(100, 0.0001)
    assert slow.room(decoding=True) == LEAST_TOKENS
    assert fast.room(decoding=True) == 512
