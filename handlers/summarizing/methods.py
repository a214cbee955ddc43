"""From parts of a document to its points: all at once, part by part and then together, or by a draft that grows."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers.pieces import Progress, Report
from handlers.summarizing.points import PageWords, Part, SummaryPoint, distinct_points, points_of
from handlers.text.messages import say
from handlers.text.overlap import content, numbers
from handlers.text.sanitize import sanitize
from indexing.sentences import spans

T = TypeVar("T")
SIDE_BY_SIDE = 4  # parts in the engine at once; it decodes them together
MOST_POINTS = 12  # of a whole summary
PART_POINTS = 4
MERGED = 16  # points in one prompt
SENTENCE_CHARACTERS = 220  # of a point taken from the text itself


@dataclass(frozen=True)
class Work:
    """What the methods share: the model, how long a prompt may be, and the language of the summary."""

    ANSWER_TOKENS: ClassVar[int] = 350
    DRAFT_TOKENS: ClassVar[int] = 500  # of a growing summary, beside the next part

    model: BaseChatModel
    count_tokens: Callable[[str], int]
    language: str
    part_tokens: int
    report: Report
    wished_points: int = 0  # 0 to choose by length
    reader: str = ""  # for whom, where that is wished

    @property
    def most_points(self) -> int:
        """Return how many points the whole summary may have."""
        return self.wished_points or MOST_POINTS

    async def said(self, key: str, text: str, points: int, *, most_tokens: int = ANSWER_TOKENS) -> str:
        """Return what the model makes of a text."""
        rules = say("summarize.rules", self.language)
        if self.reader:
            rules += " " + say("summarize.reader", self.language, reader=self.reader)
        asked = say(f"summarize.{key}", self.language, text=text, points=points)
        return await self._written(rules, asked, most_tokens)

    async def translated(self, text: str, language: str) -> str:
        """Return a text in the other language."""
        into = {"en": "English", "fr": "français"}[language]
        return await self._written(say("folio.translate_rules", language, into=into), text, self.ANSWER_TOKENS)

    async def _written(self, rules: str, asked: str, most_tokens: int) -> str:
        messages: list[BaseMessage] = [SystemMessage(rules), HumanMessage(asked)]
        answer = await self.model.ainvoke(messages, max_tokens=most_tokens, temperature=0.0)
        return sanitize(str(answer.text), (), self.language)

    async def points(self, part: Part, count: int) -> list[SummaryPoint]:
        """Return a part's points; where the model says nothing that the text supports, its own first sentences."""
        found = points_of(await self.said("part", part.text, count), part.page_profiles)
        return found[:count] or first_sentences(part)


async def stuff(parts: Sequence[Part], work: Work) -> list[SummaryPoint]:
    """Read the whole text, which is one part, in one prompt."""
    (whole,) = parts
    work.report(step_of(0, 1, work))
    return (await work.points(whole, work.wished_points or 8))[: work.most_points]


async def map_reduce(parts: Sequence[Part], work: Work) -> list[SummaryPoint]:
    """Read the parts side by side, then bring their points together."""
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    done = itertools.count(1)
    work.report(step_of(0, len(parts), work))

    async def read(part: Part) -> list[SummaryPoint]:
        async with gate:
            points = await work.points(part, PART_POINTS if len(parts) > 2 else 2 * PART_POINTS)
        work.report(step_of(next(done), len(parts), work))
        return points

    return await reduce(await all_or_none([read(part) for part in parts]), work)


