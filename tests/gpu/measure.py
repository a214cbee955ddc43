"""Tokens a second at 1, 8, 32 and 64 sequences, prompt speed, and a tiny model's answers, on whatever runs the layers.

The peer is llama.cpp itself, called as llama-bench calls it: one sequence, no scheduler, no sampling. The limit is the
memory's bandwidth: each decode reads all weights once.
"""

import asyncio
import ctypes
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, TokenType
from llama_cpp import llama_cpp as api

from bot.engine.engine import Engine
from bot.engine.llama import Llama
from bot.engine.sequence import Sampling, Sequence
from bot.settings import LlmSettings
from tests.bot.engine.tiny_models import KINDS, write_model

SEQUENCES = (1, 8, 32, 64)
ANSWER_TOKENS = 64
PROMPT_TOKENS = 2000
PEER_TOKENS = 128
COPY_BYTES = 2**30
Q8_0 = GGMLQuantizationType.Q8_0
GREEDY = Sampling(temperature=0)


@dataclass(frozen=True)
class Shape:
    """The sizes of a llama-like model."""

    name: str
    layers: int
    width: int
    hidden: int
    heads: int
    kv_heads: int
    vocabulary: int


SHAPES = (
    Shape("1.5B", 28, 1536, 8960, 12, 2, 151_936),
    Shape("8B", 32, 4096, 14_336, 32, 8, 128_256),
)
TINY = Shape("tiny", 2, 256, 512, 4, 2, 1024)


