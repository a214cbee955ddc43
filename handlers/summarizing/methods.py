"""From parts of a document to its points: all at once, part by part and then together, or by a draft that grows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers.request import Progress
from handlers.summarizing.points import PageWords, Part, SummaryPoint, distinct_points, points_of
from handlers.text.messages import say
from handlers.text.sanitize import sanitize

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

    async def said(self, key: str, text: str, points: int) -> str:
        """Return what the model makes of a text."""
        rules = say("summarize.rules", self.language)
        asked = say(f"summarize.{key}", self.language, text=text, points=points)
        messages: list[BaseMessage] = [SystemMessage(rules), HumanMessage(asked)]
        answer = await self.model.ainvoke(messages, max_tokens=self.ANSWER_TOKENS, temperature=0.0)
        return sanitize(str(answer.text), (), self.language)

    async def points(self, part: Part, count: int) -> list[SummaryPoint]:
        """Return a part's points; where the model says nothing that the text supports, its own first sentences."""
        found = points_of(await self.said("part", part.text, count), part.sight)
        return found[:count] or first_sentences(part)


Steps = AsyncIterator[Progress | SummaryPoint]


async def stuff(parts: Sequence[Part], work: Work) -> Steps:
    """Read the whole text, which is one part, in one prompt."""
    (whole,) = parts
    yield step_of(0, 1, work)
    for point in (await work.points(whole, 8))[:MOST_POINTS]:
        yield point


async def map_reduce(parts: Sequence[Part], work: Work) -> Steps:
    """Read the parts side by side, then bring their points together."""
    found: list[list[SummaryPoint]] = [[] for _ in parts]
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def read(place: int) -> None:
        async with gate:
            found[place] = await work.points(parts[place], PART_POINTS if len(parts) > 2 else 2 * PART_POINTS)

    tasks = [asyncio.create_task(read(place)) for place in range(len(parts))]
    try:
        yield step_of(0, len(parts), work)
        for done, task in enumerate(asyncio.as_completed(tasks), start=1):
            await task
            yield step_of(done, len(parts), work)
    finally:
        for reading in tasks:
            reading.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async for step in reduce(found, parts, work):
        yield step


async def reduce(found: Sequence[Sequence[SummaryPoint]], parts: Sequence[Part], work: Work) -> Steps:
    """Bring the points of all parts together until they are few enough, each with the pages it came from."""
    points = distinct_points(point for some in found for point in some)
    while len(points) > MOST_POINTS:  # several rounds for a book: each group gives at least two
        yield Progress(say("summarize.joining", work.language))
        points = await merged_points(points, work)
    for point in points:
        yield point


async def merged_points(points: Sequence[SummaryPoint], work: Work) -> list[SummaryPoint]:
    """Return fewer points that say what these say: merged by the model in groups side by side, the rest by selection.

    Each group keeps the order of the document and is heard, so that no region of it is lost.
    """
    groups = even(points, -(-len(points) // MERGED))
    wanted = max(2, MOST_POINTS // len(groups))
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def fewer(group: Sequence[SummaryPoint]) -> list[SummaryPoint]:
        async with gate:
            said = await work.said("merge", bullet_list(group), wanted)
        ours = points_of(said, sights_of(group))[:wanted]
        return [from_group(point, group) for point in ours] or list(group[:wanted])

    joined = await asyncio.gather(*map(fewer, groups))
    return distinct_points(point for some in joined for point in some)


def bullet_list(points: Iterable[SummaryPoint]) -> str:
    """Return points as the model reads them."""
    return "\n".join(f"- {point.text}" for point in points)


def sights_of(group: Sequence[SummaryPoint]) -> list[PageWords]:
    """Return points as pages to compare with: their numbers are places in the group."""
    from handlers.text.overlap import content, numbers

    return [PageWords(place, content(point.text), numbers(point.text)) for place, point in enumerate(group)]


def from_group(point: SummaryPoint, group: Sequence[SummaryPoint]) -> SummaryPoint:
    """Return a merged point with the pages of those it was made from."""
    pages = sorted({page for place in point.pages for page in group[place].pages})
    return SummaryPoint(point.text, tuple(pages))


def even(points: Sequence[SummaryPoint], count: int) -> list[Sequence[SummaryPoint]]:
    """Return the points in so many groups of nearly the same size, in order."""
    size = -(-len(points) // max(1, count))
    return [points[at : at + size] for at in range(0, len(points), size)]


async def refine(parts: Sequence[Part], work: Work) -> Steps:
    """Read part after part, and improve the draft with each."""
    sight: list[PageWords] = []
    draft: list[SummaryPoint] = []
    for place, part in enumerate(parts):
        yield step_of(place, len(parts), work)
        sight += part.sight
        if not draft:
            draft = await work.points(part, 8)
            continue
        before = bullet_list(beginning(draft, work))
        both = say("summarize.draft", work.language, draft=before, text=part.text)
        said = await work.said("refine", both, MOST_POINTS)
        grown = points_of(said, sight)
        draft = spread(distinct_points([*grown, *kept_points(draft, grown)]), MOST_POINTS)
    for point in draft:
        yield point


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
    return [ordered[round(place * (len(ordered) - 1) / (most - 1))] for place in range(most)]


def first_sentences(part: Part) -> list[SummaryPoint]:
    """Return the first sentence of some pages, for a text that the model can't handle (a table, a list of names)."""
    from indexing.sentences import spans

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
