"""Builds what handlers use: the model, the library, the memory, Slack's files, the classifier."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.gone import Gone
from bot.attention_probe import EmbedderEncoder
from bot.channel_settings import ChannelSettings
from bot.classifier import load_classifier, own_head
from bot.data_folder import make_models_folder
from bot.engine import open_chat_model
from bot.engine.errors import Unavailable
from bot.errors import StartFailed
from bot.figures import RedisFigures
from bot.health import Check
from bot.limits import DailyReading
from bot.memory import ThreadMemory
from bot.models.auto import for_this_machine
from bot.models.fetch import fetch_embeddings, fetch_llm
from bot.open_questions import RedisOpenQuestions
from bot.settings import Settings
from bot.slack.files import SlackFiles
from bot.slack.messages import SlackMessages
from bot.slack.team import SlackTeam
from handlers.calibration import Card, budget_for, card_of
from handlers.request import Services
from indexing.factory import open_library
from indexing.gone import NothingGone
from indexing.index_card import OtherModel
from indexing.library import Library
from indexing.line_reader import LineReader
from indexing.reading.pool import ReadingLimits

if TYPE_CHECKING:
    from bot.engine.remote import RemoteChatModel

CARDS = "cards"  # of DATA_DIR: what `python -m bot calibrate` writes
Counts = Callable[[], Awaitable[dict[str, float]]]


@dataclass(frozen=True)
class Models:
    """Where the model files lie."""

    llm: Path | None  # None: LLM_URL
    embeddings: Path


def fetch_models(settings: Settings) -> Models:
    """Fetch what the settings name, unless it is there already; blocks, shows progress."""
    make_models_folder(settings.cache_dir)
    llm = None if settings.llm.url else fetch_llm(for_this_machine(settings.llm)[0].model, settings.cache_dir)
    return Models(llm, fetch_embeddings(settings.embeddings.model, settings.cache_dir))


async def open_services(
    settings: Settings, redis: Redis, client: AsyncWebClient, team: str, stack: AsyncExitStack
) -> tuple[Services, dict[str, Counts], dict[str, Check]]:
    """Load the models and open the library; return the services, what their parts count, and whether they answer.

    Raises StartFailed with what mends it; what was opened is closed with the stack.
    """
    models = await asyncio.to_thread(fetch_models, settings)
    model = await _model(settings, models, stack)
    library = await open_settings_library(settings, models, Gone(redis), stack)

    reader = await open_reader(settings, models, stack)
    services = Services(
        model=model,
        count_tokens=model.count_tokens,
        context_tokens=model.context_tokens,
        memory=ThreadMemory(redis, settings.bot.memory_days),
        library=library,
        files=SlackFiles(client, settings.slack.file_hosts, settings.bot.upload_bytes),
        messages=SlackMessages(client),
        classifier=await asyncio.to_thread(load_classifier, library.embedder, own_head(settings.data_dir)),
        encoder=EmbedderEncoder(library.embedder),
        data_dir=settings.data_dir,
        channels=ChannelSettings(redis),
        team=SlackTeam(client, settings.bot.admins.replace(",", " ").split()),
        figures=RedisFigures(redis, team),
        shown_settings=shown_settings(settings),
        questions=RedisOpenQuestions(redis, team),
        quota=DailyReading(redis, settings.bot.reading_seconds),
        card=model_card(settings) if reader else model_card(settings).without_reader(),
        reader=reader,
        budget=budget_for(on_gpu=model.is_on_gpu),
    )
    counts: dict[str, Counts] = {"engine": model.statistics, "library": library.statistics}
    return services, counts, {"engine": model.is_healthy}


def shown_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that admins see in the app's Home: none is a secret."""
    bot = settings.bot
    return {
        "LLM_MODEL": settings.llm.model if settings.llm.url else for_this_machine(settings.llm)[0].model,
        "EMBEDDINGS_MODEL": settings.embeddings.model,
        "BOT_MEMORY_DAYS": str(bot.memory_days),
        "BOT_RETENTION_DAYS": str(bot.retention_days),
        "BOT_AUDIT_DAYS": str(bot.audit_days),
        "BOT_CATCH_UP_HOURS": f"{bot.catch_up_hours:g}",
        "BOT_REQUESTS_PER_MINUTE": str(bot.requests_per_minute),
    }


async def open_reader(settings: Settings, models: Models, stack: AsyncExitStack) -> LineReader | None:
    """Open the model that reads lines; None where it does not fit the embedding model."""
    reader = await LineReader.open(models.embeddings, settings.cache_dir, settings.embeddings.threads)
    if reader:
        stack.push_async_callback(reader.aclose)
    return reader


def model_card(settings: Settings) -> Card:
    """Return what was measured with the models that the settings name."""
    language_model = settings.llm.url or for_this_machine(settings.llm)[0].model
    return card_of(language_model, settings.embeddings.model, settings.data_dir / CARDS)


async def _model(settings: Settings, models: Models, stack: AsyncExitStack) -> "RemoteChatModel":
    try:
        model = await open_chat_model(for_this_machine(settings.llm)[0], models.llm, settings.data_dir / "engine")
    except Unavailable as failure:
        raise StartFailed(str(failure)) from failure
    stack.push_async_callback(model.aclose)
    return model


async def open_settings_library(
    settings: Settings, models: Models, gone: "Gone | NothingGone", stack: AsyncExitStack
) -> "Library":
    """Open the library of the settings; it is closed with the stack. Raises StartFailed."""
    try:
        library = await open_library(gone=gone, **library_knobs(settings, models))
    except OtherModel as other:
        raise StartFailed(
            f"The documents were embedded with {other.stored.model}, and EMBEDDINGS_MODEL is {other.current.model} "
            "now: their vectors can't be compared. Set EMBEDDINGS_MODEL back, or stop the assistant and run "
            "`python -m bot reindex`, which embeds all documents anew."
        ) from None
    stack.push_async_callback(library.aclose)
    return library


def library_knobs(settings: Settings, models: Models) -> dict[str, Any]:
    """Return what indexing.factory needs of the settings."""
    bot, embeddings, qdrant = settings.bot, settings.embeddings, settings.qdrant
    return {
        "folder": settings.data_dir / "library",
        "embeddings": models.embeddings,
        "device": embeddings.device,
        "batch": embeddings.batch,
        "threads": embeddings.threads,
        "int8": embeddings.int8,
        "reranker": Path(embeddings.reranker) if embeddings.reranker else None,
        "qdrant_url": qdrant.url,
        "qdrant_key": qdrant.api_key.get_secret_value(),
        "collection": qdrant.collection,
        "quantize": qdrant.quantize,
        "limits": ReadingLimits(
            pages=bot.upload_pages,
            seconds=bot.parse_seconds,
            address_bytes=bot.parse_bytes,
            processes=bot.parse_processes,
        ),
        "cache_dir": settings.cache_dir,
    }
