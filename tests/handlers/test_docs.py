"""The list of documents: what may be seen here, removed only where it was shared, by those who still see it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from handlers import HANDLERS
from handlers.pieces import Choices, UserError
from handlers.request import Request, Services
from handlers.text.messages import say
from indexing.audience import Audience
from indexing.library import Receipt
from indexing.vector_store import Payload, Where
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


@dataclass
class Told:
    """A workspace with one admin, and what its threads were told."""

    admins: frozenset[str] = frozenset({"UADMIN"})
    told: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def is_admin(self, user: str) -> bool:
        return user in self.admins

    async def tell(self, channel: str, thread: str, user: str, sentence: str) -> None:
        self.told.append((channel, thread, user, sentence))


async def run(request: Request, services: Services) -> Shown:
    return Shown([piece async for piece in HANDLERS[request.action](request, services)])


@pytest.mark.parametrize("how", ["pressed", "by name"])
async def test_what_somebody_else_shared_cannot_be_removed(
    shares: Shares, asked: Asked, services: Services, how: str
) -> None:
    """A guest of the conversation sees it, and no more; there is no button either."""
    receipt = await shares("rules.md", "Visitors wear a badge.", user="UBOB")
    request = asked("docs", document=receipt.document.id) if how == "pressed" else asked("docs", "remove rules")
    with pytest.raises(UserError, match="shared by somebody else"):
        await run(request, services)
    assert len(await services.library.documents(request.audience)) == 1
    (row,) = rows(await run(asked("docs"), services))
    assert not row.choices


async def test_an_admin_removes_any_and_the_thread_is_told(shares: Shares, asked: Asked, services: Services) -> None:
    receipt = await shares("rules.md", "Visitors wear a badge.", user="UBOB", ts="7.0")
    team = Told()
    request = asked("docs", user="UADMIN", document=receipt.document.id)
    await run(request, replace(services, team=team))
    assert await services.library.documents(request.audience) == []
    [(channel, thread, user, sentence)] = team.told
    assert (channel, thread, user) == ("C1", "7.0", "UADMIN")
    assert "rules.md" in sentence


async def test_removing_ones_own_copy_leaves_the_others(shares: Shares, asked: Asked, services: Services) -> None:
    receipt = await shares("rules.md", "Visitors wear a badge.", user="UBOB", ts="7.0")
    path = services.data_dir / "rules.md"
    share = receipt.document.shares[0]
    await services.library.add(path, replace(share, user="U1", ts="8.0", file_id="F8"))
    shown = await run(asked("docs", document=receipt.document.id), services)
    assert "somebody else shared it here" in shown.text
    [document] = await services.library.documents(Audience(frozenset({"C1"})))
    assert [share.user for share in document.shares] == ["UBOB"]


async def test_a_long_list_shows_the_newest_and_counts_the_others_without_reading_them(
    shares: Shares, do: Do, asked: Asked, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be a hundred thousand documents; what a list costs must not grow with them."""
    monkeypatch.setattr("handlers.docs.MOST_LISTED", 2)
    index = services.library._index
    for number in range(3):
        await shares(f"{number}.md", f"Rule number {number}.")
    limits: list[int] = []
    find = index.find

    async def counted(where: Where, *, limit: int = 0, order_by: str = "", descending: bool = False) -> list[Payload]:
        limits.append(limit)
        return await find(where, limit=limit, order_by=order_by, descending=descending)

    monkeypatch.setattr(index, "find", counted)
    shown = await do(asked("docs"))
    assert limits == [2]
    assert "3" in shown.text
    assert [row.markdown.split("**")[1] for row in rows(shown)[:2]] == ["2.md", "1.md"]
    assert rows(shown)[2].markdown == say("docs.more", "en", count=1)
