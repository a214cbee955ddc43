"""A channel says how the assistant behaves in it: shown with buttons, changed by a word or a press."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from handlers.pieces import Choices, Text, UserError
from handlers.ports import NoTeam
from handlers.request import ChannelWishes, Request, Services
from handlers.settings import settings
from handlers.text.language import request_language


@dataclass
class Kept:
    """The wishes of one channel."""

    wishes: ChannelWishes = field(default_factory=ChannelWishes)

    async def of(self, team: str, channel: str) -> ChannelWishes:
        return self.wishes

    async def change(self, team: str, channel: str, name: str, value: str) -> None:
        kept: object = value if name in {"listens", "language"} else value == "on"
        self.wishes = replace(self.wishes, **{name: kept})  # type: ignore[arg-type]


Run = Callable[[Request], Awaitable[list[object]]]


@pytest.fixture
def kept() -> Kept:
    """The channel's wishes."""
    return Kept()


@pytest.fixture
def run(services: Services, kept: Kept) -> Run:
    """Run the handler."""

    async def done(request: Request) -> list[object]:
        return [piece async for piece in settings(request, replace(services, channels=kept))]

    return done


async def test_each_setting_is_shown_with_buttons_for_what_else_there_is(
    run: Run, asked: Callable[..., Request]
) -> None:
    rows = [piece for piece in await run(asked("settings")) if isinstance(piece, Choices)]
    assert [[choice.text for choice in row.choices] for row in rows] == [
        ["listens mention", "listens questions"], ["documents off"], ["receipts off"],
        ["language en", "language fr"], [""],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wish", ["listens questions", "documents off", "Receipts OFF", "listens mention", "language fr"]
)
async def test_a_wish_is_kept_and_shown(run: Run, asked: Callable[..., Request], kept: Kept, wish: str) -> None:
    before = kept.wishes
    assert Text("Noted for this channel.") in await run(asked("settings", wish))
    assert kept.wishes != before


@pytest.mark.parametrize("wish", ["listens loudly", "documents", "colour blue"])
async def test_what_is_no_setting_gets_a_sentence(run: Run, asked: Callable[..., Request], wish: str) -> None:
    with pytest.raises(UserError, match="listens mention"):
        await run(asked("settings", wish))


async def test_several_wishes_are_kept_together(run: Run, asked: Callable[..., Request], kept: Kept) -> None:
    await run(asked("settings", "listens mention;documents off;language fr"))
    assert (kept.wishes.listens, kept.wishes.documents, kept.wishes.language) == ("mention", False, "fr")


class Outside(NoTeam):
    """A team in which nobody is a member of the channel, and one is an admin."""

    async def is_admin(self, user: str) -> bool:
        return user == "UADMIN"

    async def is_member(self, channel: str, user: str) -> bool:
        return False


@pytest.mark.parametrize(("language", "sentence"), [("en", "Only members"), ("fr", "Seuls les membres")])
async def test_who_only_looks_in_changes_nothing(
    services: Services, asked: Callable[..., Request], kept: Kept, language: str, sentence: str
) -> None:
    outside = replace(services, channels=kept, team=Outside())
    with pytest.raises(UserError, match=sentence):
        [piece async for piece in settings(asked("settings", "documents off", language=language), outside)]
    assert kept.wishes == ChannelWishes()
    [piece async for piece in settings(asked("settings", "documents off", user="UADMIN"), outside)]
    assert not kept.wishes.documents


@pytest.mark.parametrize("question", ["How many days?", "Combien de jours ?", ""])
def test_a_channels_language_is_that_of_all_that_is_said_in_it(asked: Callable[..., Request], question: str) -> None:
    assert request_language(asked("ask", question, channel_language="fr", language="en")) == "fr"


async def test_it_speaks_french(run: Run, asked: Callable[..., Request]) -> None:
    shown = await run(asked("settings", language="fr"))
    assert isinstance(shown[0], Choices)
    assert "J'écoute" in shown[0].markdown


async def test_a_direct_message_has_none(run: Run, asked: Callable[..., Request]) -> None:
    with pytest.raises(UserError, match="channel"):
        await run(asked("settings", channel="D1"))
