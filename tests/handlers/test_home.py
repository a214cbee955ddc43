"""The app's Home: one's own documents with who may read them, one's open questions; figures for admins alone."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from handlers.home import home
from handlers.pieces import Choices
from handlers.ports import NoFigures, NoOpenQuestions, NoTeam, OpenQuestion, WeekFigures
from handlers.request import Request, Services
from indexing.audience import Audience
from indexing.library import Receipt

Asked = Callable[..., Request]
Shares = Callable[..., Awaitable[Receipt]]
ALL = Audience(frozenset({"C1", "P1", "D1"}))


class Admins(NoTeam):
    """A team in which U1 is an admin."""

    async def is_admin(self, user: str) -> bool:
        return user == "U1"


class Counted(NoFigures):
    """Figures of the test."""

    async def week(self) -> WeekFigures:
        return WeekFigures(answered=40, unanswered=7, bad=2, slowest="recap", slowest_seconds=71.2, night_at=1.0)


@dataclass
class Open(NoOpenQuestions):
    """One open question, of U2."""

    async def of_person(self, user: str) -> list[OpenQuestion]:
        asked = OpenQuestion(
            id="1", channel="C1", thread="1.0", user="U2", text="What does the canteen cost?", language="en",
            at=time.time(),
        )  # fmt: skip
        return [asked] if user == "U2" else []


async def shown(request: Request, services: Services) -> tuple[str, list[str]]:
    """Return all text of a Home, and its buttons' actions."""
    services = replace(
        services, team=Admins(), figures=Counted(), questions=Open(), shown_settings={"BOT_MEMORY_DAYS": "90"}
    )
    rows = [piece async for piece in home(replace(request, audience=ALL), services) if isinstance(piece, Choices)]
    return "\n".join(row.markdown for row in rows), [choice.action for row in rows for choice in row.choices]


@pytest.mark.parametrize(
    ("language", "public", "private"),
    [("en", "since the channel is public", "its 3 members"), ("fr", "car le canal est public", "ses 3 membres")],
)
async def test_ones_documents_say_where_they_may_be_read_and_why(
    asked: Asked, services: Services, shares: Shares, language: str, public: str, private: str
) -> None:
    await shares("handbook.txt", "Employees get 27 days.", channel="C1", user="U2", ts="1.0")
    await shares("handbook.txt", "Employees get 27 days.", channel="P1", user="U2", ts="2.0")
    await shares("others.txt", "Soup on Monday.", channel="C1", user="U1", ts="3.0")
    text, buttons = await shown(asked("home", user="U2", language=language), services)
    assert "handbook.txt" in text
    assert public in text
    assert private in text
    assert "others.txt" not in text
    assert "What does the canteen cost?" in text
    assert buttons == ["forget_me"]


@pytest.mark.parametrize(("user", "sees"), [("U1", True), ("U2", False)])
async def test_figures_and_settings_are_for_admins(asked: Asked, services: Services, user: str, sees: bool) -> None:
    text, _ = await shown(asked("home", user=user), services)
    for words in (
        "40 requests done, 7 of them without",
        "2 thumbs down",
        "recap, 71 s",
        "1970-01-01",
        "BOT_MEMORY_DAYS = 90",
    ):
        assert (words in text) == sees
