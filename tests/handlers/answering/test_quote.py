"""What the document says itself: the likeliest lines, a list whole, each edition of a rule."""

from handlers.answering.answerability import JudgedLine
from handlers.answering.lines import Line
from handlers.answering.quote import lines_to_quote
from tests.handlers.answering.test_cite import passage

OLD = Line(0, "Eye tests are paid every two years, up to £25.")
NEW = Line(1, "Eye tests are paid every two years, up to £30.")
PASSAGES = [passage("", document="policy-2025.pdf"), passage("", document="policy-2026.pdf")]


def test_the_same_rule_of_another_edition_stands_beside_it() -> None:
    other = Line(1, "Printing at home is not allowed.")
    assert lines_to_quote([JudgedLine(OLD, 0.9)], [OLD, other, NEW], PASSAGES) == [OLD, NEW]


def test_one_document_that_says_it_twice_is_no_edition() -> None:
    same = Line(0, "Eye tests are paid every two years, up to £30.")
    assert lines_to_quote([JudgedLine(OLD, 0.9)], [OLD, same], PASSAGES) == [OLD]


def test_a_list_is_quoted_whole_and_in_its_order() -> None:
    items = [Line(0, f"• {what}", "We never pay") for what in ("fines", "the mini-bar", "insurance")]
    assert lines_to_quote([JudgedLine(items[1], 0.9)], [OLD, *items], PASSAGES) == items


def test_a_line_that_is_nearly_as_likely_is_quoted_too() -> None:
    other = Line(0, "Glasses are paid once.")
    judged = [JudgedLine(OLD, 0.8), JudgedLine(other, 0.7)]
    assert lines_to_quote(judged, [OLD, other], PASSAGES) == [OLD, other]
    assert lines_to_quote([judged[0], JudgedLine(other, 0.2)], [OLD, other], PASSAGES) == [OLD]
