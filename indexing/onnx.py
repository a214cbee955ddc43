"""The embedding model on the CPU: onnxruntime, exported once from the sentence-transformers folder, then kept.

The same vectors as torch gives, without torch's cost on the CPU (1.7 times as fast on one core of an EPYC, 2.4 times
with 8-bit weights); it holds Python's global lock for no longer than a call takes.
"""

import functools
import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexing.cores import spare_cores
from indexing.embedder import load_model
from indexing.vectors import Vectors
from indexing.weights import weights_hash

MOST_BYTES = 2_000_000_000  # one ONNX file holds no more
LAYOUT = ["Transformer", "Pooling", "Normalize"]
MEAN_POOLING = [{"pooling_mode": "mean"}, {"pooling_mode_mean_tokens": True}]  # as it is written now, and was before
# An input whose largest value is so many standard deviations away leaves no room for the rest in 8 bits. In e5-small
# these are five of 72; with them in full, vectors differ by .001 of cosine instead of .004.
OUTLIER_DEVIATIONS = 70
SAMPLE = "passage: Holidays\nHow many days of paid leave are there? / Combien de jours de congé y a-t-il par an ?"


class OnnxEncoder:
    """A BERT with mean pooling."""

    def __init__(self, folder: Path, cache_dir: Path, batch: int, threads: int, *, int8: bool = False) -> None:
        import onnxruntime

        if not can_run(folder):
            raise ValueError(f"{folder} is no BERT that pools by the mean; set EMBEDDINGS_INT8 to false")
        self.dimensions = int(parse_model(folder / "config.json")["hidden_size"])
        self._folder, self._batch, self._int8 = folder, batch, int8
        self._tokenizer = tokenizer_of(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or spare_cores()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(exported(folder, cache_dir, int8)), options, ["CPUExecutionProvider"]
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # alike lengths need no padding
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for start in range(0, len(order), self._batch):
            some = order[start : start + self._batch]
            vectors[some] = self._some([texts[index] for index in some])
        return vectors

    def layers(self) -> Any:
        """Return the model in torch, loaded when it is asked for; with 8-bit weights never: they are to save memory."""
        if self._int8:
            raise TypeError("the 8-bit model has no torch layers")
        return self._in_torch

    @functools.cached_property
    def _in_torch(self) -> Any:
        return load_model(self._folder, "cpu")

    def _some(self, texts: list[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in encoded], np.int64)
        mask = np.array([one.attention_mask for one in encoded], np.int64)
        (states,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        vectors: Vectors = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
        return vectors


@functools.cache
def tokenizer_of(folder: Path) -> Any:
    """Return a folder's tokenizer, one for all who read with it: its vocabulary takes some 150 MB."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(longest(folder))
    tokenizer.enable_padding()
    return tokenizer


def can_run(folder: Path) -> bool:
    """Tell whether a folder holds what this file knows to export: a BERT, pooled by the mean, normalised."""
    weights = folder / "model.safetensors"
    if not weights.exists() or weights.stat().st_size > MOST_BYTES or not (folder / "tokenizer.json").exists():
        return False
    modules = [module["type"].rsplit(".", 1)[-1] for module in parse_model(folder / "modules.json")]
    saved = parse_model(folder / "1_Pooling" / "config.json")
    pooling = {name: value for name, value in saved.items() if name.startswith("pooling_mode") and value}
    is_bert = parse_model(folder / "config.json").get("model_type") == "bert"
    return is_bert and modules == LAYOUT and pooling in MEAN_POOLING


def longest(folder: Path) -> int:
    """Return how many tokens a text may have: the least that any of the folder's files says."""
    said = {"sentence_bert_config.json": "max_seq_length", "tokenizer_config.json": "model_max_length"}
    limits = [parse_model(folder / file).get(name) for file, name in said.items()]
    return int(
        min(limit for limit in (*limits, parse_model(folder / "config.json")["max_position_embeddings"]) if limit)
    )


def parse_model(file: Path) -> Any:
    """Return what a file of JSON says; nothing if it is not there."""
    return json.loads(file.read_text()) if file.exists() else {}


def exported(folder: Path, cache_dir: Path, int8: bool) -> Path:
    """Return the ONNX file, made now if it is not there; it appears whole or not at all."""
    weights = weights_hash(folder, cache_dir)
    target = cache_dir / f"{folder.name}-{weights[:16]}{'-8bit' if int8 else ''}.onnx"
    if not target.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
            made = export(folder, Path(scratch))
            (quantised(made, outliers(folder)) if int8 else made).replace(target)
    return target


def export(folder: Path, into: Path) -> Path:
    """Write the transformer as ONNX."""
    import torch

    model = load_bert(folder)

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = (
                1.0 - attention_mask[:, None, None, :].to(torch.float32)
            ) * -10000.0  # ready-made: nothing to trace
            return self.model(input_ids=input_ids, attention_mask=hidden).last_hidden_state

    example = torch.ones((2, 8), dtype=torch.long)
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):  # the newer exporter needs onnxscript
        torch.onnx.export(
            States(), (example, example), str(into / "full.onnx"), dynamo=False, opset_version=17,
            input_names=["input_ids", "attention_mask"], output_names=["states"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes},
        )  # fmt: skip
    return into / "full.onnx"


def load_bert(folder: Path) -> Any:
    """Return the transformer in torch, its attention written out."""
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return AutoModel.from_pretrained(str(folder), attn_implementation="eager", local_files_only=True).eval()


def outliers(folder: Path) -> list[str]:
    """Return the names of the matrices whose inputs 8 bits would flatten."""
    import torch
    from transformers import AutoTokenizer

    model, deviations = load_bert(folder), {}

    def note(name: str, given: Any) -> None:
        deviations[name] = float(given.abs().max() / given.std())

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _module, given, name=name: note(name, given[0]))
    with torch.inference_mode():
        model(**AutoTokenizer.from_pretrained(str(folder), local_files_only=True)(SAMPLE, return_tensors="pt"))
    return [name for name, deviation in deviations.items() if deviation > OUTLIER_DEVIATIONS]


def quantised(full: Path, but: Sequence[str]) -> Path:
    """Write the matrices as 8-bit integers, each row with its own scale, but those named."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    nodes = [f"/model/{name.replace('.', '/').replace('layer/', 'layer.')}/MatMul" for name in but]
    target = full.with_name("8bit.onnx")
    quantize_dynamic(str(full), str(target), weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=nodes)
    return target
