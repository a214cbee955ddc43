"""The line reader in torch: what is trained (tests/evaluation/line_reader/train.py), and what is exported to ONNX."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import normalize

from indexing.line_reader import CLOSED, DOWN, IN_LINE, IN_QUESTION, PADDING, UP
from indexing.onnx import load_bert

APART = 6  # layers that read the question and the line apart, of twelve
HEAD_WIDTH = 256
SHUT = -2.0  # a gate as training begins
COSINE, NEAREST_WORDS, LEAST = 20.0, 10.0, -26.0  # what the scores are made of as training begins


class LineReaderModel(nn.Module):
    """A BERT in two parts, gates for its upper layers, and a head."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.bert = load_bert(folder)
        self.hidden = int(self.bert.config.hidden_size)
        layers, heads = self.bert.config.num_hidden_layers - APART, self.bert.config.num_attention_heads
        self.gates = nn.Parameter(torch.full((layers, heads), SHUT))
        self.mix = nn.Parameter(torch.tensor([COSINE, NEAREST_WORDS, LEAST]))
        last = nn.Linear(HEAD_WIDTH, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.head = nn.Sequential(nn.Linear(4 * self.hidden, HEAD_WIDTH), nn.GELU(), nn.Dropout(0.1), last)

    def forward(self, words: torch.Tensor, positions: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
        """Return scores [n] from the words' vectors [n, tokens, hidden], positions and parts [n, tokens]."""
        return self.upper(self.lower(self.embedded(words, positions), parts), parts)

    def embedded(self, words: torch.Tensor, positions: torch.Tensor) -> Any:
        """Return what the first layer reads [n, tokens, hidden]."""
        embeddings = self.bert.embeddings
        kind = embeddings.token_type_embeddings.weight[0]
        return embeddings.LayerNorm(words + kind + embeddings.position_embeddings(positions))

    def lower(self, states: Any, parts: torch.Tensor) -> Any:
        """Read the question and the line apart."""
        mask = self._padding(parts) + CLOSED * self._across(parts)
        for layer in self.bert.encoder.layer[:APART]:
            states = first(layer(states, attention_mask=mask))
        return states

    def upper(self, states: Any, parts: torch.Tensor) -> torch.Tensor:
        """Read them together, and return scores [n]."""
        padding, across = self._padding(parts), self._across(parts)
        for place, layer in enumerate(self.bert.encoder.layer[APART:]):
            gates = self.gates[place][None, :, None, None]
            states = first(layer(states, attention_mask=padding + across * gates))
        return self._scored(states.float(), parts)

    def _padding(self, parts: torch.Tensor) -> torch.Tensor:
        return CLOSED * (parts == PADDING).float()[:, None, None, :]

    def _across(self, parts: torch.Tensor) -> torch.Tensor:
        return (parts[:, :, None] != parts[:, None, :]).float()[:, None]

    def _scored(self, states: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
        of_question, of_line = ((parts == part).float() for part in (IN_QUESTION, IN_LINE))
        question, line = (
            (states * part[..., None]).sum(1) / part.sum(1, keepdim=True) for part in (of_question, of_line)
        )
        cosine = (normalize(question, dim=-1) * normalize(line, dim=-1)).sum(-1)
        directions = normalize(states, dim=-1)
        nearness = directions @ directions.transpose(1, 2) - 10 * (1 - of_line)[:, None, :]
        nearest = (nearness.max(-1).values * of_question).sum(1) / of_question.sum(1)
        together = self.head(torch.cat([question, line, question * line, (question - line).abs()], 1))[:, 0]
        scores: torch.Tensor = self.mix[0] * cosine + self.mix[1] * nearest + self.mix[2] + together
        return scores


def first(given: Any) -> Any:
    """Return a layer's states: some versions give them in a tuple."""
    return given[0] if isinstance(given, tuple) else given


def trained_model(folder: Path, trained: Path) -> LineReaderModel:
    """Return the model of a folder with what was trained added to it."""
    model, changes = LineReaderModel(folder), load_file(str(trained))
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name + UP in changes:
                weights.add_(changes[name + UP].float() @ changes[name + DOWN].float())
            elif name in changes:
                weights.copy_(changes[name].float())
    return model
