"""Which lines the document speaks with: the likeliest ones, a list whole, the same rule of another edition."""

from collections.abc import Sequence

from handlers.answering.answerability import JudgedLine
from handlers.answering.lines import ITEM, Line
from handlers.text.overlap import content, numbers
from indexing.document import Passage

MOST_QUOTED = 2  # lines
MOST_ITEMS = 12  # of one list
NEARLY = 0.6  # of the best line's probability: quoted beside it
SAME_RULE = 0.6  # of the words of two lines are the same: two editions of one rule


def lines_to_quote(judged: Sequence[JudgedLine], lines: Sequence[Line], passages: Sequence[Passage]) -> list[Line]:
    """Return the lines to quote, the likeliest first, each edition of its rule beside it."""
    best = judged[0]
    chosen = [best.line, *(one.line for one in judged[1:] if one.probability >= NEARLY * best.probability)][
        :MOST_QUOTED
    ]
    whole = list_of(best.line, lines)
    editions = [edition for edition in editions_of(best.line, lines, passages) if edition not in chosen]
    return list(dict.fromkeys([*(whole or [best.line]), *editions[:1], *chosen]))[: max(MOST_QUOTED + 1, len(whole))]


def list_of(line: Line, lines: Sequence[Line]) -> list[Line]:
    """Return the whole list that an item with a title stands in, in its order; [] for anything else."""
    items = [
        other for other in lines if is_item(other) and (other.passage, other.context) == (line.passage, line.context)
    ]
    return items if is_item(line) and line.context and 1 < len(items) <= MOST_ITEMS else []


def is_item(line: Line) -> bool:
    """Tell whether a line is an item of a list."""
    return ITEM.match(line.text) is not None


def editions_of(line: Line, lines: Sequence[Line], passages: Sequence[Passage]) -> list[Line]:
    """Return the lines of other documents that say the same with other figures or names, the nearest first."""
    words, document = content(line.text), passages[line.passage].document_id
    others = [one for one in lines if passages[one.passage].document_id != document]
    alike = [(words.covered_by(content(one.text)) + content(one.text).covered_by(words), one) for one in others]
    same = [pair for pair in alike if pair[0] >= 2 * SAME_RULE and numbers(pair[1].text) != numbers(line.text)]
    return [one for _, one in sorted(same, key=lambda pair: -pair[0])]
