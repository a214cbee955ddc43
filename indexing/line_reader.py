"""Does a line answer a question? The embedding model, trained on to read both together.

Its lower layers read the question and the line apart, as when they are embedded; in the upper ones each looks at the
other as far as a gate lets it, one for each layer and head. What was trained (tests/evaluation/line_reader) is kept as
pairs of small matrices whose products are added to the embedding model's own, and fits only the very weights that it
was trained from. The words' vectors, four fifths of the model, are read from the embedding model's file.
"""

import asyncio
import json
import tempfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from indexing.cores import spare_cores
from indexing.onnx import tokenizer_of
from indexing.vectors import Vectors
from indexing.weights import weights_hash

TRAINED = Path(__file__).with_name("line_reader.safetensors")
QUERY, PASSAGE = "query: ", "passage: "
LONGEST = 112  # tokens of a question, and of a line
AT_ONCE = 8  # pairs of like length
WORDS = "embeddings.word_embeddings.weight"
DOWN, UP = ".down", ".up"  # the two matrices of a change: up @ down is added to the weights of that name
IN_QUESTION, IN_LINE, PADDING = 0.0, 1.0, 2.0  # what a token stands in
CLOSED = -1e4  # added to the logits of an attention that is not allowed
NAME_LENGTH, CONTEXT_LENGTH, BEFORE_LENGTH, TEXT_LENGTH = 60, 120, 120, 320  # characters


class LineReader:
    """The model in a thread of its own."""

    def __init__(self, folder: Path, cache_dir: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or spare_cores()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        file = exported(folder, cache_dir)
        self._session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
        self._words = word_vectors(folder / "model.safetensors")
        self._tokenizer = tokenizer_of(folder)
        self._thread = ThreadPoolExecutor(1, "line reader")

    @classmethod
    async def open(cls, folder: Path, cache_dir: Path, threads: int = 0) -> "LineReader | None":
        """Load it; None where it was not trained from the weights of this folder."""
        if not await asyncio.to_thread(fits, folder, cache_dir):
            return None
        return await asyncio.to_thread(cls, folder, cache_dir, threads)

    async def scores(self, question: str, lines: Sequence[str]) -> Vectors:
        """Return [n]: the log odds that each line answers the question."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._scores, question, list(lines))

    async def aclose(self) -> None:
        """Let the thread end."""
        await asyncio.to_thread(self._thread.shutdown)

    def ids_of(self, text: str) -> list[int]:
        """Return a text's tokens, at most LONGEST with the mark of its end."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids if len(ids) <= LONGEST else [*ids[: LONGEST - 1], ids[-1]]

    def _scores(self, question: str, lines: list[str]) -> Vectors:
        asked = self.ids_of(QUERY + question)
        encoded = [self.ids_of(PASSAGE + line) for line in lines]
        order = sorted(range(len(lines)), key=lambda place: len(encoded[place]))  # alike lengths need little padding
        scores = np.empty(len(lines), np.float32)
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            ids, positions, parts = batch_of(asked, [encoded[place] for place in some])
            given = {"words": self._words[ids], "positions": positions, "parts": parts}
            (scores[some],) = self._session.run(None, given)
        return scores


def batch_of(asked: Sequence[int], lines: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
    """Return ids, positions and parts, each [lines, tokens], of a question with each line behind it."""
    tokens = len(asked) + max(map(len, lines))
    ids, positions = np.zeros((2, len(lines), tokens), np.int64)
    parts = np.full((len(lines), tokens), PADDING, np.float32)
    for row, line in enumerate(lines):
        end = len(asked) + len(line)
        ids[row, :end] = [*asked, *line]
        positions[row, :end] = [*range(len(asked)), *range(len(line))]
        parts[row, :end] = [IN_QUESTION] * len(asked) + [IN_LINE] * len(line)
    return ids, positions, parts


def read_as(document: str, context: str, before: str, text: str) -> str:
    """Return a line as the reader reads it, after what it stands under."""
    above = f"{document[:NAME_LENGTH].strip()} – {context[:CONTEXT_LENGTH]} – {before[-BEFORE_LENGTH:]}"
    return f"{above} : {text[:TEXT_LENGTH]}"


def fits(folder: Path, cache_dir: Path) -> bool:
    """Tell whether the reader was trained from the weights of a folder."""
    from safetensors import safe_open

    if not TRAINED.exists() or not (folder / "model.safetensors").exists():
        return False
    with safe_open(str(TRAINED), "np") as file:
        return bool((file.metadata() or {}).get("base") == weights_hash(folder, cache_dir))


def word_vectors(file: Path) -> Vectors:
    """Return the vectors of the vocabulary [words, hidden], read from the file as they are asked for."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        about = json.loads(opened.read(length))[WORDS]
    begin = 8 + length + int(about["data_offsets"][0])
    if about["dtype"] != "F32":
        raise ValueError(f"{file} holds {about['dtype']}, not F32")
    vectors: Vectors = np.memmap(file, np.float32, "r", begin, tuple(about["shape"]))
    return vectors


def exported(folder: Path, cache_dir: Path) -> Path:
    """Return the ONNX file, made now if it is not there; it appears whole or not at all."""
    stamp = f"{weights_hash(folder, cache_dir)[:12]}-{weights_hash(TRAINED.parent, cache_dir)[:12]}"
    target = cache_dir / f"line-reader-{stamp}.onnx"
    if not target.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
            export(folder, Path(scratch) / "made.onnx").replace(target)
    return target


def export(folder: Path, target: Path) -> Path:
    """Write the model as ONNX: from the words' vectors [n, tokens, hidden] to scores [n]."""
    import torch

    from indexing.line_reader_model import trained_model

    model = trained_model(folder, TRAINED)
    hidden = model.hidden
    example = (
        torch.zeros(2, 8, hidden),
        torch.zeros(2, 8, dtype=torch.long),
        torch.tensor([[0.0] * 3 + [1.0] * 5] * 2),
    )
    axes = {0: "pairs", 1: "tokens"}
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):  # the newer exporter needs onnxscript
        torch.onnx.export(
            model.eval(), example, str(target), dynamo=False, opset_version=17,
            input_names=["words", "positions", "parts"], output_names=["scores"],
            dynamic_axes={"words": axes, "positions": axes, "parts": axes, "scores": {0: "pairs"}},
        )  # fmt: skip
    return target
