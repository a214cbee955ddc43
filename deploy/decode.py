"""Has llama.cpp decode with a small model of random weights: deploy/setup runs it as a process that may crash."""

import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter
from llama_cpp import llama_cpp as api

WIDTH, HIDDEN, HEADS, VOCABULARY = 256, 512, 4, 512  # a row of k-quants has 256 weights
PROMPT_TOKENS = 64  # enough for the kernels of prompts; one token more is for those of a single one
SECONDS = 300  # a decode that hangs is killed, which counts as a crash
WARNING_AND_ERROR = (3, 4)  # ggml_log_level
Q4_K, Q6_K, Q8_0 = GGMLQuantizationType.Q4_K, GGMLQuantizationType.Q6_K, GGMLQuantizationType.Q8_0
SCALES = {Q4_K: (0, 2), Q6_K: (208,), Q8_0: (0,)}  # where a block keeps its half-precision scales, in bytes
LAYER = {
    "attn_q": (WIDTH, WIDTH, Q4_K),
    "attn_k": (WIDTH, WIDTH, Q4_K),
    "attn_v": (WIDTH, WIDTH, Q6_K),
    "attn_output": (WIDTH, WIDTH, Q8_0),
    "ffn_gate": (HIDDEN, WIDTH, Q4_K),
    "ffn_up": (HIDDEN, WIDTH, Q8_0),
    "ffn_down": (WIDTH, HIDDEN, Q6_K),
}


@api.llama_log_callback
def hear_log(level: int, text: bytes, _: object) -> None:
    """Print warnings and errors only: the end of the log is shown after a crash."""
    if level in WARNING_AND_ERROR:
        sys.stderr.write(text.decode("utf-8", "replace"))


def write_model(path: Path) -> None:
    """Write a llama of one layer in the number formats that models come in."""
    random = np.random.default_rng(1)
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")
    for name, (rows, columns, kind) in LAYER.items():
        writer.add_tensor(f"blk.0.{name}.weight", _weights(random, rows, columns, kind), raw_dtype=kind)
    for name in ("token_embd", "output"):
        writer.add_tensor(f"{name}.weight", _weights(random, VOCABULARY, WIDTH, Q8_0), raw_dtype=Q8_0)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _weights(random: np.random.Generator, rows: int, columns: int, kind: GGMLQuantizationType) -> np.ndarray:
    """Return rows of random blocks whose scales are small numbers."""
    weights, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows * columns // weights, size), np.uint8)
    for offset in SCALES[kind]:
        blocks[:, offset : offset + 2] = np.frombuffer(np.float16(0.001).tobytes(), np.uint8)
    return blocks.reshape(rows, -1)


def decode(path: Path) -> np.ndarray:
    """Return the logits after a prompt and one token more."""
    api.llama_log_set(hear_log, None)
    api.llama_backend_init()
    model = api.llama_model_load_from_file(str(path).encode(), api.llama_model_default_params())
    if not model:
        raise SystemExit("llama.cpp can't load a small model.")
    parameters = api.llama_context_default_params()
    parameters.n_ctx = 2 * PROMPT_TOKENS
    context = api.llama_init_from_model(model, parameters)
    for tokens in (np.arange(PROMPT_TOKENS, dtype=np.int32), np.array([7], np.int32)):
        pointer = tokens.ctypes.data_as(api.ctypes.POINTER(api.llama_token))
        if api.llama_decode(context, api.llama_batch_get_one(pointer, len(tokens))):
            raise SystemExit("llama.cpp can't decode with a small model.")
    return np.ctypeslib.as_array(api.llama_get_logits(context), (VOCABULARY,)).copy()


def main() -> None:
    """Write a model, decode, and look whether the logits are numbers."""
    signal.alarm(SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.gguf"
        write_model(path)
        logits = decode(path)
    if not np.isfinite(logits).all() or not logits.std():
        raise SystemExit("llama.cpp computes no numbers.")


if __name__ == "__main__":
    main()
