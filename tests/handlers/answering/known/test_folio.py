"""Who Folio is, privacy, thanks, greetings: at once, alike in chat and by command, in the language of the sentence."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.request import Request, Services
from handlers.text.messages import say
from indexing.library import Library, Receipt
from tests.handlers.conftest import ScriptedModel, Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]


@pytest.mark.parametrize("action", ["ask", "chat"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("who are you?", say("folio.identity", "en")),
        ("que sais-tu faire ?", say("folio.abilities", "fr")),
        ("Who can see my documents?", say("folio.privacy", "en")),
        ("où vont mes données ?", say("folio.privacy", "fr")),
        ("thanks!", say("folio.thanks", "en")),
        ("merci beaucoup", say("folio.thanks", "fr")),
        ("hello", say("chat.greeting", "en")),
        (
            "Who are you and do you send our data outside?",
            f"{say('folio.identity', 'en')}\n\n{say('folio.privacy', 'en')}",
        ),
        ("Bonjour, qui peut lire mes messages ?", say("folio.privacy", "fr")),
    ],
)
async def test_it_is_said_at_once_without_a_search_or_the_model(
    action: str, text: str, expected: str, do: Do, asked: Asked, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> object:
        raise AssertionError("searched")

    monkeypatch.setattr(Library, "search", never)
    shown = await do(asked(action, text))
    assert (shown.text, shown.sources, model.asked) == (expected, [], [])


async def test_how_a_document_is_removed_is_told_and_nothing_removed(
    shares: Shares, do: Do, asked: Asked, services: Services
) -> None:
    await shares("handbook.md", "Paid leave is 27 days.")
    request = asked("chat", "please remove the handbook")
    assert "`docs remove handbook.md`" in (await do(request)).text
    assert await services.library.count_documents(request.audience) == 1
