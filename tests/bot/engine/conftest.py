"""The smallest real model, opened once for all tests of the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.engine import _open_local
from bot.engine.chat_model import EngineChatModel
from bot.models.presets import fetch_llm
from bot.settings import LlmSettings, Settings


@pytest.fixture(scope="session")
def small_model() -> Path:
    """Return the file of the 135M model."""
    return fetch_llm("preset:smollm2-135m", Settings({}).cache_dir)


@pytest.fixture(scope="session")
def chat_model(small_model: Path) -> Iterator[EngineChatModel]:
    """Return the 135M model behind its engine."""
    model = _open_local(LlmSettings(slots=4, context_tokens=4096, threads=1), small_model)
    yield model
    model.engine.close()