def write_random(path: Path, shape: Shape) -> Path:
    """Write a model of random Q8_0 weights; one block of numbers is repeated, for speed depends on sizes alone."""
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(32_768)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_words(writer, shape.vocabulary)
    kv_width = shape.width // shape.heads * shape.kv_heads
    matrices = {
        "attn_q": (shape.width, shape.width), "attn_k": (kv_width, shape.width), "attn_v": (kv_width, shape.width),
        "attn_output": (shape.width, shape.width), "ffn_gate": (shape.hidden, shape.width),
        "ffn_up": (shape.hidden, shape.width), "ffn_down": (shape.width, shape.hidden),
    }  # fmt: skip
    for name in ("token_embd", "output"):
        _add_matrix(writer, f"{name}.weight", shape.vocabulary, shape.width)
    for layer in range(shape.layers):
        for name, (rows, columns) in matrices.items():
            _add_matrix(writer, f"blk.{layer}.{name}.weight", rows, columns)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(shape.width, np.float32))
    writer.add_tensor("output_norm.weight", np.ones(shape.width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_words(writer: GGUFWriter, count: int) -> None:
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"w{number}" for number in range(count - len(words))]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * count)
    writer.add_token_types(kinds + [TokenType.NORMAL] * (count - len(kinds)))
    writer.add_vocab_size(count)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _add_matrix(writer: GGUFWriter, name: str, rows: int, columns: int) -> None:
    block, size = GGML_QUANT_SIZES[Q8_0]
    row = np.random.default_rng(len(name) + rows).integers(0, 256, (columns // block, size), np.uint8)
    row[:, :2] = np.frombuffer(np.float16(0.0005).tobytes(), np.uint8)
    writer.add_tensor(name, np.broadcast_to(row.reshape(1, -1), (rows, row.size)), raw_dtype=Q8_0)


@contextmanager
def engine_of(path: Path, slots: int, context_tokens: int) -> Iterator[Engine]:
    """Run an engine on a file."""
    engine = Engine(Llama(path, LlmSettings(slots=slots, context_tokens=context_tokens)), slots=slots, waiting=256)
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


async def seconds_for(engine: Engine, count: int, tokens: int, vocabulary: int) -> float:
    """Return how long so many new prompts take together, with answers of so many tokens."""
    random = np.random.default_rng()
    sequences = [
        Sequence(random.integers(300, vocabulary, 32).tolist(), tokens, sampling=GREEDY, ends=False)
        for _ in range(count)
    ]
    began = time.perf_counter()
    await asyncio.gather(*(_until_its_end(engine, sequence) for sequence in sequences))
    return time.perf_counter() - began


async def _until_its_end(engine: Engine, sequence: Sequence) -> None:
    async for _ in engine.stream(sequence):
        pass


async def speeds(engine: Engine, count: int, vocabulary: int) -> dict[str, float]:
    """Return tokens a second that so many sequences get together, and the seconds until each has its first."""
    first = await seconds_for(engine, count, 1, vocabulary)
    whole = await seconds_for(engine, count, ANSWER_TOKENS, vocabulary)
    return {"tokens_a_second": count * (ANSWER_TOKENS - 1) / (whole - first), "first_token_seconds": first}


async def prompt_speed(engine: Engine, vocabulary: int) -> float:
    """Return how many tokens of a long prompt are read a second."""
    prompt = np.random.default_rng(99).integers(300, vocabulary, PROMPT_TOKENS).tolist()
    began = time.perf_counter()
    await _until_its_end(engine, Sequence(prompt, 1, sampling=GREEDY, ends=False))
    return PROMPT_TOKENS / (time.perf_counter() - began)


def peer_speed(path: Path) -> float:
    """Return llama.cpp's own tokens a second: one sequence, decode after decode, nothing else."""
    model = api.llama_model_load_from_file(str(path).encode(), api.llama_model_default_params())
    parameters = api.llama_context_default_params()
    parameters.n_ctx = 1024
    context = api.llama_init_from_model(model, parameters)
    token = np.array([300], np.int32)
    pointer = token.ctypes.data_as(ctypes.POINTER(api.llama_token))
    for _ in range(8):
        api.llama_decode(context, api.llama_batch_get_one(pointer, 1))
    api.llama_synchronize(context)
    began = time.perf_counter()
    for _ in range(PEER_TOKENS):
        api.llama_decode(context, api.llama_batch_get_one(pointer, 1))
    api.llama_synchronize(context)
    seconds = time.perf_counter() - began
    api.llama_free(context)
    api.llama_model_free(model)
    return PEER_TOKENS / seconds


def bandwidth() -> float:
    """Return the bytes a second that the device's memory gives: torch copies a gigabyte on it (read and written)."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = torch.zeros(COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        target.copy_(source)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * COPY_BYTES / min(seconds)


async def same_answers(folder: Path) -> dict[str, bool]:
    """Tell for each kind of tiny model whether the device says the tokens that the CPU says."""
    same = {}
    for kind in KINDS:
        path = write_model(folder / f"{kind}.gguf", kind)
        prompt = np.random.default_rng(5).integers(6, 262, 120).tolist()
        told = []
        for layers in (0, -1):
            model = Llama(path, LlmSettings(slots=1, context_tokens=512, gpu_layers=layers))
            engine = Engine(model, slots=1)
            engine.start()
            sequence = Sequence(list(prompt), 16, sampling=GREEDY)
            async for _ in engine.stream(sequence):
                pass
            told.append(sequence.tokens[len(prompt) :])
            engine.close()
        same[kind] = told[0] == told[1]
    return same


async def measure(shape: Shape, folder: Path, bytes_a_second: float) -> dict[str, Any]:
    """Return one model's figures."""
    path = write_random(folder / f"{shape.name}.gguf", shape)
    size = path.stat().st_size
    row: dict[str, Any] = {"bytes": size, "limit_one_sequence": bytes_a_second / size, "llama_cpp": peer_speed(path)}
    with engine_of(path, max(SEQUENCES), 16_384) as engine:
        row["device"] = engine.model.device()  # type: ignore[attr-defined]  # Llama's own
        await speeds(engine, 1, shape.vocabulary)  # warm
        for count in SEQUENCES:
            row[f"{count}_sequences"] = await speeds(engine, count, shape.vocabulary)
        row["prompt_tokens_a_second"] = await prompt_speed(engine, shape.vocabulary)
    path.unlink()
    return row


def main(output: str, shapes: tuple[Shape, ...]) -> None:
    """Measure and write JSON, each figure as soon as it is there."""
    figures: dict[str, Any] = {"bytes_a_second": bandwidth()}
    with TemporaryDirectory() as scratch:
        figures["same_answers"] = asyncio.run(same_answers(Path(scratch)))
        for shape in shapes:
            figures[shape.name] = asyncio.run(measure(shape, Path(scratch), figures["bytes_a_second"]))
            print(json.dumps(figures, indent=1), flush=True)
            if output:
                Path(output).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--tiny"]
    main(arguments[0] if arguments else "", (TINY,) if "--tiny" in sys.argv else SHAPES)
