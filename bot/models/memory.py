"""How much memory a model will take, from its file alone, and whether so much is free."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import StartFailed
from bot.models.auto import find_card
from bot.models.fetch import parts_of
from bot.settings import LlmSettings

KV_BYTES = {
    "f32": 4.0,
    "f16": 2.0,
    "q8_0": 34 / 32,
    "q4_0": 18 / 32,
}  # a number of the cache; blocks of 32 have a scale
SCRATCH_BYTES = 300_000_000  # what llama.cpp computes with: estimates
GPU_SCRATCH_BYTES = 1_000_000_000
MEMORY_INFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Needed:
    """The bytes that a model takes while it runs."""

    weights: int
    kv: int
    scratch: int

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.weights + self.kv + self.scratch


def needed(path: Path, settings: LlmSettings, *, gpu: bool) -> Needed:
    """Return what a GGUF file will take with these settings: its size, its key-value cache, and scratch."""
    weights = sum((path.parent / part).stat().st_size for part in parts_of(path.name))
    numbers = settings.context_tokens * kv_numbers_a_token(metadata(path))
    return Needed(weights, int(numbers * KV_BYTES[settings.kv_type]), GPU_SCRATCH_BYTES if gpu else SCRATCH_BYTES)


def metadata(path: Path) -> dict[str, Any]:
    """Return what a GGUF file says of its sizes, without the architecture's name before each key."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    sizes = (".block_count", ".embedding_length")
    names = {name for name in fields if ".attention." in name or name.endswith(sizes)}
    return {name.partition(".")[2]: fields[name].contents() for name in names}


def kv_numbers_a_token(sizes: dict[str, Any]) -> int:
    """Return how many keys and values one token leaves in all layers; layers without attention leave none."""
    layers, heads = int(sizes["block_count"]), sizes["attention.head_count"]
    most_heads = max(heads) if isinstance(heads, list) else int(heads)
    width = int(sizes["embedding_length"]) // most_heads
    kv_heads = sizes.get("attention.head_count_kv", heads)
    count = sum(kv_heads) if isinstance(kv_heads, list) else layers * int(kv_heads)
    return count * (int(sizes.get("attention.key_length", width)) + int(sizes.get("attention.value_length", width)))


def free_bytes() -> int:
    """Return the memory that a new process may take: the machine's, or what is left of a container's limit."""
    lines = (line.split() for line in MEMORY_INFO.read_text().splitlines()) if MEMORY_INFO.exists() else iter(())
    available = next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), 0)
    limit, used = (CGROUP / name for name in ("memory.max", "memory.current"))
    if limit.exists() and limit.read_text().strip().isdigit():
        available = min(available, int(limit.read_text()) - int(used.read_text()))
    return available


def refuse_if_too_large(path: Path, settings: LlmSettings, *, gpu: bool) -> None:
    """Raise StartFailed with the settings that would help where a model can't fit; unknown numbers refuse nothing."""
    card = find_card() if gpu and settings.gpu_layers < 0 else None
    free = card.free_bytes if card else free_bytes()
    try:
        need = needed(path, settings, gpu=card is not None)
    except (ValueError, KeyError, IndexError):  # damaged, or of an unknown kind: llama.cpp says what is wrong
        return
    if not free or need.total <= free:
        return
    where = f"on {card.name}" if card else "of memory"
    raise StartFailed(
        f"{path.name} needs about {need.total / 1e9:.1f} GB {where} ({need.weights / 1e9:.1f} weights, "
        f"{need.kv / 1e9:.1f} context, {need.scratch / 1e9:.1f} scratch), and {free / 1e9:.1f} GB are free. "
        f"Take a smaller LLM_MODEL, or lower LLM_CONTEXT_TOKENS (now {settings.context_tokens})."
    )
