"""What people said in a thread or a channel, in points; each has the messages that it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from handlers.context.history import remember
from handlers.context.talk import talk_line
from handlers.pieces import MessageSource, MessageSources, Pieces, Progress, Text, UserError
from handlers.request import Request, Services, ThreadMessage
from handlers.summarize import METHODS, method_for, part_tokens, work_of
from handlers.summarizing.points import SummaryPoint, parts_of
from handlers.summarizing.wish import wish_of
from handlers.text.commands import without_accents
from handlers.text.language import request_language
from handlers.text.messages import say
from handlers.text.since import NoSuchTime, names_a_time, since_when
from indexing.library import Page

MOST_MESSAGES = 400  # of a channel
MOST_TOKENS = 9_000  # that go through the model: five prompts, some minutes on two cores
USUAL = timedelta(days=7)  # of a channel, where nobody says since when
CHANNEL_WORDS = frozenset({"channel", "canal"})
THREAD_WORDS = frozenset({"thread", "conversation", "discussion", "talk", "fil"})


@dataclass(frozen=True)
class Scope:
    """What is to be summarised."""

    place: str  # as people call it
    messages: list[ThreadMessage]
    channel: str
    is_all: bool
    since: datetime | None


async def recap(request: Request, services: Services) -> Pieces:
    """Summarize what was said, with its messages: `summarize this thread`, `summarize #channel since Monday`."""
    language = wish_of(request.text).language or request_language(request)
    clock = timezone(timedelta(seconds=await services.messages.utc_offset_seconds(request.user)))
    since = moment_of(request, datetime.now(clock), language)
    scope = await (of_thread if is_of_thread(request) else of_channel)(request, since, services, language)
    read = newest(scope, services, language)
    if not read.messages:
        raise UserError(nothing_said(read, language))
    services.report(Progress(say("recap.reading", language, place=scope.place)))
    points = await points_of(read.messages, request, services, language)
    text, sources = await written(points, read, services, clock, language)
    yield Text(text)
    yield MessageSources(sources)
    is_elsewhere = scope.channel != request.channel
    await remember(request, services, title(read, language) if is_elsewhere else text)  # others may read this thread


def moment_of(request: Request, now: datetime, language: str) -> datetime | None:
    """Return since when; raise UserError for a time that we don't know."""
    try:
        return since_when(request.text, now)
    except (NoSuchTime, OverflowError):
        raise UserError(say("recap.when", language)) from None


def is_of_thread(request: Request) -> bool:
    """Tell whether the thread is meant: it is named, or it is where somebody says "since Monday"."""
    words = set(without_accents(request.text).replace("?", " ").replace(".", " ").split())
    if request.channels or words & CHANNEL_WORDS:
        return False
    return bool(words & THREAD_WORDS) or (request.thread not in {"", request.ts} and names_a_time(request.text))


async def of_thread(request: Request, since: datetime | None, services: Services, language: str) -> Scope:
    """Return what people said in the request's thread."""
    said = await services.messages.thread(request.channel, request.thread) if request.thread else []
    oldest = since.timestamp() if since else 0.0
    messages = [one for one in said if one.user and one.ts != request.ts and float(one.ts) >= oldest]
    return Scope(say("recap.this_thread", language), messages, request.channel, is_all=True, since=since)


async def of_channel(request: Request, since: datetime | None, services: Services, language: str) -> Scope:
    """Return what people said in the channel that is named, or in this one, if all who read the answer may read it."""
    channel = request.channels[0] if request.channels else request.channel
    if channel.startswith("D") or ("#" in request.text and not request.channels):
        raise UserError(say("recap.which_channel", language))
    if channel not in request.audience:
        raise UserError(say("recap.not_here", language))
    since = since or datetime.now(UTC) - USUAL
    talk = await services.messages.since(channel, since.timestamp(), MOST_MESSAGES)
    messages = [one for one in talk.messages if one.user and one.ts != request.ts]
    return Scope(f"#{talk.name}", messages, channel, talk.is_all, since)


def newest(scope: Scope, services: Services, language: str) -> Scope:
    """Return the newest messages that say something and fit."""
    taken: list[ThreadMessage] = []
    room = MOST_TOKENS
    for message in reversed(scope.messages):
        line = talk_line(message, language)
        room -= services.count_tokens(line) + 6 if line else 0
        if room < 0 and taken:
            return replace(scope, messages=taken[::-1], is_all=False)
        taken += [message] if line else []
    return replace(scope, messages=taken[::-1])


def nothing_said(scope: Scope, language: str) -> str:
    """Return the sentence about a place where nobody said anything."""
    if not scope.since:
        return say("summarize.empty_thread", language)
    return say("recap.empty", language, place=scope.place, since=f"{scope.since:%Y-%m-%d %H:%M}")


async def points_of(
    messages: Sequence[ThreadMessage], request: Request, services: Services, language: str
) -> list[SummaryPoint]:
    """Return the points; their pages are the places of messages."""
    pages = [Page(number=number, text=talk_line(message, language)) for number, message in enumerate(messages)]
    method = wish_of(request.text).method
    parts = parts_of(pages, services.count_tokens, part_tokens(services, method))
    return await METHODS[method_for(parts, method)](parts, work_of(services, language, method))


async def written(
    points: Sequence[SummaryPoint], scope: Scope, services: Services, clock: timezone, language: str
) -> tuple[str, tuple[MessageSource, ...]]:
    """Return the summary, and the messages that its numbers stand for."""
    numbers = {place: n for n, place in enumerate(dict.fromkeys(p for one in points for p in one.pages), 1)}
    lines = [f"- {point.text} {''.join(f'[{numbers[place]}]' for place in point.pages)}" for point in points]
    count = len(scope.messages)
    key = "recap.covered_newest" if not scope.is_all else "recap.covered" if count > 1 else "recap.covered_one"
    body = "\n".join(lines) or say("summarize.nothing", language)
    sources = []
    for place, number in numbers.items():
        message = scope.messages[place]
        when = datetime.fromtimestamp(float(message.ts), clock)
        label = f"[{number}] {message.name or message.user}, {when:%Y-%m-%d %H:%M}"
        sources.append(MessageSource(number, label, await services.messages.permalink(scope.channel, message.ts)))
    return f"{title(scope, language)}\n{body}\n\n{say(key, language, count=count)}", tuple(sources)


def title(scope: Scope, language: str) -> str:
    """Return the first line: what was read."""
    since = f"{scope.since:%Y-%m-%d %H:%M}" if scope.since else ""
    if scope.place.startswith("#"):
        return say("recap.title", language, place=scope.place, since=since)
    return say("recap.title_thread_since", language, since=since) if since else say("recap.title_thread", language)