async def all_or_none(calls: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Run calls side by side; one that fails, or a cancellation, ends the others before it is raised."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def reduce(points_by_part: Sequence[Sequence[SummaryPoint]], work: Work) -> list[SummaryPoint]:
    """Bring the points of all parts together until they are few enough, each with the pages it came from."""
    points = distinct_points(point for points in points_by_part for point in points)
    while len(points) > work.most_points:  # several rounds for a book: each group gives at least two
        work.report(Progress(say("summarize.joining", work.language)))
        points = await merged_points(points, work)
    return points


async def merged_points(points: Sequence[SummaryPoint], work: Work) -> list[SummaryPoint]:
    """Return fewer points that say what these say: merged by the model in groups side by side, the rest by selection.

    Each group keeps the order of the document and is heard, so that no region of it is lost.
    """
    groups = even(points, -(-len(points) // MERGED))
    wanted = max(min(2, work.most_points), work.most_points // len(groups))
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def fewer(group: Sequence[SummaryPoint]) -> list[SummaryPoint]:
        async with gate:
            said = await work.said("merge", bullet_list(group), wanted)
        ours = points_of(said, profiles_of(group))[:wanted]
        return [from_group(point, group) for point in ours] or list(group[:wanted])

    joined = await asyncio.gather(*map(fewer, groups))
    return distinct_points(point for some in joined for point in some)


def bullet_list(points: Iterable[SummaryPoint]) -> str:
    """Return points as the model reads them."""
    return "\n".join(f"- {point.text}" for point in points)


def profiles_of(group: Sequence[SummaryPoint]) -> list[PageWords]:
    """Return points as pages to compare with: their numbers are places in the group."""
    return [PageWords(place, content(point.text), numbers(point.text)) for place, point in enumerate(group)]


def from_group(point: SummaryPoint, group: Sequence[SummaryPoint]) -> SummaryPoint:
    """Return a merged point with the pages of those it was made from."""
    pages = sorted({page for place in point.pages for page in group[place].pages})
    return SummaryPoint(point.text, tuple(pages))


def even(points: Sequence[SummaryPoint], count: int) -> list[Sequence[SummaryPoint]]:
    """Return the points in so many groups of nearly the same size, in order."""
    size = -(-len(points) // max(1, count))
    return [points[at : at + size] for at in range(0, len(points), size)]


async def refine(parts: Sequence[Part], work: Work) -> list[SummaryPoint]:
    """Read part after part, and improve the draft with each."""
    profiles: list[PageWords] = []
    draft: list[SummaryPoint] = []
    for place, part in enumerate(parts):
        work.report(step_of(place, len(parts), work))
        profiles += part.page_profiles
        if not draft:
            draft = await work.points(part, 8)
            continue
        before = bullet_list(beginning(draft, work))
        both = say("summarize.draft", work.language, draft=before, text=part.text)
        said = await work.said("refine", both, MOST_POINTS)
        grown = points_of(said, profiles)
        draft = spread(distinct_points([*grown, *kept_points(draft, grown)]), MOST_POINTS)
    return spread(draft, work.most_points)


def beginning(draft: Sequence[SummaryPoint], work: Work) -> list[SummaryPoint]:
    """Return as many points of the draft as have room beside a part; kept() holds on to the others."""
    room = work.DRAFT_TOKENS
    shown: list[SummaryPoint] = []
    for point in draft:
        room -= work.count_tokens(point.text) + 3
        if room < 0:
            break
        shown.append(point)
    return shown


def kept_points(draft: Sequence[SummaryPoint], grown: Sequence[SummaryPoint]) -> list[SummaryPoint]:
    """Return the points of the draft to keep: small models forget the beginning when they rewrite."""
    covered = {page for point in grown for page in point.pages}
    return [point for point in draft if not covered.intersection(point.pages)]


def spread(points: Sequence[SummaryPoint], most: int) -> list[SummaryPoint]:
    """Return at most so many points in the order of their pages, taken evenly from beginning to end."""
    ordered = sorted(points, key=lambda point: point.pages)
    if len(ordered) <= most:
        return ordered
    return [ordered[round(place * (len(ordered) - 1) / max(1, most - 1))] for place in range(most)]


def first_sentences(part: Part) -> list[SummaryPoint]:
    """Return the first sentence of some pages, for a text that the model can't handle (a table, a list of names)."""
    points = []
    for page in part.pages[:PART_POINTS]:
        sentences = [page.text[start:end].strip() for start, end in spans(page.text, SENTENCE_CHARACTERS)]
        longest = max(sentences[:5], key=len, default="")
        if longest:
            points.append(SummaryPoint(" ".join(longest.split()), (page.number,)))
    return points


def step_of(done: int, total: int, work: Work) -> Progress:
    """Return the sign of progress over parts."""
    return Progress(say("summarize.progress", work.language, done=done, total=total), done, total)
