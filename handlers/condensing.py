"""From parts of a document to its points: all at once, part by part and then together, or by a draft that grows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers.neutral import neutral
from handlers.parts import PageWords, Part, Point, distinct, points_of
from handlers.request import Progress
from handlers.words import say

SIDE_BY_SIDE = 4  # parts in the engine at once; it decodes them together
MOST_POINTS = 12  # of a whole summary
PART_POINTS = 4
SENTENCE_CHARACTERS = 220  # of a point taken from the text itself


@dataclass(frozen=True)
class Work:
    """What the methods share: the model, how long a prompt may be, and the language of the summary."""

    ANSWER_TOKENS: ClassVar[int] = 350

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
        return neutral(str(answer.text), (), self.language)

    async def points(self, part: Part, count: int) -> list[Point]:
        """Return a part's points; where the model says nothing that the text supports, its own first sentences."""
        found = points_of(await self.said("part", part.text, count), part.sight)
        return found[:count] or first_sentences(part)


Steps = AsyncIterator[Progress | Point]


async def stuff(parts: Sequence[Part], work: Work) -> Steps:
    """Read the whole text in one prompt; a text that is too long for that goes part by part."""
    if len(parts) > 1:
        async for step in map_reduce(parts, work):
            yield step
        return
    yield step_of(0, 1, work)
    for point in (await work.points(parts[0], 8))[:MOST_POINTS]:
        yield point


async def map_reduce(parts: Sequence[Part], work: Work) -> Steps:
    """Read the parts side by side, then bring their points together."""
    found: list[list[Point]] = [[] for _ in parts]
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


async def reduce(found: Sequence[Sequence[Point]], parts: Sequence[Part], work: Work) -> Steps:
    """Bring the points of all parts together until they are few enough, each with the pages it came from."""
    points = distinct(point for some in found for point in some)
    if len(points) > MOST_POINTS:
        yield Progress(say("summarize.joining", work.language))
        points = await merged(points, work)
    for point in points:
        yield point


async def merged(points: Sequence[Point], work: Work) -> list[Point]:
    """Return fewer points that say what these say: merged by the model in groups side by side, the rest by selection.

    Each group keeps the order of the document, so that every region of it is heard.
    """
    groups = even(points, -(-len(points) // 16))
    wanted = max(2, MOST_POINTS // len(groups))
    texts = ["\n".join(f"- {point.text}" for point in group) for group in groups]
    said = await asyncio.gather(*(work.said("merge", text, wanted) for text in texts))
    joined = []
    for group, answer in zip(groups, said, strict=True):
        ours = points_of(answer, sights_of(group))[:wanted]
        joined.append([from_group(point, group) for point in ours] or list(group[:wanted]))
    return distinct(point for some in joined for point in some)[:MOST_POINTS]


def sights_of(group: Sequence[Point]) -> list[PageWords]:
    """Return points as pages to compare with: their numbers are places in the group."""
    from handlers.support import content, numbers

    return [PageWords(place, content(point.text), numbers(point.text)) for place, point in enumerate(group)]


def from_group(point: Point, group: Sequence[Point]) -> Point:
    """Return a merged point with the pages of those it was made from."""
    pages = sorted({page for place in point.pages for page in group[place].pages})
    return Point(point.text, tuple(pages))


def even(points: Sequence[Point], count: int) -> list[Sequence[Point]]:
    """Return the points in so many groups of nearly the same size, in order."""
    size = -(-len(points) // max(1, count))
    return [points[at : at + size] for at in range(0, len(points), size)]


async def refine(parts: Sequence[Part], work: Work) -> Steps:
    """Read part after part, and improve the draft with each."""
    sight: list[PageWords] = []
    draft: list[Point] = []
    for place, part in enumerate(parts):
        yield step_of(place, len(parts), work)
        sight += part.sight
        if not draft:
            draft = await work.points(part, 8)
            continue
        before = "\n".join(f"- {point.text}" for point in draft)
        said = await work.said(
            "refine", say("summarize.draft", work.language, draft=before, text=part.text), MOST_POINTS
        )
        grown = points_of(said, sight)
        draft = distinct([*grown, *kept(draft, grown, parts)])[:MOST_POINTS]
    for point in draft:
        yield point


def kept(draft: Sequence[Point], grown: Sequence[Point], parts: Sequence[Part]) -> list[Point]:
    """Return the points of the draft to keep: small models forget the beginning when they rewrite."""
    covered = {page for point in grown for page in point.pages}
    return [point for point in draft if not covered.intersection(point.pages)]


def first_sentences(part: Part) -> list[Point]:
    """Return the first sentence of some pages, for a text that the model can't handle (a table, a list of names)."""
    from indexing.sentences import spans

    points = []
    for page in part.pages[:PART_POINTS]:
        sentences = [page.text[start:end].strip() for start, end in spans(page.text, SENTENCE_CHARACTERS)]
        longest = max(sentences[:5], key=len, default="")
        if longest:
            points.append(Point(" ".join(longest.split()), (page.number,)))
    return points


def step_of(done: int, total: int, work: Work) -> Progress:
    """Return the sign of progress over parts."""
    return Progress(say("summarize.progress", work.language, done=done, total=total), done, total)
