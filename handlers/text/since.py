"""Since when, in English and French: "since Monday", "depuis hier", "the last 3 days"; pure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from handlers.text.commands import without_accents

WEEKDAYS = (
    ("monday", "lundi"), ("tuesday", "mardi"), ("wednesday", "mercredi"), ("thursday", "jeudi"), ("friday", "vendredi"),
    ("saturday", "samedi"), ("sunday", "dimanche"),
)  # fmt: skip
MONTHS = (
    ("january", "janvier"), ("february", "fevrier"), ("march", "mars"), ("april", "avril"), ("may", "mai"),
    ("june", "juin"), ("july", "juillet"), ("august", "aout"), ("september", "septembre"), ("october", "octobre"),
    ("november", "novembre"), ("december", "decembre"),
)  # fmt: skip
UNITS = {
    "hour": timedelta(hours=1), "heure": timedelta(hours=1), "day": timedelta(days=1), "jour": timedelta(days=1),
    "week": timedelta(weeks=1), "semaine": timedelta(weeks=1),
}  # fmt: skip
_UNIT = rf"(?P<unit>{'|'.join(UNITS)})s?"
_MONTH = "|".join(name for names in MONTHS for name in names)
SINCE = re.compile(r"(?<!\w)(?:since|depuis)\s+(?P<when>.+)", re.DOTALL)
SPAN = re.compile(
    rf"(?<!\w)(?:(?:the |these )?(?:last|past) (?P<count>\d{{1,3}}) {_UNIT}"
    rf"|(?:les |ces |des )?(?P<count_fr>\d{{1,3}}) (?:derniers|dernieres) (?P<unit_fr>{'|'.join(UNITS)})s?)"
)
AGO = re.compile(rf"(?:il y a )?(?P<count>\d{{1,3}}|a|an|une?) {_UNIT}\b")
ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\b")
DAY = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)? (?:of )?(?P<month>{_MONTH})\b"
    rf"|(?P<month_first>{_MONTH}) (?P<day_after>\d{{1,2}})\b"
)
CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?: ?(?:h|:) ?(?P<minute>\d\d)?|(?= ?(?P<half>am|pm)\b))(?: ?(?P<half2>am|pm)\b)?"
)


class NoSuchTime(Exception):
    """What stands after "since" is no time that we know."""


def names_a_time(text: str) -> bool:
    """Tell whether a text says since when."""
    folded = without_accents(text)
    return bool(SINCE.search(folded) or SPAN.search(folded))


def since_when(text: str, now: datetime) -> datetime | None:
    """Return the moment that a text names, for somebody to whom it is `now`; None if it names none.

    Raises NoSuchTime for words that are no time, and for a time that is still to come.
    """
    folded = " ".join(without_accents(text).split())
    if span := SPAN.search(folded):
        return now - int(span["count"] or span["count_fr"]) * UNITS[span["unit"] or span["unit_fr"]]
    if not (since := SINCE.search(folded)):
        return None
    when = re.sub(
        r"^(?:the|le|la|l'|last|ce|cet|cette|this) (?!week\b|semaine\b|morning\b|matin\b|nuit\b)", "", since["when"]
    )
    for read in READERS:
        if (moment := read(when, now)) is not None:
            if moment > now:
                raise NoSuchTime
            return moment
    raise NoSuchTime


def _named(when: str, now: datetime) -> datetime | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    for words, moment in (
        (("today", "aujourd'hui", "this morning", "ce matin", "cette nuit"), today),
        (("yesterday", "hier"), today - timedelta(days=1)),
        (("this week", "cette semaine"), monday),
        (("last week", "la semaine derniere", "la semaine passee"), monday - timedelta(weeks=1)),
    ):
        if when.startswith(words):
            return moment
    return None


def _weekday(when: str, now: datetime) -> datetime | None:
    """Return the last day of this name before today."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for number, names in enumerate(WEEKDAYS):
        if when.startswith(names):
            return today - timedelta(days=(today.weekday() - number) % 7 or 7)
    return None


def _ago(when: str, now: datetime) -> datetime | None:
    if not (found := AGO.match(when)):
        return None
    return now - (int(found["count"]) if found["count"].isdigit() else 1) * UNITS[found["unit"]]


def _date(when: str, now: datetime) -> datetime | None:
    """Return the date, of the year that makes it the last one."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if found := ISO.match(when):
            return midnight.replace(year=int(found["year"]), month=int(found["month"]), day=int(found["day"]))
        if found := DAY.match(when):
            name, day = found["month"] or found["month_first"], int(found["day"] or found["day_after"])
            month = next(number for number, names in enumerate(MONTHS, 1) if name in names)
            date = midnight.replace(month=month, day=day)
            return date if date <= now else date.replace(year=now.year - 1)
    except ValueError:  # the 31st of February
        raise NoSuchTime from None
    return None


def _clock(when: str, now: datetime) -> datetime | None:
    """Return the time of day when it was last."""
    if not (found := CLOCK.match(when)):
        return None
    hour, half = int(found["hour"]), found["half"] or found["half2"]
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    minute = int(found["minute"] or 0)
    if hour > 23 or minute > 59:
        raise NoSuchTime
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment <= now else moment - timedelta(days=1)


READERS: tuple[Callable[[str, datetime], datetime | None], ...] = (_named, _weekday, _ago, _date, _clock)
