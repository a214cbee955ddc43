"""The model for this machine: chosen by the memory of its card, with the sizes that fit beside it."""

import shutil
import subprocess
from dataclasses import dataclass

from bot.settings import LlmSettings

DEFAULT = "preset:qwen2.5-coder-1.5b"  # where there is no card, or a small one
GIB = 2**30


@dataclass(frozen=True)
class Card:
    """A graphics card: its name, and the memory that is free on it."""

    name: str
    free_bytes: int


@dataclass(frozen=True)
class Fit:
    """What a card of so much free memory takes: file, KV cache and scratch together stay below it."""

    free_gib: float
    preset: str
    slots: int
    context_tokens: int
    kv_type: str


FITS = (  # largest first; computed from layers, key-value heads and the file's size, not measured on these cards
    Fit(70, "qwen3-30b-a3b", 32, 131_072, "f16"),
    Fit(22.5, "qwen3-30b-a3b", 16, 32_768, "q8_0"),
    Fit(14, "ministral-3-14b", 16, 32_768, "q8_0"),
    Fit(10, "ministral-3-8b", 8, 24_576, "q8_0"),
    Fit(7, "qwen3-4b", 8, 16_384, "f16"),
)


def for_this_machine(settings: LlmSettings) -> tuple[LlmSettings, str]:
    """Return settings with the model that LLM_MODEL=auto stands for here, and the reason; others as they are."""
    if settings.model != "auto" or settings.url:
        return settings, ""
    from bot.engine.llama import supports_gpu

    return choose(settings, find_card() if supports_gpu() else None)


def find_card() -> Card | None:
    """Return the NVIDIA card with the most free memory, as nvidia-smi tells; None where there is none."""
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    command = [program, "--query-gpu=name,memory.free", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [line.rpartition(",") for line in asked.stdout.splitlines()]
    cards = [Card(name.strip(), int(free) * 2**20) for name, _, free in rows if free.strip().isdigit()]
    return max(cards, key=lambda card: card.free_bytes, default=None)


def choose(settings: LlmSettings, card: Card | None) -> tuple[LlmSettings, str]:
    """Return settings with the model for a card, and the reason in a sentence; what a person set stays."""
    fit = next((fit for fit in FITS if card and card.free_bytes >= fit.free_gib * GIB), None)
    if card is None or fit is None:
        reason = (
            f"{card.name} has {card.free_bytes / GIB:.0f} GiB free"
            if card
            else "there is no NVIDIA card that llama.cpp can use"
        )
        return settings.model_copy(update={"model": DEFAULT}), f"{DEFAULT}: {reason}."
    chosen = {"slots": fit.slots, "context_tokens": fit.context_tokens, "kv_type": fit.kv_type}
    mine = {name: value for name, value in chosen.items() if name not in settings.model_fields_set}
    reason = f"preset:{fit.preset}: {card.name} has {card.free_bytes / GIB:.0f} GiB free."
    return settings.model_copy(update={"model": f"preset:{fit.preset}", **mine}), reason
