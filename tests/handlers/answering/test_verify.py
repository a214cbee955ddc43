"""Whether one line bears a claim: each rule with the fault that it is there for."""

import pytest

from handlers.answering.lines import Line
from handlers.answering.verify import LexicalVerifier, polarity_agrees, without_verdict
from indexing.document import Passage

HANDBOOK = Passage(
    id="1", document_id="1", document="handbook.pdf", text="", page=1, last_page=1, heading="", permalink="",
    score=1.0, relevance=1.0,
)  # fmt: skip


async def holds(claim: str, question: str, *lines: Line) -> bool:
    return (await LexicalVerifier().support(claim, question, [HANDBOOK], lines)).holds


def said(text: str, context: str = "", before: str = "") -> Line:
    return Line(0, text, context, before)


async def test_the_questions_own_words_do_not_support() -> None:
    """The bundled handbook's fault: whoever decides about contracts decides about no expense."""
    question = "Who decides about an expense of 1,500 euros?"
    people = said("The People team decides about contracts, parental leave and pensions.")
    office = said("Expenses above 1,000 euros are decided by the finance office.")
    assert not await holds("The People team decides about an expense of 1,500 euros.", question, people, office)
    assert await holds("The finance office decides about an expense of 1,500 euros.", question, people, office)


@pytest.mark.parametrize(
    ("claim", "text", "expected"),
    [
        ("Trainees may not drive pool cars.", "Trainees may not drive the pool cars.", True),
        ("Trainees may drive pool cars.", "Trainees may not drive the pool cars.", False),
        ("The PIN is written on the card.", "Its PIN is not written on the card.", False),
        ("The PIN is not written on the card.", "Its PIN is written on the card.", False),
        ("Le minibar est remboursé.", "Le minibar n'est jamais remboursé.", False),
        ("Remote days which are not used cannot be saved.", "Days which are not used cannot be saved.", True),
        ("Remote days which are used cannot be saved.", "Days which are not used cannot be saved.", False),
        ("It is due no later than Monday.", "It is due by Monday.", True),
    ],
)
def test_a_claim_and_its_line_deny_the_same(claim: str, text: str, expected: bool) -> None:
    assert polarity_agrees(claim, text) is expected


async def test_figures_come_from_one_line() -> None:
    lines = said("The trial period is 90 days."), said("Notice is 6 weeks.")
    assert await holds("The trial period is 90 days.", "How long is it?", *lines)
    assert not await holds("The trial period is 6 weeks.", "How long is it?", *lines)
    assert not await holds("The trial period is six weeks.", "How long is it?", *lines)


async def test_money_is_not_days() -> None:
    line = said("The allowance is £18 if you work remotely four days a month.")
    assert await holds("The allowance is £18.", "How much?", line)
    assert not await holds("The allowance is £4.", "How much?", line)


async def test_a_name_is_not_another_name() -> None:
    line = said("Paper files are approved by Ines Bramall, the manager.")
    assert await holds("They are approved by Ines Bramall.", "Who approves paper files?", line)
    assert not await holds("They are approved by Ines Brandall.", "Who approves paper files?", line)


ROWS = [
    said("Taking paper files home | Data Protection Manager | 2", "Question | Decided by | Days"),
    said("Working from abroad | Director of Resources | 10", "Question | Decided by | Days"),
]


async def test_a_value_belongs_to_its_row() -> None:
    question = "Who decides about working from abroad?"
    assert await holds("The Director of Resources decides about working from abroad.", question, *ROWS)
    wrong = "The Data Protection Manager decides about working from abroad."
    assert not await holds(wrong, question, *ROWS)


async def test_a_value_belongs_to_its_column() -> None:
    row = said("Robots delivered | 312 | 427", "Figure | 2024 | 2025")
    assert await holds("427 robots were delivered in 2025.", "How many robots in 2025?", row)
    assert not await holds("312 robots were delivered in 2025.", "How many robots in 2025?", row)


async def test_the_sentence_before_explains_and_does_not_bear() -> None:
    after = said("It is taxable.", before="A monthly allowance of £26 is paid for heating.")
    assert not await holds("A monthly allowance of £26 is paid for heating.", "What is paid?", after)
    assert await holds("It is taxable.", "Is the allowance taxable?", after)


async def test_in_another_language_figures_and_names_support_where_words_cannot() -> None:
    line = said("A hotel room may cost at most 140 euros for each night.")
    question = "Combien peut coûter une nuit à Paris ?"
    assert await holds("On peut dépenser jusqu'à 140 euros chaque soir.", question, line)
    assert not await holds("On peut dépenser beaucoup chaque soir.", question, line)
    assert not await holds("On peut dépenser jusqu'à 130 euros chaque soir.", question, line)


def test_a_leading_verdict_goes() -> None:
    assert without_verdict("Yes, trainees may not drive.") == "Trainees may not drive."
    assert without_verdict("Non : c'est interdit.") == "C'est interdit."
    assert without_verdict("No binaries may be placed there.") == "No binaries may be placed there."
