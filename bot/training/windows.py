"""Long texts for an encoder of 512 positions: even windows of tokens, encoded in batches, their vectors averaged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing.vectors import Vectors

if TYPE_CHECKING:
    import torch

FIRST_LAYER = 6  # of 12: the middle knows more of sentiment, the top more of the subject
PROMPT = "query: "  # e5 was trained with it; symmetric tasks use it on both sides
WINDOW_TOKENS = 250  # with prompt and marks below 256; attention's cost grows with the square
MOST_WINDOWS = 8  # of one text: its beginning and its end
BATCH_TOKENS = 2048  # about a second on one core: a question in search waits no longer


@dataclass(frozen=True)
class Window:
    """A stretch of a text's tokens, with prompt and marks."""

    text: int  # index of the text
    ids: list[int]


def bert_of(model: Any) -> Any:
    """Return the BERT inside a sentence-transformers model."""
    return model[0].auto_model


def cut_windows(tokenizer: Any, texts: Sequence[str]) -> list[Window]:
    """Split texts into even windows; an empty text has one with nothing but the prompt."""
    # Said every time: sentence-transformers leaves its own padding and truncation switched on in the tokenizer.
    plain = {"add_special_tokens": False, "padding": False, "truncation": False, "verbose": False}
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    prompt = tokenizer(PROMPT, **plain)["input_ids"]
    found = tokenizer(list(texts), **plain)["input_ids"]
    return [
        Window(index, [start, *prompt, *stretch, end]) for index, ids in enumerate(found) for stretch in stretches(ids)
    ]


def stretches(ids: list[int]) -> list[list[int]]:
    """Split tokens into stretches of nearly equal length; the middle of a very long text is left out."""
    count = max(1, -(-len(ids) // WINDOW_TOKENS))
    edges = [round(position * len(ids) / count) for position in range(count + 1)]
    parts = [ids[a:b] for a, b in pairwise(edges)]
    if count <= MOST_WINDOWS:
        return parts
    return parts[: MOST_WINDOWS // 2] + parts[-MOST_WINDOWS // 2 :]


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group indexes of alike lengths so that a padded batch stays below BATCH_TOKENS."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(rows: Sequence[list[int]], pad: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Return ids and mask [rows, longest]."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in rows])
    return ids, mask


def pooled(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return the normalised mean over the tokens [rows, width]."""
    from torch.nn import functional

    weights = mask.unsqueeze(-1).to(states.dtype)
    return functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)


def vectors(model: Any, windows: Sequence[Window]) -> Vectors:
    """Return the pooled vectors of the upper layers side by side, for each window, in one batch [n, layers * width]."""
    import torch

    bert = bert_of(model)
    ids, mask = padded([window.ids for window in windows], model.tokenizer.pad_token_id)
    ids, mask = ids.to(bert.device), mask.to(bert.device)
    with torch.inference_mode():
        states = bert(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        found = torch.cat([pooled(layer, mask) for layer in states[FIRST_LAYER:]], dim=1)
    return np.asarray(found.float().cpu().numpy(), np.float32)


def averaged(found: Vectors, owners: Sequence[int], count: int) -> Vectors:
    """Return the mean of the windows' vectors for each text."""
    sums = np.zeros((count, found.shape[1]), np.float32)
    np.add.at(sums, list(owners), found)
    return np.asarray(sums / np.bincount(list(owners), minlength=count)[:, None], np.float32)
