"""Passages that contradict each other: both are quoted, the newer first, and it is said which and why."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.request import Request
from indexing.library import Receipt
from tests.handlers.conftest import ScriptedModel, Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]

OLD = "Remote work.\n\nFull-time employees may work from home on two days of each week.\n\nLunch is at noon."
NEW = "Remote work.\n\nFull-time employees may work from home on three days of each week.\n\nLunch is at noon."
QUESTION = "On how many days of each week may full-time employees work from home?"


async def test_of_two_editions_the_newer_is_quoted_first_and_said_to_be_by_its_name(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("telework-2026.md", NEW, ts="100.0")
    await shares("telework-2024.md", OLD, ts="200.0")
    shown = await do(asked("ask", QUESTION))
    head, first, second = shown.text.splitlines()
    assert "first the newer one, **telework-2026.md** (newer by its name: 2026)" in head
    assert "telework-2026.md" in first
    assert "three days" in first
    assert first.endswith("[1]")
    assert "telework-2024.md" in second
    assert "two days" in second
    assert [source.passage.document for source in shown.sources] == ["telework-2026.md", "telework-2024.md"]
    assert not model.asked  # the documents speak


async def test_by_the_date_in_it_where_the_names_do_not_tell(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("telework.md", "In force from 1 March 2024.\n\n" + OLD, ts="200.0")
    await shares("telework (final).md", "In force from 1 March 2026.\n\n" + NEW, ts="100.0")
    shown = await do(asked("ask", QUESTION))
    assert "**telework (final).md** (newer by the date in it: 2026-03-01)" in shown.text


async def test_two_documents_that_are_no_editions_are_said_to_differ(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("handbook.md", OLD, ts="100.0")
    await shares("minutes.md", NEW, ts="200.0")
    shown = await do(asked("ask", QUESTION))
    assert "Two documents differ; first what **minutes.md** says (shared later, on 1970-01-01)" in shown.text
    assert "two days" in shown.text


async def test_it_is_said_in_the_language_of_the_question(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("télétravail-2026.md", "Les salariés à temps plein télétravaillent trois jours par semaine.")
    await shares("télétravail-2024.md", "Les salariés à temps plein télétravaillent deux jours par semaine.")
    shown = await do(asked("ask", "Combien de jours par semaine les salariés à temps plein télétravaillent-ils ?"))
    assert "d'abord la plus récente, **télétravail-2026.md**" in shown.text


@pytest.mark.parametrize("year", ["2024", "2026"])
async def test_whoever_names_the_edition_gets_that_one_alone(
    year: str, shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("telework-2026.md", NEW, ts="100.0")
    await shares("telework-2024.md", OLD, ts="200.0")
    model.says("Full-time employees may work from home on two days of each week.")
    shown = await do(asked("ask", f"{year} rules: {QUESTION[0].lower()}{QUESTION[1:]}"))
    assert "editions differ" not in shown.text


async def test_documents_that_agree_do_not_conflict(shares: Shares, do: Do, asked: Asked, model: ScriptedModel) -> None:
    await shares("telework-2026.md", NEW, ts="100.0")
    await shares("telework-2024.md", NEW + "\n\nParking is free.", ts="200.0")
    model.says("Full-time employees may work from home on three days of each week.")
    shown = await do(asked("ask", QUESTION))
    assert "differ" not in shown.text
    assert "three days" in shown.text


async def test_an_edition_that_this_audience_may_not_read_stays_unsaid(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("telework-2026.md", NEW, channel="C9")
    await shares("telework-2024.md", OLD)
    model.says("Full-time employees may work from home on two days of each week.")
    shown = await do(asked("ask", QUESTION))
    assert "three days" not in shown.text
    assert "2026" not in shown.text
