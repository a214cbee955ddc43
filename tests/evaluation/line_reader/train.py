"""Train the line reader: python -m tests.evaluation.line_reader.train FILE [--minutes 45].

The upper half of the embedding model learns to read a question and a line together; the lower half stays, and its
states are kept. Each step takes some questions with a few of their lines and with one that is not there, "none": the
reader shall prefer the line that answers, or none.
"""

import argparse
import asyncio
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn

from bot.models.fetch import fetch_embeddings
from bot.settings import Settings
from indexing.factory import open_library
from indexing.line_reader import DOWN, LONGEST, PASSAGE, QUERY, UP, batch_of
from indexing.line_reader_model import APART, LineReaderModel
from indexing.weights import weights_hash
from tests.evaluation.line_reader.cases import Candidate, TrainingCase, cases_of

QUESTIONS, LINES = 6, 7  # a step
ANSWERS, TEMPTING, NEAREST = 3, 3, 8  # lines of a question at most; the nearest are drawn from so many
TAKEN_AWAY = 0.12  # of answerable questions are asked without the lines that answer
RATE, HEAD_RATE, GATE_RATE = 1e-4, 5e-4, 1e-2
WARM_STEPS, LEAST_RATE = 30, 0.02
AT_ONCE = 28  # pairs
RANK = 32  # of what is kept of each changed matrix


class Trainer:
    """The model with the ids of its texts and the states of its lower half."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(1)
        self.model = LineReaderModel(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)
        self._states: dict[str, torch.Tensor] = {}
        for parameter in self.model.bert.parameters():
            parameter.requires_grad = False
        for parameter in self.model.bert.encoder.layer[APART:].parameters():
            parameter.requires_grad = True

    def scores(self, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
        """Return the log odds of each pair [n]."""
        known = [(self._lower(QUERY + question), self._lower(PASSAGE + line)) for question, line in pairs]
        order = sorted(range(len(pairs)), key=lambda place: sum(map(len, known[place])))
        parts = [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]
        scores = torch.cat([self._some([known[place] for place in part]) for part in parts])
        return scores[torch.tensor(np.argsort(order))]

    def _some(self, pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        rows = [torch.cat(pair) for pair in pairs]
        states = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        parts = nn.utils.rnn.pad_sequence(
            [torch.tensor([0.0] * len(question) + [1.0] * len(line)) for question, line in pairs],
            batch_first=True, padding_value=2.0,
        )  # fmt: skip
        with torch.autocast("cpu", torch.bfloat16):
            return self.model.upper(states, parts)

    @torch.no_grad()
    def _lower(self, text: str) -> torch.Tensor:
        if text not in self._states:
            asked = self._tokenizer.encode(text).ids
            ids, positions, parts = batch_of(asked, [[]])
            words = self.model.bert.embeddings.word_embeddings(torch.from_numpy(ids))
            with torch.autocast("cpu", torch.bfloat16):
                embedded = self.model.embedded(words, torch.from_numpy(positions))
                self._states[text] = self.model.lower(embedded, torch.from_numpy(parts))[0].bfloat16()
        return self._states[text]

    def train(self, cases: Sequence[TrainingCase], minutes: float) -> None:
        """Train for so long, each epoch in a new order."""
        chance, began = random.Random(1), time.monotonic()
        groups = [
            {"params": [one for one in self.model.bert.parameters() if one.requires_grad], "peak": RATE},
            {"params": list(self.model.head.parameters()), "peak": HEAD_RATE},
            {"params": [self.model.gates, self.model.mix], "peak": GATE_RATE},
        ]
        optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
        waiting: list[TrainingCase] = []
        step, losses = 0, [0.0]
        self.model.train()
        while (spent := (time.monotonic() - began) / 60 / minutes) < 1:
            if len(waiting) < QUESTIONS:
                waiting = chance.sample(cases, len(cases))
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * rate_at(step, spent)
            loss = self._loss([waiting.pop() for _ in range(QUESTIONS)], chance)
            loss.backward()
            nn.utils.clip_grad_norm_([one for group in groups for one in group["params"]], 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step, losses = step + 1, [*losses[-99:], float(loss)]
            if step % 100 == 0:
                print(f"step {step}, {spent:.0%}, loss {np.mean(losses):.3f}", flush=True)

    def _loss(self, cases: Sequence[TrainingCase], chance: random.Random) -> torch.Tensor:
        lines = [drawn(case, chance) for case in cases]
        pairs = [
            (case.question, one.text) for case, (answers, others) in zip(cases, lines, strict=True)
            for one in [*answers, *others]
        ]  # fmt: skip
        parts = torch.split(self.scores(pairs), [len(answers) + len(others) for answers, others in lines])
        return torch.stack([loss_of(part, len(one[0])) for part, one in zip(parts, lines, strict=True)]).mean()


def rate_at(step: int, spent: float) -> float:
    """Return the share of its peak that a learning rate has: warm, then a cosine."""
    return min(1, step / WARM_STEPS) * (LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * spent)) / 2)


def drawn(case: TrainingCase, chance: random.Random) -> tuple[list[Candidate], list[Candidate]]:
    """Return some lines of a question: those that answer, and others, the hard ones first."""
    answers = chance.sample(case.answers, min(ANSWERS, len(case.answers)))
    if chance.random() < TAKEN_AWAY:
        answers = []
    others = [one for one in case.candidates if not one.answers]
    tempting = [one for one in others if one.tempts][:TEMPTING]
    rest = [one for one in others if one not in tempting]
    near = chance.sample(rest[:NEAREST], min(NEAREST, len(rest)))
    return answers, [*tempting, *near, *rest[NEAREST:]][: max(1, LINES - len(answers))]


def loss_of(scores: torch.Tensor, answers: int) -> torch.Tensor:
    """Return the loss of one question, the first lines of which answer: which one, or none, and each line alone."""
    with_none = torch.cat([scores, scores.new_zeros(1)])
    right = torch.logsumexp(scores[:answers], 0) if answers else with_none[-1]
    labels = (torch.arange(len(scores)) < answers).float()
    alone = nn.functional.binary_cross_entropy_with_logits(scores, labels)
    return torch.logsumexp(with_none, 0) - right + 0.5 * alone


@dataclass(frozen=True)
class Figures:
    """How good the reader is on documents that it was not trained on."""

    questions: int
    nearest: float  # of the questions whose answer was found: the nearest line answers
    read: float  # the line with the highest score answers


@torch.inference_mode()
def measure(trainer: Trainer, cases: Sequence[TrainingCase]) -> Figures:
    """Return the figures of the questions whose answer was found."""
    trainer.model.eval()
    known = [case for case in cases if case.answers]
    best = [int(trainer.scores([(case.question, one.text) for one in case.candidates]).argmax()) for case in known]
    right = [case.candidates[place].answers for case, place in zip(known, best, strict=True)]
    return Figures(len(known), float(np.mean([case.candidates[0].answers for case in known])), float(np.mean(right)))


def save(model: LineReaderModel, folder: Path, cache_dir: Path, target: Path) -> None:
    """Keep what differs from the folder's weights, the change of each matrix as two of few rows and columns."""
    base = LineReaderModel(folder).state_dict()
    changes: dict[str, torch.Tensor] = {}
    for name, weights in model.state_dict().items():
        change = weights.float() - base[name].float()
        if name.startswith("bert.") and weights.ndim == 2:
            changes |= factored(name, change) if bool(change.any()) else {}
        elif not name.startswith("bert.") or bool(change.any()):
            changes[name] = weights.half()
    save_file(changes, str(target), {"base": weights_hash(folder, cache_dir)})


