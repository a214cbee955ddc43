"""The embedding model's attention, step by step, in pictures with plain sentences."""

import asyncio
import re
from collections.abc import Sequence

import numpy as np

from handlers.pictures import bars, heat_maps
from handlers.request import Picture, Piece, Pieces, Progress, Request, Services, Text, UserError
from handlers.study import Attention, Numbers, TooManyTokens
from handlers.words import say

LAYER = re.compile(r"^\W*(?:layer|couche)\s*=?\s*(\d+)\s*[:,]?\s*", re.IGNORECASE)
HEADS_WIDE = 4


async def attention(request: Request, services: Services) -> Pieces:
    """Show how the embedding model attends to each word of a sentence, step by step, in pictures."""
    sentence, layer = parse(request.text)
    if not sentence:
        raise UserError(say("attention.empty", request.language))
    yield Progress(say("attention.progress", request.language))
    try:
        seen = await services.encoder.attend(sentence)
    except TooManyTokens as many:
        raise UserError(say("attention.too_long", request.language, tokens=many.tokens, limit=many.limit)) from None
    layers = len(seen.weights)
    if layer is not None and not 1 <= layer <= layers:
        raise UserError(say("attention.no_layer", request.language, layer=layer, layers=layers))
    for piece in await asyncio.to_thread(lesson, seen, layer or layers, request.language):
        yield piece


def parse(text: str) -> tuple[str, int | None]:
    """Return the sentence and the layer that was asked for: `layer 3: The cat sat.`"""
    match = LAYER.match(text)
    if not match:
        return text.strip(), None
    return text[match.end() :].strip(), int(match[1])


def lesson(seen: Attention, layer: int, language: str) -> list[Piece]:
    """Return five steps, each with its sentences and, from the second on, its picture."""
    names = [readable(token) for token in seen.tokens]
    weights = seen.weights[layer - 1]
    head = clearest_head(weights)
    return [
        Text(tokens_step(names, language)),
        *scores_step(names, seen.scores[layer - 1][head], weights[head], (layer, head + 1), language),
        *heads_step(names, weights, layer, language),
        *mean_step(names, seen.weights, layer, language),
        *pooling_step(names, seen.shares, language),
    ]


def readable(token: str) -> str:
    """Show a piece of the vocabulary: the bar that stands for a space before it as a dot."""
    return token.replace("\u2581", "·").replace("`", "'")


def clearest_head(weights: Numbers) -> int:
    """Return the head whose rows are least even: the one in which there is most to see."""
    entropy = -(weights * np.log(weights + 1e-12)).sum(axis=-1).mean(axis=-1)
    return int(entropy.argmin())


def strongest(weights: Numbers, names: Sequence[str]) -> tuple[str, str, float]:
    """Return from which token to which other one the most attention goes; marks at both ends do not count."""
    inner = weights.copy()
    np.fill_diagonal(inner, -1)
    if len(names) > 3:
        inner[[0, -1], :] = -1
        inner[:, [0, -1]] = -1
    row, column = divmod(int(inner.argmax()), inner.shape[1])
    return names[row], names[column], float(weights[row, column])


def tokens_step(names: Sequence[str], language: str) -> str:
    """Tell into what the sentence is cut."""
    return say("attention.tokens", language, count=len(names), tokens=" ".join(f"`{name}`" for name in names))


def scores_step(
    names: Sequence[str], scores: Numbers, weights: Numbers, place: tuple[int, int], language: str
) -> list[Piece]:
    """Show one head's scores beside what softmax makes of them."""
    source, target, weight = strongest(weights, names)
    layer, head = place
    text = say("attention.scores", language, layer=layer, head=head, source=source, target=target,
               low=f"{scores.min():.2f}", high=f"{scores.max():.2f}", weight=f"{weight:.2f}")  # fmt: skip
    titles = [say("attention.scores_title", language), say("attention.softmax_title", language)]
    png = heat_maps([scores, weights], names, titles, wide=2)
    return [Text(text), Picture(f"attention-2-softmax-{layer}-{head}.png", png, text)]


def heads_step(names: Sequence[str], weights: Numbers, layer: int, language: str) -> list[Piece]:
    """Show all heads of the layer."""
    heads = len(weights)
    diagonal = [float(np.diagonal(head).mean()) for head in weights]
    own = int(np.argmax(diagonal))
    text = say("attention.heads", language, layer=layer, heads=heads, own=own + 1, share=f"{diagonal[own]:.2f}")
    titles = [say("attention.head_title", language, head=head + 1) for head in range(heads)]
    png = heat_maps(list(weights), names, titles, wide=min(HEADS_WIDE, heads))
    return [Text(text), Picture(f"attention-3-heads-{layer}.png", png, text)]


def mean_step(names: Sequence[str], weights: Numbers, layer: int, language: str) -> list[Piece]:
    """Show the mean over the layer's heads beside the mean over all layers."""
    of_layer, of_all = weights[layer - 1].mean(axis=0), weights.mean(axis=(0, 1))
    received = of_all.mean(axis=0)
    most = int(received.argmax())
    text = say("attention.mean", language, token=names[most], share=f"{received[most]:.2f}")
    titles = [say("attention.mean_title", language, layer=layer), say("attention.all_title", language)]
    png = heat_maps([of_layer, of_all], names, titles, wide=2)
    return [Text(text), Picture("attention-4-mean.png", png, text)]


def pooling_step(names: Sequence[str], shares: Numbers, language: str) -> list[Piece]:
    """Show what the sentence's vector takes from each token."""
    most, least = int(shares.argmax()), int(shares.argmin())
    text = say("attention.pooling", language, most=names[most], most_share=f"{shares[most]:.3f}", least=names[least],
               least_share=f"{shares[least]:.3f}", even=f"{1 / len(names):.3f}")  # fmt: skip
    png = bars([float(share) for share in shares], names, say("attention.pooling_title", language))
    return [Text(text), Picture("attention-5-pooling.png", png, text)]
