"""Passages cut into what can be quoted alone: a sentence, an item of a list, a row, each with what stands above it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from indexing.chunks import looks_like_heading
from indexing.document import Passage
from indexing.sentences import spans

LONGEST_LINE = 400  # characters
WRAPPED = 0.7  # of the longest line of its page: a line at least so long goes on in the next
LONGEST_CONTEXT = 160  # characters of the sentence before
LONGEST_TITLE = 60  # characters: a numbered line that is longer is a clause
FURNITURE_PAGES = 3  # a line that stands on so many pages is a running head
DASH = " \N{EN DASH} "  # between the parts of a context
CELL = " | "  # between the cells of a row, as the reader writes tables
HEAD_CELL_WORDS = 2  # of a table with two columns: with more, its first row is a row like the others

ITEM = re.compile(r"^(?:[\u2022\u25e6\u25aa\u2023*\u2013-]\s|\(?\d{1,2}[.)]\s|\(?[a-z]\)\s)")
CLAUSE = re.compile(r"^\d{1,2}(?:\.\d{1,2})+\.?\s+\S")
TITLE = re.compile(r"^(?:\d{1,2}\s+)?[^\W\d_a-z][^.;:!?|\d]{2,}$")
PAGE_NUMBER = re.compile(r"^.{0,80}\b\d{1,4}\s*(?:/|of|sur)\s*\d{1,4}$")


@dataclass(frozen=True)
class Line:
    """What a passage says in one place, and what it says it of."""

    passage: int  # its place among those given
    text: str  # as it can be quoted
    context: str = ""  # the heading, a table's head row, a list's first line
    before: str = ""  # the sentence before it: "it" may be said of what stands there

    @property
    def whole(self) -> str:
        """Return the line with all that helps to understand it."""
        return ": ".join(part for part in (joined(self.context, self.before), self.text) if part)

    @property
    def is_row(self) -> bool:
        """Tell whether this is the row of a table."""
        return CELL in self.text


@dataclass(frozen=True)
class Block:
    """Some lines of a page that belong together."""

    kind: str  # heading, row, clause, item, text; gap for an empty line
    text: str


GAP = Block("gap", "")


def lines_of(passages: Sequence[Passage]) -> list[Line]:
    """Return all lines of the passages in their order, without running heads and feet."""
    furniture = furniture_of(passages)
    return [line for place, passage in enumerate(passages) for line in lines_of_passage(place, passage, furniture)]


def furniture_of(passages: Sequence[Passage]) -> frozenset[str]:
    """Return the lines that stand on several pages of one document, their numbers left out."""
    pages: dict[tuple[str, str], set[int]] = defaultdict(set)
    for passage in passages:
        for line in passage.text.splitlines():
            pages[passage.document_id, without_numbers(line)].add(passage.page)
    return frozenset(line for (_, line), numbers in pages.items() if len(numbers) >= FURNITURE_PAGES)


def without_numbers(text: str) -> str:
    """Return the text with every number alike, as page numbers differ in running heads."""
    return re.sub(r"\d+", "#", text.strip())


def lines_of_passage(place: int, passage: Passage, furniture: frozenset[str] = frozenset()) -> Iterator[Line]:
    """Yield the lines of one passage."""
    blocks = blocks_of(passage.text, furniture)
    heading = first_heading(passage, blocks)
    head_row = lead = ""
    for block, before, after in zip(blocks, [GAP, *blocks], [*blocks[1:], GAP], strict=False):
        if block.kind == "heading" or (block.kind == "text" and is_title_of(block, after)):
            heading, lead = block.text, ""
        elif block.kind == "row":
            if before.kind != "row":
                head_row = block.text if after.kind == "row" and is_head_row(block.text) else ""
            above = head_row if head_row != block.text else ""
            yield Line(place, block.text, joined(heading, above or lead))
        elif block.kind != "gap":
            sentences = list(sentences_of(block.text))
            lead = lead if block.kind == "item" else ""
            for sentence, previous in zip(sentences, ["", *sentences], strict=False):
                yield Line(place, sentence, joined(heading, lead), previous[-LONGEST_CONTEXT:])
            if block.kind != "item" and sentences and sentences[-1].endswith(":"):
                lead = sentences[-1].rstrip(": ")


def is_title_of(block: Block, after: Block) -> bool:
    """Tell whether a short line without a full stop stands above a list or a table."""
    stands_above = after.kind in {"item", "row", "clause"}
    return stands_above and len(block.text) <= LONGEST_TITLE and TITLE.match(block.text) is not None


def is_head_row(row: str) -> bool:
    """Tell whether the first row of a table names its columns; one with two columns may as well be all labels."""
    cells = row.split(CELL)
    return len(cells) > 2 or all(len(cell.split()) <= HEAD_CELL_WORDS for cell in cells)


def first_heading(passage: Passage, blocks: Sequence[Block]) -> str:
    """Return the heading that the passage begins under; "" where its heading comes only later in it."""
    heading = passage.heading.split(" > ")[-1]
    return "" if any(block.text == heading for block in blocks) else heading


def joined(*parts: str) -> str:
    """Return the parts of a context as one."""
    return DASH.join(part for part in parts if part)


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a block, each on one line."""
    flat = " ".join(text.split())
    for start, end in spans(flat, LONGEST_LINE):
        if sentence := flat[start:end].strip():
            yield sentence


def blocks_of(text: str, furniture: frozenset[str] = frozenset()) -> list[Block]:
    """Return the blocks of a page's text: what was wrapped at a line's end is joined again."""
    page = [line.strip() for line in text.splitlines() if without_numbers(line) not in furniture]
    page = [line for line in page if CELL in line or not PAGE_NUMBER.match(line)]
    wrapped = WRAPPED * max((len(line) for line in page if CELL not in line), default=0)
    blocks: list[Block] = []
    for line, following in zip(page, [*page[1:], ""], strict=False):  # of a page of running heads nothing is left
        last = blocks[-1] if blocks else GAP
        kind = kind_of(line)
        if kind == "heading" and following[:1].islower():
            kind = "item" if ITEM.match(line) else "text"  # it goes on: no title
        if kind == "text" and goes_on(last, line, wrapped):
            blocks[-1] = replace(last, text=f"{last.text}\n{line}")
        else:
            blocks.append(Block(kind, line.lstrip("# ") if kind == "heading" else line))
    return blocks


def goes_on(last: Block, line: str, wrapped: float) -> bool:
    """Tell whether a line goes on with what the block before it says."""
    if last.kind in {"gap", "row", "heading"}:
        return False
    return line[0].islower() or len(last.text.splitlines()[-1]) >= wrapped


def kind_of(line: str) -> str:
    """Return what a line of a page is."""
    if not line:
        return "gap"
    if CELL in line:
        return "row"
    is_short = len(line) <= LONGEST_TITLE
    if line.startswith("#") or (is_short and (looks_like_heading(line) or (line[0].isdigit() and TITLE.match(line)))):
        return "heading"
    return "clause" if CLAUSE.match(line) else "item" if ITEM.match(line) else "text"
