"""A LoRA adapter of peft in llama.cpp: the same numbers on both sides."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bot.errors import StartFailed
from bot.settings import Settings
from bot.training.adapter_gguf import permuted, renamed, write_adapter

PREFIX = "base_model.model.model.layers.3."
LLAMA = SimpleNamespace(model_type="llama", num_attention_heads=9, num_key_value_heads=3)


def test_names_are_those_of_llama_cpp() -> None:
    down = np.ones((8, 1536), np.float32)
    name, tensor = renamed(PREFIX + "mlp.down_proj.lora_A.weight", down, "llama", LLAMA)
    assert name == "blk.3.ffn_down.weight.lora_a"
    assert (tensor == down).all()


def test_the_rows_of_query_and_key_are_reordered_by_head() -> None:
    """Rotary pairs lie half a head apart in transformers and beside each other in a GGUF of the llama architecture."""
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert permuted(rows, heads=2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_qwen_keeps_its_order() -> None:
    rows = np.arange(576, dtype=np.float32)[:, None]
    _, tensor = renamed(PREFIX + "self_attn.q_proj.lora_B.weight", rows, "qwen2", LLAMA)
    assert (tensor == rows).all()


@pytest.mark.parametrize("name", ["lm_head.lora_A.weight", PREFIX + "self_attn.rotary.lora_A.weight"])
def test_a_tensor_without_a_place_is_refused(name: str) -> None:
    with pytest.raises(StartFailed):
        renamed(name, np.ones((1, 1), np.float32), "llama", LLAMA)


def test_an_unknown_architecture_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="gpt2"):
        write_adapter({}, SimpleNamespace(model_type="gpt2"), 16, tmp_path / "a.gguf")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of transformers, peft and torch, which warn of each other
def test_engine_and_adapter_say_what_transformers_and_peft_say(tmp_path: Path) -> None:
    """What the adapter changes in the logits is the same in both, within the noise of the quantised base."""
    import torch

    from bot.models.fetch import fetch_llm
    from bot.training.base_model import load_base

    settings = Settings()
    path = fetch_llm("preset:smollm2-135m", settings.cache_dir)
    model, tokenizer = load_base(str(path), settings.cache_dir)
    tokens = tokenizer("The film was a complete waste of time, and I", add_special_tokens=False)["input_ids"]
    taught = with_random_adapter(model, tmp_path / "adapter.gguf")
    with torch.inference_mode():
        after = taught(torch.tensor([tokens])).logits[0, -1].numpy()
        with taught.disable_adapter():
            before = taught(torch.tensor([tokens])).logits[0, -1].numpy()
    engine_before, engine_after = (
        engine_logits(path, tokens, adapter) for adapter in (None, tmp_path / "adapter.gguf")
    )
    noise = np.abs(engine_before - before).mean()
    assert np.abs(after - before).mean() > 5 * noise, "the adapter must change more than quantisation does"
    assert np.abs(engine_after - after).mean() < 3 * noise
    assert np.corrcoef(engine_after - engine_before, after - before)[0, 1] > 0.98


def with_random_adapter(model: Any, path: Path) -> Any:
    """Put an adapter with a strong effect on the model and write it for llama.cpp."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    from bot.training.finetune import ALPHA, MODULES, RANK

    torch.manual_seed(0)
    lora = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(MODULES), init_lora_weights=False)
    taught = get_peft_model(model, lora).eval()
    for name, weights in taught.named_parameters():
        if "lora_B" in name:
            weights.data.normal_(0, 0.2)
    state = {name: tensor.numpy() for name, tensor in get_peft_model_state_dict(taught).items()}
    write_adapter(state, taught.config, ALPHA, path)
    return taught


def engine_logits(path: Path, tokens: list[int], adapter: Path | None) -> Any:
    """Return llama.cpp's logits after the tokens."""
    import llama_cpp

    llama = llama_cpp.Llama(
        str(path), n_ctx=64, n_threads=1, lora_path=str(adapter) if adapter else None, logits_all=True, verbose=False
    )  # fmt: skip
    llama.eval(tokens)
    logits = np.array(llama.scores[len(tokens) - 1], np.float32)
    llama.close()
    return logits
