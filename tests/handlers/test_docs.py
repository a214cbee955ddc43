"""The list of documents: what may be seen here, removed only where it was shared, by those who still see it."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.pieces import Choices, UserError
from handlers.request import Request, Services
from handlers.text.messages import say
from indexing.audience import Audience
from indexing.library import Receipt
from tests.handlers.conftest import Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]
BOTH = Audience(frozenset({"C1", "C2"}))


def rows(shown: Shown) -> list[Choices]:
    return [piece for piece in shown.pieces if isinstance(piece, Choices)]


async def test_the_list_shows_what_may_be_seen_and_nothing_else(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("handbook.md", "Paid leave is 27 days.")
    await shares("salaries.md", "Dora earns 91,250 euros.", channel="C9")
    (row,) = rows(await do(asked("docs")))
    assert "handbook.md" in row.markdown
    assert row.choices[0].confirm


async def test_a_document_of_another_conversation_has_no_button_here(shares: Shares, do: Do, asked: Asked) -> None:
    receipt = await shares("handbook.md", "Paid leave is 27 days.", channel="C2")
    (row,) = rows(await do(asked("docs", audience=BOTH)))
    assert not row.choices
    with pytest.raises(UserError, match="another conversation"):
        await do(asked("docs", document=receipt.document.id, audience=BOTH))


async def test_the_button_removes_it_from_this_conversation_only(
    shares: Shares, do: Do, asked: Asked, services: Services
) -> None:
    receipt = await shares("handbook.md", "Paid leave is 27 days.")
    await shares("handbook.md", "Paid leave is 27 days.", channel="C2")
    await do(asked("docs", document=receipt.document.id))
    assert await services.library.documents(Audience(frozenset({"C1"}))) == []
    assert len(await services.library.documents(Audience(frozenset({"C2"})))) == 1


async def test_a_button_pressed_by_one_who_may_not_see_it_does_nothing(
    shares: Shares, do: Do, asked: Asked, services: Services
) -> None:
    receipt = await shares("handbook.md", "Paid leave is 27 days.")
    with pytest.raises(UserError, match="not here any more"):
        await do(asked("docs", document=receipt.document.id, audience=Audience(frozenset({"C3"}))))
    assert len(await services.library.documents(Audience(frozenset({"C1"})))) == 1


async def test_removing_by_name_asks_first(shares: Shares, do: Do, asked: Asked, services: Services) -> None:
    await shares("handbook.md", "Paid leave is 27 days.")
    request = asked("docs", "remove handbook")
    (row,) = rows(await do(request))
    assert row.choices[0].confirm
    assert await services.library.documents(request.audience)


async def test_an_unknown_name_gets_those_that_look_like_it(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("handbook.md", "Paid leave is 27 days.")
    with pytest.raises(UserError, match=r"handbook\.md"):
        await do(asked("docs", "remove hanbdook.md"))


async def test_without_documents_it_says_how_to_share_one(do: Do, asked: Asked) -> None:
    assert (await do(asked("docs"))).text == say("docs.none", "en")
