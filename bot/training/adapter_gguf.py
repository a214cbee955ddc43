"""A LoRA adapter of peft as the GGUF adapter that llama.cpp loads."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import StartFailed
from indexing.vectors import Vectors

ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "mistral": "llama"}  # transformers' names -> llama.cpp's
MODULES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
NAME = re.compile(r"layers\.(\d+)\.(.+)\.lora_([AB])(?:\.default)?\.weight$")


def architecture_of(config: Any) -> str:
    """Return llama.cpp's name of the architecture; raise StartFailed for one whose tensors are not known here."""
    if config.model_type not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise StartFailed(f"Adapters of {config.model_type} can't be written as GGUF; known are {known}.")
    return ARCHITECTURES[config.model_type]


def write_adapter(tensors: Mapping[str, Vectors], config: Any, alpha: float, path: Path) -> None:
    """Write peft's A [rank, in] and B [out, rank] under llama.cpp's names."""
    from gguf import GGUFWriter

    architecture = architecture_of(config)
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, tensor in sorted(tensors.items()):
        writer.add_tensor(*renamed(name, tensor, architecture, config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def renamed(name: str, tensor: Vectors, architecture: str, config: Any) -> tuple[str, Vectors]:
    """Return a tensor as llama.cpp wants it."""
    match = NAME.search(name)
    if not match or match[2] not in MODULES:
        raise StartFailed(f"{name} has no place in a GGUF adapter.")
    module = MODULES[match[2]]
    if match[3] == "B" and architecture == "llama" and module in {"attn_q", "attn_k"}:
        heads = config.num_attention_heads if module == "attn_q" else config.num_key_value_heads
        tensor = permuted(tensor, heads)
    return f"blk.{match[1]}.{module}.weight.lora_{match[3].lower()}", np.ascontiguousarray(tensor, np.float32)


def permuted(tensor: Vectors, heads: int) -> Vectors:
    """Order the rows of each head as llama.cpp's rotary embedding does for llama: pairs beside each other.

    transformers turns the first half of a head against the second; GGUF files of the llama architecture have the
    rows of query and key reordered once, when they are converted, and what is added to them must be, too.
    """
    half = tensor.shape[0] // heads // 2
    return tensor.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(tensor.shape)
