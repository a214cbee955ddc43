"""What 8 bits do to a language model: memory, speed and perplexity of its weights and its KV cache, in one run."""

import ctypes
import json
import math
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.settings import Settings

CONTEXT = 1024
PROMPT_TOKENS = 512
ANSWER_TOKENS = 64
PERPLEXITY_WINDOWS = 2  # of CONTEXT / 2 scored tokens each
TYPES = {"f16": 1, "q8_0": 8}  # ggml_type
FTYPES = {"F16": 1, "Q8_0": 7}  # llama_ftype
TEXT = Path(__file__).parents[2] / "README.md"  # English, in every checkout, and no model has learned it by heart


def main() -> None:
    """Print one line for each combination, then one line of JSON."""
    from bot.models.fetch import fetch_llm

    settings = Settings()
    source = fetch_llm(settings.llm.model, settings.cache_dir)
    with tempfile.TemporaryDirectory(dir=settings.cache_dir) as folder:
        models = {"as it comes": source} | {
            name: quantised(source, Path(folder) / f"{name}.gguf", kind) for name, kind in FTYPES.items()
        }
        rows = [in_own_process(name, path, kv) for name, path in models.items() for kv in TYPES]
    print(json.dumps({"model": settings.llm.model, "rows": rows}))


def quantised(source: Path, target: Path, kind: int) -> Path:
    """Write the model with weights of another width."""
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = kind
    parameters.allow_requantize = True
    parameters.nthread = 1
    log = llama_cpp.llama_log_callback(lambda *_: None)
    llama_cpp.llama_log_set(log, ctypes.c_void_p())
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)):
        raise RuntimeError(f"llama.cpp could not write {target.name}")
    return target


def in_own_process(name: str, path: Path, kv: str) -> dict[str, Any]:
    """Measure in a fresh process: memory that another run left behind does not count."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        row: dict[str, Any] = {"weights": name, "kv": kv} | pool.apply(measure, (str(path), kv))
    print(row, file=sys.stderr)
    return row


def measure(path: str, kv: str) -> dict[str, Any]:
    """Return the figures of one combination."""
    import llama_cpp
    import psutil

    before = psutil.Process().memory_info().rss
    llama = llama_cpp.Llama(
        path, n_ctx=CONTEXT, n_batch=512, n_threads=1, n_threads_batch=1, type_k=TYPES[kv], type_v=TYPES[kv],
        flash_attn=True, logits_all=True, use_mmap=False, verbose=False,
    )  # fmt: skip
    tokens = llama.tokenize(TEXT.read_bytes(), add_bos=False)
    started = time.monotonic()
    llama.eval(tokens[:PROMPT_TOKENS])
    prompt_seconds = time.monotonic() - started
    started = time.monotonic()
    for token in tokens[PROMPT_TOKENS : PROMPT_TOKENS + ANSWER_TOKENS]:
        llama.eval([token])
    answer_seconds = time.monotonic() - started
    memory = psutil.Process().memory_info().rss - before
    return {
        "file_mb": round(Path(path).stat().st_size / 2**20),
        "memory_mb": round(memory / 2**20),
        "prompt_tokens_per_second": round(PROMPT_TOKENS / prompt_seconds, 1),
        "answer_tokens_per_second": round(ANSWER_TOKENS / answer_seconds, 1),
        "perplexity": round(perplexity(llama, tokens), 3),
    }


def perplexity(llama: Any, tokens: list[int]) -> float:
    """Return the perplexity of the second half of each window, given its first half."""
    import numpy as np

    loss, count = 0.0, 0
    for window in range(PERPLEXITY_WINDOWS):
        stretch = tokens[window * CONTEXT : (window + 1) * CONTEXT]
        llama.reset()
        llama.eval(stretch)
        for place in range(CONTEXT // 2, len(stretch) - 1):
            logits = np.asarray(llama.scores[place], np.float64)
            loss += math.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[stretch[place + 1]]
            count += 1
    return math.exp(loss / count)
