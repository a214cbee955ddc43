"""The language model to teach: a folder as the hub has it, or a GGUF whose weights are made whole again."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import StartFailed
from bot.training.dataset import Example

MOST_TOKENS = 1024  # of one example


def load_base(base: str, cache_dir: Path, bits: int = 8) -> tuple[Any, Any]:
    """Return model and tokenizer; on a GPU in 8 or 4 bits where bitsandbytes is installed, else in plain precision."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder, options = model_folder(base, cache_dir)
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    held = precision(bool(options), bits)
    model = AutoModelForCausalLM.from_pretrained(folder, **options, **held)
    if "quantization_config" in held:
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model)  # type: ignore[no-untyped-call]
    return model, tokenizer


def model_folder(base: str, cache_dir: Path) -> tuple[str, dict[str, str]]:
    """Return what transformers shall load and with which options; raise StartFailed."""
    path = Path(base).expanduser()
    if path.is_dir():
        return str(path), {}
    if path.suffix != ".gguf" or not path.is_file():
        if not base.startswith(("preset:", "hub:")):
            raise StartFailed(f"{base} is neither a folder, nor a .gguf file, nor preset:NAME.")
        from bot.models.fetch import fetch_llm

        path = fetch_llm(base, cache_dir)
    return str(path.parent), {"gguf_file": path.name}


def precision(from_gguf: bool, bits: int) -> dict[str, Any]:
    """Return how the weights are held: fp32 on a CPU, else in 8 or 4 bits.

    Half precision where bitsandbytes is missing, and for a GGUF, which transformers makes whole while it reads it.
    """
    import torch

    if not torch.cuda.is_available():
        return {"dtype": torch.float32}
    whole = {"dtype": torch.bfloat16, "device_map": "cuda"}
    if from_gguf or importlib.util.find_spec("bitsandbytes") is None:
        return whole
    from transformers import BitsAndBytesConfig

    fewer_bits = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_8bit=bits == 8,
        load_in_4bit=bits == 4,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )
    return {**whole, "quantization_config": fewer_bits}


def encoded(tokenizer: Any, example: Example, answer: str) -> tuple[list[int], int]:
    """Return the tokens of prompt and answer, and how many are the prompt's; too long a prompt loses its head."""
    text = tokenizer.apply_chat_template(example.chat, add_generation_prompt=True, tokenize=False)
    prompt: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token or ""
    rest: list[int] = tokenizer(answer + end, add_special_tokens=False)["input_ids"]
    prompt = prompt[-max(1, MOST_TOKENS - len(rest)) :]
    return prompt + rest, len(prompt)


def batch_of(rows: Sequence[tuple[list[int], int]], pad: int) -> dict[str, Any]:
    """Return ids, mask and labels [rows, longest]; only the answers are learned."""
    import torch

    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), pad)
    labels = torch.full((len(rows), longest), -100)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for row, (tokens, prompt) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, prompt : len(tokens)] = torch.tensor(tokens[prompt:])
        mask[row, : len(tokens)] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
