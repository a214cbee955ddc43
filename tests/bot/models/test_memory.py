"""The right model for the machine: chosen by its card, and refused before it is loaded where it can't fit."""

from pathlib import Path

import pytest

from bot.errors import StartFailed
from bot.models import auto, memory
from bot.models.auto import DEFAULT, FITS, GIB, Card, choose, find_card, for_this_machine
from bot.models.memory import kv_numbers_a_token, needed, refuse_if_too_large
from bot.models.presets import LLM_PRESETS
from bot.settings import LlmSettings
from tests.bot.engine.tiny_models import CONTEXT, HEAD, HEADS, LAYERS, write_model

AUTO = LlmSettings(model="auto")


def program(folder: Path, output: str, status: int = 0) -> str:
    """Return a PATH with a stand-in nvidia-smi."""
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\nprintf '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_the_card_with_the_most_free_memory_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", program(tmp_path, "NVIDIA L4, 23034\\nNVIDIA H100, 80000\\n"))
    assert find_card() == Card("NVIDIA H100", 80000 * 2**20)


@pytest.mark.parametrize(("output", "status"), [("", 0), ("No devices were found", 6), ("GPU, [N/A]\\n", 0)])
def test_a_driver_without_a_card_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, status: int
) -> None:
    monkeypatch.setenv("PATH", program(tmp_path, output, status))
    assert find_card() is None


@pytest.mark.parametrize(("free_gib", "preset"), [(79, "qwen3-30b-a3b"), (23, "qwen3-30b-a3b"), (15, "ministral-3-14b"),
                                                  (11, "ministral-3-8b"), (7.5, "qwen3-4b")])  # fmt: skip
def test_auto_takes_the_best_that_fits_and_says_why(free_gib: float, preset: str) -> None:
    chosen, reason = choose(AUTO, Card("NVIDIA L4", int(free_gib * GIB)))
    assert chosen.model == f"preset:{preset}"
    assert "NVIDIA L4" in reason


@pytest.mark.parametrize("card", [None, Card("GT 1030", 2 * GIB)])
def test_without_a_fitting_card_it_is_the_default(card: Card | None) -> None:
    chosen, reason = choose(AUTO, card)
    assert (chosen.model, chosen.slots) == (DEFAULT, LlmSettings().slots)
    assert reason


def test_what_a_person_set_stays() -> None:
    mine, _ = choose(LlmSettings(model="auto", slots=3), Card("NVIDIA H100", 79 * GIB))
    assert (mine.slots, mine.context_tokens) == (3, 131_072)
    named = LlmSettings(model="preset:qwen3-4b")
    assert for_this_machine(named) == (named, "")
    assert for_this_machine(AUTO)[0].model.startswith("preset:")


@pytest.mark.parametrize("fit", FITS, ids=lambda fit: f"{fit.preset}-{fit.free_gib}")
def test_each_choice_leaves_room_for_its_file_and_scratch(fit: auto.Fit) -> None:
    assert LLM_PRESETS[fit.preset].size_bytes + memory.GPU_SCRATCH_BYTES < fit.free_gib * GIB


@pytest.mark.parametrize(("kind", "layers"), [("llama", LAYERS), ("gemma3", LAYERS), ("lfm2", 2), ("granitehybrid", 1)])
def test_the_cache_is_counted_from_the_file(tmp_path: Path, kind: str, layers: int) -> None:
    """Only layers of attention keep keys and values."""
    path = write_model(tmp_path / "m.gguf", kind)
    numbers = layers * HEADS * 2 * HEAD
    assert kv_numbers_a_token(memory.metadata(path)) == numbers
    settings = LlmSettings(context_tokens=CONTEXT, kv_type="f16")
    assert needed(path, settings, gpu=False).kv == 2 * numbers * CONTEXT


def test_a_model_that_does_not_fit_is_refused_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "m.gguf", "llama")
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000_000)
    with pytest.raises(StartFailed, match=r"LLM_MODEL.*LLM_CONTEXT_TOKENS"):
        refuse_if_too_large(path, LlmSettings(), gpu=False)
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**12)
    refuse_if_too_large(path, LlmSettings(), gpu=False)


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.free_bytes() == 2_000_000
