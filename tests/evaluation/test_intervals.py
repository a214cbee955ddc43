"""How sure a figure is, and whether two ways differ."""

import pytest

from tests.evaluation.intervals import mcnemar, mean_interval, share_interval, written


def test_a_share_of_few_questions_is_unsure() -> None:
    share, low, high = share_interval([True] * 9 + [False])
    assert share == pytest.approx(0.9)
    assert low < 0.65
    assert high > 0.97
    assert written((share, low, high)) == ".90 (.60-.98)"


def test_a_mean_lies_in_its_interval() -> None:
    mean, low, high = mean_interval([0.0, 1.0, 0.5, 0.5, 0.25])
    assert low < mean < high


def test_ways_that_differ_in_one_question_do_not_differ() -> None:
    assert mcnemar([True] * 10, [True] * 9 + [False]) == 1.0


def test_ways_that_differ_in_ten_questions_one_way_do() -> None:
    assert mcnemar([False] * 10 + [True] * 5, [True] * 15) < 0.01
