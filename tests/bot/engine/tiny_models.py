"""Models of random weights, about 1 MB each: one of every kind of memory that llama.cpp has."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, HIDDEN, HEADS, LAYERS, CONTEXT = 64, 128, 4, 4, 1024
HEAD = WIDTH // HEADS
WINDOW = 32  # tokens that a sliding-window layer looks back
CONTROL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")
USER_DEFINED = ("<|channel|>", "  ")  # markup that llama.cpp takes for text, and a piece of text
SCALE = 0.6  # of the weights: large enough that the next token depends on all that came before

Shapes = dict[str, tuple[int, ...]]


def write_model(path: Path, kind: str, template: str = "") -> Path:
    """Write a model of a kind (llama, gemma3, lfm2, granitehybrid, mamba) with bytes as its words."""
    writer = GGUFWriter(path, kind)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_vocabulary(writer)
    if template:
        writer.add_chat_template(template)
    _add_tensors(writer, KINDS[kind](writer))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: GGUFWriter) -> None:
    words = [*CONTROL, *USER_DEFINED, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [TokenType.CONTROL] * len(CONTROL) + [TokenType.USER_DEFINED] * len(USER_DEFINED) + [TokenType.BYTE] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types(kinds)
    writer.add_vocab_size(len(words))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def _add_tensors(writer: GGUFWriter, shapes: Shapes) -> None:
    random = np.random.default_rng(7)
    vocabulary = len(CONTROL) + len(USER_DEFINED) + 256
    shapes = {"token_embd.weight": (vocabulary, WIDTH), "output.weight": (vocabulary, WIDTH)} | shapes
    for name, shape in shapes.items():
        values = random.normal(0, SCALE / np.sqrt(shape[-1]), shape)
        if "norm" in name:
            values = 1 + values
        elif name.endswith("ssm_a"):
            values = -1 - np.abs(values)  # a state that fades
        elif name == "token_embd.weight":
            values = random.normal(0, 1, shape)
        writer.add_tensor(name, values.astype(np.float32))


def _layers(of_layer: Callable[[int], Shapes]) -> Shapes:
    return {f"blk.{layer}.{name}": shape for layer in range(LAYERS) for name, shape in of_layer(layer).items()}


def _attention(kv_heads: int = HEADS) -> Shapes:
    return {
        "attn_q.weight": (WIDTH, WIDTH),
        "attn_k.weight": (HEAD * kv_heads, WIDTH),
        "attn_v.weight": (HEAD * kv_heads, WIDTH),
        "attn_output.weight": (WIDTH, WIDTH),
    }


FEED_FORWARD: Shapes = {
    "ffn_norm.weight": (WIDTH,),
    "ffn_gate.weight": (HIDDEN, WIDTH),
    "ffn_up.weight": (HIDDEN, WIDTH),
    "ffn_down.weight": (WIDTH, HIDDEN),
}
NORM: Shapes = {"attn_norm.weight": (WIDTH,)}
LAST_NORM: Shapes = {"output_norm.weight": (WIDTH,)}


def _llama(_: GGUFWriter) -> Shapes:
    return LAST_NORM | _layers(lambda _: NORM | _attention() | FEED_FORWARD)


def _gemma3(writer: GGUFWriter) -> Shapes:
    """Five of six layers look back a window only."""
    writer.add_sliding_window(WINDOW)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    more: Shapes = {
        "attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,), "post_attention_norm.weight": (WIDTH,),
        "post_ffw_norm.weight": (WIDTH,),
    }  # fmt: skip
    return LAST_NORM | _layers(lambda _: NORM | _attention() | FEED_FORWARD | more)


def _heads_of_layers(writer: GGUFWriter, recurrent: Sequence[int]) -> None:
    writer.add_head_count_kv([0 if layer in recurrent else HEADS for layer in range(LAYERS)])


def _lfm2(writer: GGUFWriter) -> Shapes:
    """Layers of a short convolution beside layers of attention."""
    recurrent = (0, 2)
    _heads_of_layers(writer, recurrent)
    writer.add_shortconv_l_cache(3)
    convolution: Shapes = {
        "shortconv.conv.weight": (WIDTH, 3),
        "shortconv.in_proj.weight": (3 * WIDTH, WIDTH),
        "shortconv.out_proj.weight": (WIDTH, WIDTH),
    }
    norms: Shapes = {"attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,)}

    def layer(number: int) -> Shapes:
        return NORM | FEED_FORWARD | (convolution if number in recurrent else _attention() | norms)

    return {"token_embd_norm.weight": (WIDTH,)} | _layers(layer)


def _ssm(writer: GGUFWriter, state: int, rank: int) -> None:
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(2 * WIDTH)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)


def _granite_hybrid(writer: GGUFWriter) -> Shapes:
    """Mamba-2 layers beside layers of attention."""
    recurrent, state, heads, inner = (0, 1, 3), 16, 4, 2 * WIDTH
    _heads_of_layers(writer, recurrent)
    _ssm(writer, state, heads)
    writer.add_ssm_group_count(1)
    mamba: Shapes = {
        "ssm_in.weight": (2 * inner + 2 * state + heads, WIDTH),
        "ssm_conv1d.weight": (inner + 2 * state, 4),
        "ssm_conv1d.bias": (inner + 2 * state,),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads, 1),
        "ssm_d": (heads, 1),
        "ssm_norm.weight": (1, inner),
        "ssm_out.weight": (WIDTH, inner),
    }
    return LAST_NORM | _layers(lambda n: NORM | FEED_FORWARD | (mamba if n in recurrent else _attention()))


def _mamba(writer: GGUFWriter) -> Shapes:
    """No attention at all."""
    state, rank, inner = 16, 4, 2 * WIDTH
    _ssm(writer, state, rank)
    layer: Shapes = {
        "ssm_in.weight": (2 * inner, WIDTH),
        "ssm_conv1d.weight": (inner, 4),
        "ssm_conv1d.bias": (inner,),
        "ssm_x.weight": (rank + 2 * state, inner),
        "ssm_dt.weight": (inner, rank),
        "ssm_dt.bias": (inner,),
        "ssm_a": (inner, state),
        "ssm_d": (inner,),
        "ssm_out.weight": (WIDTH, inner),
    }
    return LAST_NORM | _layers(lambda _: NORM | layer)


KINDS: dict[str, Callable[[GGUFWriter], Shapes]] = {
    "llama": _llama,
    "gemma3": _gemma3,
    "lfm2": _lfm2,
    "granitehybrid": _granite_hybrid,
    "mamba": _mamba,
}
