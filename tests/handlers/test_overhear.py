"""Questions under a document that nobody gave to us: answered from it, or passed over in silence."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from handlers.request import Request
from tests.handlers.conftest import ScriptedModel, Shown

Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Any]]
HANDBOOK = "The office opens at 7:30 in the morning and closes at 19:00 in the evening."


async def test_what_the_document_answers_is_answered(
    do: Do, asked: Callable[..., Request], shares: Shares, model: ScriptedModel
) -> None:
    await shares("handbook.txt", HANDBOOK, ts="5.0")
    model.says("The office opens at 7:30 in the morning [1].")
    shown = await do(asked("overhear", "When does the office open in the morning?", thread="5.0", unasked=True))
    assert "7:30" in shown.text
    assert shown.sources[0].passage.document == "handbook.txt"


@pytest.mark.parametrize("question", ["Who brings the projector to lunch tomorrow?", "Shall we go for a beer?"])
async def test_what_it_does_not_answer_is_passed_over(
    do: Do, asked: Callable[..., Request], shares: Shares, question: str
) -> None:
    await shares("handbook.txt", HANDBOOK, ts="5.0")
    assert (await do(asked("overhear", question, thread="5.0", unasked=True))).pieces == []


async def test_a_question_to_everybody_is_answered_from_the_channels_documents(
    do: Do, asked: Callable[..., Request], shares: Shares, model: ScriptedModel
) -> None:
    """Where the channel wants that; what is shared elsewhere does not count."""
    await shares("secret.txt", HANDBOOK, channel="C9", ts="4.0")
    question = "When does the office open in the morning?"
    assert (await do(asked("overhear", question, unasked=True))).pieces == []
    await shares("handbook.txt", HANDBOOK + " Welcome.", ts="5.0")
    model.says("The office opens at 7:30 in the morning [1].")
    assert "7:30" in (await do(asked("overhear", question, unasked=True))).text


async def test_another_threads_document_is_not_looked_at(do: Do, asked: Callable[..., Request], shares: Shares) -> None:
    await shares("handbook.txt", HANDBOOK, ts="5.0")
    shown = await do(asked("overhear", "When does the office open in the morning?", thread="6.0", unasked=True))
    assert shown.pieces == []


async def test_what_the_model_refuses_is_passed_over(
    do: Do, asked: Callable[..., Request], shares: Shares, model: ScriptedModel
) -> None:
    """The search finds it likely, the model does not."""
    await shares("handbook.txt", HANDBOOK, ts="5.0")
    model.doubt = 0.999
    model.says("I did not find this.")
    shown = await do(asked("overhear", "When does the office open at night?", thread="5.0", unasked=True))
    assert shown.text == ""
    assert shown.sources == []
