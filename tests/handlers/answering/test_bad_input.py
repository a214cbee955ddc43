"""Questions as nobody should ask them: at the limit of length, in two languages at once."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.ask import LONGEST_QUESTION
from handlers.pieces import UserError
from handlers.request import Request
from indexing.language import language_of
from indexing.library import Receipt
from tests.handlers.conftest import ScriptedModel, Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]
QUESTION = "How many days of paid leave do full-time employees get each year?"


async def test_a_question_of_2000_characters_finds_its_line_and_one_more_is_refused(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("handbook.md", "Full-time employees get 27 days of paid leave each year.")
    model.says("Full-time employees get 27 days of paid leave each year.")
    longest = f"{'I ask this for my colleagues. ' * 100}"[: LONGEST_QUESTION - len(QUESTION) - 1] + f" {QUESTION}"
    assert len(longest) == LONGEST_QUESTION
    shown = await do(asked("ask", longest))
    assert "27 days" in " ".join([shown.text, *(source.quote for source in shown.sources)])
    with pytest.raises(UserError, match="at most 2000"):
        await do(asked("ask", f"{longest}?"))


@pytest.mark.parametrize(
    "text",
    [
        f"{QUESTION} Combien de jours de congés payés ont les salariés à temps plein ?",
        f"Combien de jours de congés payés ont les salariés à temps plein ? {QUESTION}",
    ],
)
async def test_a_question_in_two_languages_is_answered_in_one(
    text: str, shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("handbook.md", "Full-time employees get 27 days of paid leave each year.")
    model.says("Full-time employees get 27 days of paid leave each year.", *["27"] * 3)
    shown = await do(asked("ask", text))
    assert shown.sources
    assert "27" in shown.text
    assert len({language_of(line) for line in shown.text.split("“")[0].splitlines() if len(line) > 40}) <= 1
