"""What changed between two editions: figures first, each side with its page, the newer one known by a date."""

from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from handlers.answering.known import known_answer
from handlers.answering.known.changes import differences_of
from handlers.answering.known.editions import first_date, number_in_names
from handlers.answering.lines import Line
from handlers.pieces import UserError
from handlers.request import Request, Services
from indexing.library import Receipt
from tests.handlers.conftest import Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]

OLD = """Remote work policy.

Full-time staff may work two days a week from home.

The monthly allowance for heating is 22 pounds.

Everybody is in the office on Mondays.

Lunch is served at noon in the canteen.
"""
NEW = """Remote work policy.

Full-time staff may work three days a week from home.

The monthly allowance for heating is 26 pounds.

Each team chooses its own day in the office.

Lunch is served at noon in the canteen.
"""


@pytest.mark.parametrize(
    "text",
    [
        "What changed between policy-2025.md and policy-2026.md?",
        "what changed between the 2025 and the 2026 policy",
        "what changed between policy-2026.md and policy-2025.md?",
        "What changed between the two versions of the policy?",
        "What is new in the latest version of the policy?",
        "what changed in policy-2026.md?",
        "Compare the old and the new policy.",
        "compare the two files here",
        "what are the differences between the two versions?",
        "Qu'est-ce qui a changé entre les deux versions de policy-2025.md ?",
        "Quelles sont les différences entre policy-2025.md et policy-2026.md ?",
    ],
)
async def test_changed_figures_stand_first_from_old_to_new_each_with_its_page(
    text: str, shares: Shares, do: Do, asked: Asked
) -> None:
    await shares("policy-2026.md", NEW, ts="100.0")
    await shares("policy-2025.md", OLD, ts="200.0")  # shared later, and still the older one
    shown = await do(asked("ask", text))
    changes = [line for line in shown.text.splitlines() if "→" in line]
    assert "two days a week" in changes[0].split("→")[0]
    assert "three days a week" in changes[0].split("→")[1]
    assert "22 pounds" in changes[1].split("→")[0]
    assert "2026" in shown.text.splitlines()[0]
    assert "Lunch" not in shown.text
    names = {source.passage.document for source in shown.sources}
    assert names == {"policy-2025.md", "policy-2026.md"}
    assert all(source.quote in OLD + NEW or " … " in source.quote for source in shown.sources)


async def test_documents_that_have_nothing_in_common_are_left_to_the_reader(
    shares: Shares, asked: Asked, services: Services
) -> None:
    await shares("parking.md", "Parking costs nothing.\n\nBikes are welcome.\n\nVans stay outside.")
    await shares("bread.md", "Bread rises slowly.\n\nMilk is kept cold.\n\nHoney never spoils.")
    assert await known_answer(asked("ask", "compare parking.md and bread.md"), services) is None


async def test_two_editions_that_say_the_same_are_said_to(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("policy-2025.md", OLD)
    await shares("policy-2026.md", OLD + "\n")
    shown = await do(asked("ask", "what changed between policy-2025.md and policy-2026.md?"))
    assert "no line that differs" in shown.text
    assert {source.passage.document for source in shown.sources} == {"policy-2025.md", "policy-2026.md"}


async def test_one_edition_alone_is_asked_about(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("policy-2025.md", OLD)
    with pytest.raises(UserError, match="Which two documents"):
        await do(asked("ask", "what changed between the two versions?"))


async def test_the_newest_edition_is_named_with_what_tells_it(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("policy-a.md", "In force from 1 March 2026.\n\n" + NEW, ts="100.0")
    await shares("policy.md", "In force from 1 February 2025.\n\n" + OLD, ts="200.0")
    await shares("policy-draft.md", "In force from 3 March 2026.\n\n" + NEW, ts="150.0")
    shown = await do(asked("ask", "Which is the newest edition of policy.md?"))
    assert shown.text.startswith("The newest edition is **policy-draft.md**")
    assert "2026-03-03" in shown.text
    assert "policy-a.md" not in shown.text  # another name is another document


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (["policy-2026.pdf"], (2026,)), (["tarif_2026-03-01.pdf"], (2026, 3, 1)), (["policy v3.1.pdf"], (3, 1)),
        (["Handbook"], ()), (["plan.pdf", "Plan of 2024"], (2024,)), (["order 12345.pdf"], ()),
    ],
)  # fmt: skip
def test_a_name_tells_the_edition(names: list[str], number: tuple[int, ...]) -> None:
    assert number_in_names(names) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Edition of 1 September 2026. Replaces that of 3 May 2024.", date(2026, 9, 1)),
        ("En vigueur le 1er mars 2026", date(2026, 3, 1)), ("Stand 2026-04-30", date(2026, 4, 30)),
        ("31 février 2026", None), ("no date", None),
    ],
)  # fmt: skip
def test_the_first_date_of_a_text_counts(text: str, day: date | None) -> None:
    assert first_date(text) == day


def test_a_clause_that_only_got_another_number_did_not_change() -> None:
    before = [Line(0, "4.2 Tools are borrowed for five days."), Line(0, "4.3 Bees are kept outside.")]
    after = [Line(0, "5.1 Tools are borrowed for five days."), Line(0, "5.2 Bees are kept inside.")]
    differences = differences_of(before, after)
    assert differences.same == 1
    assert [(old.text, new.text) for old, new in differences.wordings] == [(before[1].text, after[1].text)]
    assert not differences.figures