def factored(name: str, change: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return two matrices whose product is nearly the change."""
    left, sizes, right = torch.linalg.svd(change, full_matrices=False)
    roots = sizes[:RANK].sqrt()
    return {
        name + UP: (left[:, :RANK] * roots).half().contiguous(),
        name + DOWN: (roots[:, None] * right[:RANK]).half().contiguous(),
    }


async def collect(settings: Settings, folder: Path) -> list[TrainingCase]:
    """Return the questions with their lines, as the product finds them."""
    with tempfile.TemporaryDirectory() as scratch:
        library = await open_library(folder=Path(scratch), embeddings=folder, cache_dir=settings.cache_dir)
        try:
            return await cases_of(library)
        finally:
            await library.aclose()


def main() -> None:
    """Collect, train, measure, save."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.line_reader.train", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--minutes", type=float, default=45)
    given = parser.parse_args()
    settings: Any = Settings()
    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    cases = asyncio.run(collect(settings, folder))
    trainer = Trainer(folder)
    usable = [case for case in cases if case.candidates and bool(case.answers) == case.answerable]
    trainer.train([case for case in usable if not case.is_held_out], given.minutes)
    print(measure(trainer, [case for case in usable if case.is_held_out]))
    save(trainer.model, folder, settings.cache_dir, given.file)


if __name__ == "__main__":
    main()
