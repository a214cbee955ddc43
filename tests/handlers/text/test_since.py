"""Since when: the words of people in both languages, and what is no time."""

from datetime import datetime, timedelta, timezone

import pytest

from handlers.text.since import NoSuchTime, since_when

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=timezone(timedelta(hours=1)))  # a Wednesday


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("#general since Monday", "2026-11-23 00:00"), ("#general depuis lundi", "2026-11-23 00:00"),
        ("since Wednesday", "2026-11-18 00:00"), ("depuis mercredi dernier", "2026-11-18 00:00"),
        ("since last Friday, in French", "2026-11-20 00:00"),
        ("since yesterday", "2026-11-24 00:00"), ("ce canal depuis hier ?", "2026-11-24 00:00"),
        ("since this morning", "2026-11-25 00:00"), ("depuis ce matin", "2026-11-25 00:00"),
        ("depuis aujourd'hui", "2026-11-25 00:00"), ("since last week", "2026-11-16 00:00"),
        ("depuis la semaine dernière", "2026-11-16 00:00"), ("depuis cette semaine", "2026-11-23 00:00"),
        ("since 3 days", "2026-11-22 14:30"), ("depuis 2 heures", "2026-11-25 12:30"),
        ("since a week ago", "2026-11-18 14:30"),
        ("the last 3 days", "2026-11-22 14:30"), ("les 2 dernières semaines", "2026-11-11 14:30"),
        ("since 2026-11-02", "2026-11-02 00:00"), ("since 12 November", "2026-11-12 00:00"),
        ("since December 1", "2025-12-01 00:00"), ("depuis le 1er novembre", "2026-11-01 00:00"),
        ("since 9:15", "2026-11-25 09:15"), ("depuis 16h", "2026-11-24 16:00"), ("since 9 am", "2026-11-25 09:00"),
        ("since 2pm", "2026-11-25 14:00"),
    ],
)  # fmt: skip
def test_the_words_of_people_are_moments(text: str, wanted: str) -> None:
    moment = since_when(text, NOW)
    assert moment
    assert f"{moment:%Y-%m-%d %H:%M}" == wanted


@pytest.mark.parametrize(
    "text", ["since the fall of Rome", "depuis que Bob est là", "since 2030-01-01", "since 31 February"]
)
def test_what_is_no_time_is_said_so(text: str) -> None:
    with pytest.raises(NoSuchTime):
        since_when(text, NOW)


@pytest.mark.parametrize("text", ["this thread", "#general", "handbook.pdf"])
def test_nothing_said_is_nothing(text: str) -> None:
    assert since_when(text, NOW) is None
