"""Train the embedder's adapter for sentiment: the lower half of the layers runs once, its output is kept."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.study.adapter import FIRST_LAYER, Tensors, fresh_adapter, worn
from bot.study.windows import Vectors, Window, batches, padded, pooled

if TYPE_CHECKING:
    import torch

EPOCHS = 2
LEARNING_RATE = 1e-3
WARM_STEPS = 50
SHUFFLED_WINDOWS = 2000  # within so many, windows of alike lengths share a batch
BATCH_WINDOWS = 32
BATCH_TOKENS = 4096
SHARPNESS = 10.0  # vectors have length 1 and lie close together; the line sees them ten times as long

Report = Callable[[str], None]


@dataclass(frozen=True)
class Kept:
    """A window's output of the lower layers [tokens, width]."""

    text: int
    states: "torch.Tensor"


def lower_half(bert: Any, windows: Sequence[Window], pad: int, report: Report) -> list[Kept]:
    """Run the layers that no adapter changes, once."""
    import torch

    kept: dict[int, torch.Tensor] = {}
    with torch.inference_mode(), faster():
        for batch in batches([len(window.ids) for window in windows]):
            ids, mask = padded([windows[index].ids for index in batch], pad)
            states = through(bert.encoder.layer[:FIRST_LAYER], bert.embeddings(input_ids=ids), mask)
            for index, row, real in zip(batch, states, mask, strict=True):
                kept[index] = row[real].to(torch.bfloat16)
            report(f"reading: {len(kept)} of {len(windows)} stretches of text")
    return [Kept(window.text, kept[index].clone()) for index, window in enumerate(windows)]


def upper_half(bert: Any, some: Sequence[Kept]) -> "torch.Tensor":
    """Return the pooled vectors of windows [n, width], from what the lower half said of them."""
    import torch

    longest = max(len(one.states) for one in some)
    states = torch.zeros(len(some), longest, bert.config.hidden_size)
    mask = torch.zeros(len(some), longest, dtype=torch.bool)
    for row, one in enumerate(some):
        states[row, : len(one.states)] = one.states
        mask[row, : len(one.states)] = True
    with faster():
        states = through(bert.encoder.layer[FIRST_LAYER:], states, mask)
    return pooled(states.float(), mask)


def through(layers: Any, states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Run layers; padding is looked at by no token."""
    seen = mask[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
    for layer in layers:
        states = layer(states, seen)
    return states


def faster() -> Any:
    """Multiply in bfloat16 where the processor does so: twice as fast."""
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.ops.mkldnn._is_mkldnn_bf16_supported())


def tune(bert: Any, kept: Sequence[Kept], labels: Sequence[bool], report: Report) -> Tensors:
    """Return an adapter under which a line tells the labels apart; labels are by text."""
    import torch

    torch.manual_seed(0)
    bert.requires_grad_(False)
    adapter = {name: tensor.requires_grad_(True) for name, tensor in fresh_adapter(bert).items()}
    line = torch.nn.Linear(bert.config.hidden_size, 1)
    learned = [
        {"params": list(adapter.values()), "lr": LEARNING_RATE},
        {"params": line.parameters(), "lr": 3 * LEARNING_RATE},
    ]
    optimiser = torch.optim.AdamW(learned, weight_decay=0.01)
    order = list(shuffled(kept))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: pace(step, len(order)))
    for step, batch in enumerate(order, start=1):
        wanted = torch.tensor([float(labels[one.text]) for one in batch])
        with worn(bert, adapter):
            scores = line(upper_half(bert, batch) * SHARPNESS)[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted)
            loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        report(f"tuning: step {step} of {len(order)}, loss {float(loss.detach()):.3f}")
    return {name: tensor.detach() for name, tensor in adapter.items()}


def pace(step: int, steps: int) -> float:
    """Return the share of the learning rate: up in the beginning, then down in a line."""
    return min(1.0, (step + 1) / WARM_STEPS) * max(0.03, 1 - step / steps)


def shuffled(kept: Sequence[Kept]) -> Iterator[list[Kept]]:
    """Yield the batches of all epochs; alike lengths together, in random order."""
    shuffler = random.Random(0)  # noqa: S311
    for _ in range(EPOCHS):
        order = list(kept)
        shuffler.shuffle(order)
        made = [
            batch
            for start in range(0, len(order), SHUFFLED_WINDOWS)
            for batch in alike(sorted(order[start : start + SHUFFLED_WINDOWS], key=lambda one: len(one.states)))
        ]
        shuffler.shuffle(made)
        yield from made


def alike(ordered: Sequence[Kept]) -> Iterator[list[Kept]]:
    """Cut windows ordered by length into batches."""
    batch: list[Kept] = []
    for one in ordered:
        if batch and (len(batch) == BATCH_WINDOWS or (len(batch) + 1) * len(one.states) > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(one)
    yield batch


def window_vectors(bert: Any, kept: Sequence[Kept], adapter: Tensors) -> Vectors:
    """Return the windows' vectors under an adapter [n, width]."""
    import torch

    found = np.empty((len(kept), bert.config.hidden_size), np.float32)
    with torch.inference_mode(), worn(bert, adapter):
        for batch in batches([len(one.states) for one in kept]):
            found[batch] = upper_half(bert, [kept[index] for index in batch]).numpy()
    return found
