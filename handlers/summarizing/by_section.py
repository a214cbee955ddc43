"""A summary by the document's own sections: a point or two of each, in its order, and what was covered by name."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.summarizing.methods import SIDE_BY_SIDE, Work, all_or_none, step_of
from handlers.summarizing.points import SummaryPoint, page_range, points_of
from handlers.summarizing.sections import Unit
from handlers.text.messages import say
from handlers.text.overlap import digits
from handlers.text.sanitize import sanitize
from indexing.document import Document
from indexing.language import language_of

DIGEST_TOKENS = 260  # of a section that the model reads: the lines that say most
POINT_TOKENS = 70  # that a point may take
FEW_UNITS = 8  # so many get two points each
ONE_UNIT = 6  # points of a text that is not cut
LONGEST_TITLE = 90


@dataclass(frozen=True)
class SectionPoints:
    """A section with what the summary says of it."""

    unit: Unit
    points: Sequence[SummaryPoint]

    @property
    def title(self) -> str:
        """Return how it is called: by its title, or its pages."""
        return (
            sanitize(self.unit.title)[:LONGEST_TITLE].strip()
            or f"p. {page_range([page.number for page in self.unit.pages])}"
        )


async def points_by_section(units: Sequence[Unit], language: str, work: Work) -> list[SectionPoints]:
    """Return the points of the units in their order, so many of each as are wished."""
    shares = shares_of(units, work.wished_points)
    read = [(unit, count) for unit, count in zip(units, shares, strict=True) if count]
    gate, done = asyncio.Semaphore(SIDE_BY_SIDE), itertools.count(1)
    work.report(step_of(0, len(read), work))

    async def of_unit(unit: Unit, count: int) -> SectionPoints:
        async with gate:
            points = await unit_points(unit, count, language, work)
        work.report(step_of(next(done), len(read), work))
        return SectionPoints(unit, points)

    return await all_or_none([of_unit(unit, count) for unit, count in read])


def shares_of(units: Sequence[Unit], wished: int) -> list[int]:
    """Return how many points each unit gets: all the same, or the longest ones more where a number is wished."""
    if wished:
        longest = sorted(range(len(units)), key=lambda place: -units[place].letters)
        share, more = divmod(wished, len(units))
        return [share + (place in longest[:more]) for place in range(len(units))]
    if len(units) == 1:
        return [ONE_UNIT]
    return [2 if len(units) <= FEW_UNITS else 1] * len(units)


async def unit_points(unit: Unit, count: int, language: str, work: Work) -> list[SummaryPoint]:
    """Return a section's points: what the model writes of its best lines and its text bears, else these lines."""
    text = unit.digest(work.count_tokens, max(DIGEST_TOKENS, count * POINT_TOKENS))
    said = await work.said("part", text, count, most_tokens=POINT_TOKENS * (count + 1))
    points = points_of(said, unit.part.page_profiles)[:count] or unit.own_words(count, work.language)
    return await in_language(points, language, work)


async def in_language(points: list[SummaryPoint], language: str, work: Work) -> list[SummaryPoint]:
    """Return points in the language that is wished; one that loses a figure in translation stays as it is."""
    if language == work.language:
        return points
    translated = []
    for point in points:
        said = " ".join((await work.translated(point.text, language)).split())
        is_right = said and digits(said) == digits(point.text) and language_of(said, language) == language
        translated.append(SummaryPoint(said, point.pages) if is_right else point)
    return translated


def summary_by_section(
    summary: Sequence[SectionPoints], units: Sequence[Unit], document: Document, name: str, language: str
) -> str:
    """Return the whole summary as markdown: under each title its points, and at the end which sections stand in it."""
    lines = [f"**{say('summarize.title', language, name=name)}**"]
    told = [one for one in summary if one.points]
    for one in told:
        if len(units) > 1:
            lines.append(f"**{one.title}**")
        lines += [point.line(document.label) for point in one.points]
    if not told:
        return "\n".join([*lines, say("summarize.nothing", language)])
    missing = [SectionPoints(unit, ()) for unit in units if not any(one.unit is unit for one in told)]
    return "\n".join([*lines, "", f"_{covers(told, missing, document.pages, language)}_"])


def covers(told: Sequence[SectionPoints], missing: Sequence[SectionPoints], total: int, language: str) -> str:
    """Return which sections truly stand in the summary, and which do not."""
    pages = sorted({page.number for one in told for page in one.unit.pages})
    titles = "; ".join(one.title for one in told)
    text = say("summarize.covers_sections", language, titles=titles, pages=page_range(pages), total=total)
    if missing:
        titles = "; ".join(one.title for one in missing)
        text += f" {say('summarize.left_out', language, titles=titles)}"
    return text
