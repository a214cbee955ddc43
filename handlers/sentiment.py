"""Sentiment of a text, a thread or a file: the classifier's answer with a summary, a small picture and a table."""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from handlers.output.plots import distribution, over_time
from handlers.output.tables import NotATable, NoText, markdown_table, read_texts, write_csv
from handlers.pieces import Attachment, Picture, Pieces, Progress, Text, UserError
from handlers.ports import Classifier, HeadDoesNotFit
from handlers.request import FileRefused, Request, Services
from handlers.text.llm_classifier import LlmClassifier
from handlers.text.messages import say

MOST_ITEMS = 10_000  # about five minutes for short texts on one core
MOST_JUDGED = 200  # by the language model: about two seconds each on two cores
SLICE = 64  # items between two signs of progress
SHOWN = 3  # of the clearest on each side
QUOTE_CHARACTERS = 160
UNSURE = 0.6  # below this confidence an item is told apart
THREAD_WORDS = re.compile(
    r"(of |de |du |on |sur )?(this|the|these|those|all|ce|cette|ces|le|la|les|tout)? ?"
    r"(thread|fil|discussion|conversation|messages|replies|réponses|file|fichier|these|those|this|ceci|ça)? ?[.!?:]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Item:
    """One text to judge."""

    text: str
    ts: str = ""  # of a message
    user: str = ""


@dataclass(frozen=True)
class Collected:
    """What is to be judged, and what was left out of it."""

    items: tuple[Item, ...]
    left_out: int = 0
    name: str = "sentiment"


async def sentiment(request: Request, services: Services) -> Pieces:
    """Tell whether texts are positive or negative: a text, a thread, or the rows of a CSV file."""
    wish, by_model, compare = flags(request.text)
    collected = await collect(request, wish, services, MOST_JUDGED if by_model or compare else MOST_ITEMS)
    chosen: Classifier = LlmClassifier(services.model) if by_model else services.classifier
    positive = await classified(collected.items, chosen, services, request.language)
    other: list[float] = []
    if compare:
        other = await classified(collected.items, LlmClassifier(services.model), services, request.language)
    async with aclosing(sentiment_pieces(collected, positive, other, request.language)) as pieces:
        async for piece in pieces:
            yield piece


def flags(text: str) -> tuple[str, bool, bool]:
    """Return the text without its options, and whether the language model shall judge, or both."""
    by_model = re.search(r"(?<!\S)--(model|modèle|modele)\b", text)
    compare = re.search(r"(?<!\S)--(compare|comparer)\b", text)
    rest = re.sub(r"(?<!\S)--(model|modèle|modele|compare|comparer)\b", "", text).strip()
    return rest, bool(by_model), bool(compare)


async def collect(request: Request, wish: str, services: Services, limit: int) -> Collected:
    """Find what the person means: the file that came along, the message of a shortcut, a text, or the thread."""
    if request.files:
        return await of_files(request.files, request, services, limit)
    if wish and not THREAD_WORDS.fullmatch(wish):
        return Collected((Item(wish),))
    if request.message_ts or request.thread not in {"", request.ts}:
        return await of_thread(request, services, limit)
    raise UserError(say("sentiment.empty", request.language))


async def of_files(file_ids: Sequence[str], request: Request, services: Services, limit: int) -> Collected:
    """Read the texts of CSV and text files."""
    items: list[Item] = []
    left_out, name = 0, "sentiment"
    with tempfile.TemporaryDirectory(dir=services.incoming) as folder:
        for file_id in file_ids:
            try:
                file = await services.files.fetch(file_id, Path(folder))
                texts = await asyncio.to_thread(read_texts, file.path, file.name, limit - len(items))
            except FileRefused as refused:
                raise UserError(say(f"files.{refused.reason}", request.language, **refused.values)) from None
            except NotATable:
                raise UserError(say("sentiment.no_table", request.language, name=file.name)) from None
            except NoText:
                raise UserError(say("sentiment.no_text", request.language, name=file.name)) from None
            items += [Item(text) for text in texts.items]
            left_out += texts.left_out
            name = f"sentiment-{Path(file.name).stem}"
    return Collected(tuple(items), left_out, name)


async def of_thread(request: Request, services: Services, limit: int) -> Collected:
    """Take the tables that were shared in the thread, else what people said in it; of a shortcut only its message."""
    messages = await services.messages.thread(request.channel, request.thread or request.message_ts)
    if request.message_ts:
        messages = [message for message in messages if message.ts == request.message_ts]
    if tables := [file_id for message in messages for file_id in message.tables]:
        return await of_files(tables, request, services, limit)
    items = [Item(m.text, m.ts, m.user) for m in messages if m.user and m.text.strip() and m.ts != request.ts]
    if not items:
        raise UserError(say("sentiment.empty_thread", request.language))
    return Collected(tuple(items[:limit]), max(0, len(items) - limit))


async def classified(items: Sequence[Item], classifier: Classifier, services: Services, language: str) -> list[float]:
    """Return how likely each item is positive, classified in slices whose progress is reported."""
    positive: list[float] = []
    for start in range(0, len(items), SLICE):
        if len(items) > SLICE:
            text = say("sentiment.progress", language, done=start, total=len(items))
            services.report(Progress(text, start, len(items)))
        try:
            probabilities = await classifier.classify([item.text for item in items[start : start + SLICE]])
        except HeadDoesNotFit:
            raise UserError(say("sentiment.no_head", language)) from None
        positive += map(float, probabilities)
    return positive


async def sentiment_pieces(
    collected: Collected, positive: Sequence[float], other: Sequence[float], language: str
) -> Pieces:
    """Say what was found: one sentence for one text; a summary, a picture and a table for several."""
    items = collected.items
    if len(items) == 1:
        yield Text(one(positive[0], other, language))
        return
    yield Text(counts_sentence(collected, positive, other, language))
    title = description(items, positive, language)
    if items[0].ts:
        times = [float(item.ts) for item in items]
        png = await asyncio.to_thread(over_time, times, positive, sentiment_words(language), title)
    else:
        png = await asyncio.to_thread(distribution, positive, sentiment_words(language), title)
    yield Picture(f"{collected.name}.png", png, title)
    yield Attachment(f"{collected.name}.csv", table(items, positive, other))


def label_of(positive: float) -> str:
    """Name the side on which a probability lies."""
    return "positive" if positive >= 0.5 else "negative"


def confidence(positive: float) -> float:
    """Return how sure the classifier is of its side: 0.5 to 1."""
    return max(positive, 1 - positive)


def percent(share: float, language: str) -> str:
    """Write a share as people of the language do; never 100 % of confidence."""
    return f"{share:.0%}".replace("%", " %") if language == "fr" else f"{share:.0%}"


def sentiment_words(language: str) -> dict[str, str]:
    """Return the words that the pictures need."""
    names = ("positive", "negative", "items", "probability", "mean", "time")
    return {name: say(f"sentiment.{name}", language) for name in names}


def one(positive: float, other: Sequence[float], language: str) -> str:
    """Return the sentence about a single text."""
    sure = min(0.99, confidence(positive))
    name = say(f"sentiment.{label_of(positive)}", language)
    sentences = [say("sentiment.one", language, label=name, confidence=percent(sure, language))]
    if sure < UNSURE:
        sentences.append(say("sentiment.unsure", language))
    if other:
        sentences.append(say("sentiment.model_says", language, label=say(f"sentiment.{label_of(other[0])}", language)))
    return " ".join(sentences)


def counts_sentence(collected: Collected, positive: Sequence[float], other: Sequence[float], language: str) -> str:
    """Return the sentences and the table about several texts."""
    count = sum(value >= 0.5 for value in positive)
    sentences = [
        say("sentiment.summary", language, total=len(positive), positive=count, negative=len(positive) - count,
            share=percent(count / len(positive), language))
    ]  # fmt: skip
    unsure = sum(confidence(value) < UNSURE for value in positive)
    if unsure:
        sentences.append(say("sentiment.unsure_items", language, count=unsure))
    if other:
        agreed = sum(label_of(a) == label_of(b) for a, b in zip(positive, other, strict=True))
        sentences.append(say("sentiment.agreed", language, count=agreed, total=len(other)))
    if collected.left_out:
        sentences.append(say("sentiment.left_out", language, limit=len(positive), left_out=collected.left_out))
    return " ".join(sentences) + "\n\n" + clearest(collected.items, positive, language)


def clearest(items: Sequence[Item], positive: Sequence[float], language: str) -> str:
    """Return a table of the clearest texts of each side."""
    order = sorted(range(len(items)), key=lambda index: positive[index])
    low = [index for index in order[:SHOWN] if positive[index] < 0.5]
    high = [index for index in order[: -SHOWN - 1 : -1] if positive[index] >= 0.5]
    columns = [say(f"sentiment.{name}", language) for name in ("label", "confidence", "text")]
    rows = [
        [
            say(f"sentiment.{label_of(positive[index])}", language),
            percent(min(0.99, confidence(positive[index])), language),
            excerpt(items[index].text),
        ]
        for index in [*high, *low]
    ]
    return markdown_table(columns, rows)


def excerpt(text: str) -> str:
    """Return the beginning of a text, for a table."""
    text = " ".join(text.split())
    return text if len(text) <= QUOTE_CHARACTERS else text[: QUOTE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def description(items: Sequence[Item], positive: Sequence[float], language: str) -> str:
    """Return the picture's title, which also describes it for those who can't see it."""
    count = sum(value >= 0.5 for value in positive)
    key = "sentiment.picture_time" if items[0].ts else "sentiment.picture"
    return say(key, language, positive=count, negative=len(positive) - count)


def table(items: Sequence[Item], positive: Sequence[float], other: Sequence[float]) -> bytes:
    """Return all texts with their label and probability as CSV; the same columns in every language."""
    columns = ["text", "label", "confidence", "positive_probability"]
    rows: list[list[object]] = [
        [item.text, label_of(value), round(confidence(value), 4), round(value, 4)]
        for item, value in zip(items, positive, strict=True)
    ]
    if other:
        columns.append("language_model")
        rows = [[*row, label_of(value)] for row, value in zip(rows, other, strict=True)]
    if items[0].ts:
        columns.append("time")
        rows = [[*row, moment(item.ts)] for row, item in zip(rows, items, strict=True)]
    return write_csv(columns, rows)


def moment(ts: str) -> str:
    """Return a message's time in ISO 8601."""
    return datetime.fromtimestamp(float(ts), UTC).isoformat(timespec="seconds")
