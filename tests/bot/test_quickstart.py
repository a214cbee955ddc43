"""The first five minutes, without their minutes: what the trial asks for and how it ends."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from bot import quickstart
from bot.errors import StartFailed
from handlers.text.messages import say
from tests.conftest import clean_environ


@pytest.fixture(autouse=True)
def environ() -> Iterator[None]:
    """Give back the environment that the trial changes for its process."""
    with patch.dict(os.environ, clean_environ(), clear=True):
        yield


def killed(monkeypatch: pytest.MonkeyPatch, data: Path, check: bool) -> None:
    """Run the trial and end it as SIGTERM does."""

    async def run(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(quickstart, "_run", run)
    monkeypatch.setattr(quickstart, "fetch_models", lambda _: None)
    quickstart.quickstart(port=4100, data=data, model="", check=check)


def test_a_killed_check_has_not_succeeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="check was ended"):
        killed(monkeypatch, tmp_path, check=True)


def test_a_killed_trial_ends_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    killed(monkeypatch, tmp_path, check=False)


def test_the_trial_is_about_this_machine(tmp_path: Path) -> None:
    remote = {"LLM_URL": "http://gpu:8000/v1", "LLM_API_KEY": "secret", "LLM_MODEL": "served", "QDRANT_URL": "http://q"}
    os.environ.update(remote)
    settings = quickstart._settings(4100, tmp_path, "")
    assert (settings.llm.url, settings.llm.api_key.get_secret_value(), settings.qdrant.url) == ("", "", "")
    assert settings.llm.model == "auto"


def test_a_model_of_this_machine_is_kept(tmp_path: Path) -> None:
    os.environ["LLM_MODEL"] = "preset:smollm2-135m"
    assert quickstart._settings(4100, tmp_path, "").llm.model == "preset:smollm2-135m"
    assert quickstart._settings(4100, tmp_path, "my.gguf").llm.model == "my.gguf"


def test_a_refusal_is_no_answer() -> None:
    pages = "\n\nSources:\n[1] handbook.pdf, p. 2"
    assert quickstart.is_right(f"The full working week has 37.5 hours [1].{pages}")
    assert not quickstart.is_right(f"{say('ask.refused', 'en')} {say('ask.nearest', 'en')}{pages}")
