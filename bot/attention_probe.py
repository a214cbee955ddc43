"""The embedding model from inside: every layer's attention recomputed from its queries and keys."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.training.windows import PROMPT, bert_of
from handlers.ports import Attention, TooManyTokens

if TYPE_CHECKING:
    import torch

    from indexing.embedder import Embedder

MOST_TOKENS = 40  # more can't be read in a picture


class EmbedderEncoder:
    """Shows the attention of the embedding model that the documents are searched with."""

    def __init__(self, embedder: "Embedder") -> None:
        self._embedder = embedder

    async def attend(self, sentence: str) -> Attention:
        """Return the attention of every layer and head; raise TooManyTokens."""
        return await self._embedder.run(lambda model: attention_of(model, sentence))


def attention_of(model: Any, sentence: str) -> Attention:
    """Walk through the layers by hand: the model only provides its weights and each layer's input."""
    import torch

    bert, tokenizer = bert_of(model), model.tokenizer
    encoded = tokenizer(PROMPT + sentence, return_tensors="pt")
    ids = encoded["input_ids"]
    if ids.shape[1] > MOST_TOKENS:
        raise TooManyTokens(ids.shape[1], MOST_TOKENS)
    with torch.inference_mode():
        states = bert(**encoded.to(bert.device), output_hidden_states=True).hidden_states
        scores = [scores_of(layer, state[0]) for layer, state in zip(bert.encoder.layer, states[:-1], strict=True)]
    stacked = torch.stack(scores).float().cpu().numpy()
    return Attention(
        tokens=tuple(tokenizer.convert_ids_to_tokens(ids[0].tolist())),
        ids=tuple(ids[0].tolist()),
        scores=stacked,
        weights=softmax(stacked),
        shares=shares(states[-1][0].float().cpu().numpy()),
    )


def scores_of(layer: Any, state: "torch.Tensor") -> "torch.Tensor":
    """Return query times key over the root of the head's width [heads, tokens, tokens] for a layer's input."""
    attention = layer.attention.self
    heads, width = attention.num_attention_heads, attention.attention_head_size
    query = attention.query(state).view(-1, heads, width).transpose(0, 1)
    key = attention.key(state).view(-1, heads, width).transpose(0, 1)
    scores: torch.Tensor = query @ key.transpose(1, 2) / math.sqrt(width)
    return scores


def softmax(scores: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Turn each row of scores into weights that sum to 1."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def shares(states: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return what each token adds to the pooled vector along its own direction; they sum to 1."""
    mean = states.mean(axis=0)
    return np.asarray(states @ mean / (len(states) * (mean @ mean)), np.float32)
