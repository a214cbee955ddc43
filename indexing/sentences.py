"""Where sentences end: spans that cover a text without a gap."""

import re
from collections.abc import Iterator

LOOK_BACK = 40  # characters before a mark: no abbreviation is longer
# A mark, closing quotes or brackets, space, and then something that begins a sentence. A run of marks is taken whole,
# once (++): a page of dots took minutes.
END = re.compile(
    r"""(?:(?<![.!?\u2026])[.!?\u2026]++["'\u2019\u201d\u00bb)\]]*+|:\n)\s+(?=["'\u2018\u201c\u00ab(\[]?\s?[A-Z0-9\u00c0-\u00de\u0152\-\u2022*\\/<#])|\n\s*\n|\n(?=\s{0,20}[\u2022\u25e6\u25aa\u2023*\u2013-]\s|\s{0,20}\(?\d{1,2}[.)]\s|\#)""",
    re.VERBOSE,
)
# fmt: off
ABBREVIATIONS = frozenset((
    "e.g.", "i.e.", "etc.", "cf.", "vs.", "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "nos.",
    "vol.", "fig.", "figs.", "eq.", "sec.", "ch.", "chap.", "p.", "pp.", "art.", "al.", "ed.", "eds.",
    "inc.", "ltd.", "co.", "dept.", "approx.", "resp.", "m.", "mme.", "mlle.", "mm.", "me.", "n.", "n°.",
    "av.", "apr.", "env.", "ex.", "ann.", "par.", "éd.", "coll.", "tél.", "j.-c.", "jan.", "feb.", "mar.",
    "aug.", "sept.", "oct.", "nov.", "dec.", "janv.", "févr.", "juil.", "déc.",
))
# fmt: on
SECTION_NUMBER = re.compile(r"(?:^|\n)(?:#{1,6}\s)?(?:\d{1,2}|[A-Z])(?:\.\d{1,2})*\.$")
INITIAL = re.compile(r"(?:^|[\s(])[A-Z]\.$")


def spans(text: str, longest: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence, in order and without gaps; one longer than `longest` is cut at a space."""
    start = 0
    for match in END.finditer(text):
        end = match.start() + len(match[0].rstrip())
        if is_abbreviated(text[max(start, end - LOOK_BACK) : end].rstrip()) and "\n\n" not in match[0]:
            continue
        yield from sentences_of(text, start, match.end(), longest)
        start = match.end()
    yield from sentences_of(text, start, len(text), longest)


def is_abbreviated(sentence: str) -> bool:
    """Tell whether what looks like a sentence ends with an abbreviation or an initial."""
    last = sentence.rsplit(None, 1)[-1].lower().lstrip("([«\"'") if sentence.strip() else ""
    return last in ABBREVIATIONS or bool(INITIAL.search(sentence[-4:]) or SECTION_NUMBER.search(sentence[-20:]))


def sentences_of(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Cut one span into pieces of at most `longest`: at a line's end if there is one in its second half, or a space."""
    while end - start > longest:
        half = start + longest // 2
        at = text.rfind("\n", half, start + longest) + 1 or text.rfind(" ", half, start + longest) + 1
        at = at or start + longest
        yield start, at
        start = at
    if end > start:
        yield start, end
