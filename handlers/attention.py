"""The embedding model's attention, step by step, in pictures with plain sentences."""

import asyncio
import re
from collections.abc import Sequence

import numpy as np

from handlers.output.plots import Scale, bars, grid, heat_maps, scores_scale, shares_scale, token_boxes
from handlers.pieces import Picture, Piece, Pieces, Progress, Text, UserError
from handlers.ports import Attention, TooManyTokens
from handlers.request import Request, Services
from handlers.text.messages import say
from indexing.vectors import Vectors

LAYER = re.compile(r"^\W*(?:layer|couche)\s*=?\s*(\d+)\s*[:,]?\s*", re.IGNORECASE)


async def attention(request: Request, services: Services) -> Pieces:
    """Show how the embedding model attends to each word of a sentence, step by step, in pictures."""
    sentence, layer = sentence_in(request.text)
    if not sentence:
        raise UserError(say("attention.empty", request.language))
    services.report(Progress(say("attention.progress", request.language)))
    try:
        seen = await services.encoder.attend(sentence)
    except TooManyTokens as many:
        raise UserError(say("attention.too_long", request.language, tokens=many.tokens, limit=many.limit)) from None
    layers = len(seen.weights)
    if layer is not None and not 1 <= layer <= layers:
        raise UserError(say("attention.no_layer", request.language, layer=layer, layers=layers))
    for piece in await asyncio.to_thread(lesson, seen, layer or layers, request.language):
        yield piece


def sentence_in(text: str) -> tuple[str, int | None]:
    """Return the sentence and the layer that was asked for: `layer 3: The cat sat.`"""
    match = LAYER.match(text)
    if not match:
        return text.strip(), None
    return text[match.end() :].strip(), int(match[1])


def lesson(seen: Attention, layer: int, language: str) -> list[Piece]:
    """Return five steps, each with its sentences and its picture."""
    names = [readable(token) for token in seen.tokens]
    weights = seen.weights[layer - 1]
    head = clearest_head(weights)
    return [
        *tokens_step(names, seen.ids, language),
        *scores_step(names, seen.scores[layer - 1][head], weights[head], (layer, head + 1), language),
        *heads_step(names, weights, layer, language),
        *mean_step(names, seen.weights, layer, language),
        *pooling_step(names, seen.shares, language),
    ]


def readable(token: str) -> str:
    """Show a piece of the vocabulary: the bar that stands for a space before it as a dot."""
    return token.replace("\u2581", "·").replace("`", "'")


def clearest_head(weights: Vectors) -> int:
    """Return the head in which words look most at other words, and not all of them at a mark to rest."""
    return int(np.argmax([between_words(head).max(axis=-1).mean() for head in weights]))


def between_words(weights: Vectors) -> Vectors:
    """Return the weights without those of a token to itself and those of the marks at both ends."""
    inner = weights.copy()
    np.fill_diagonal(inner, 0)
    if len(inner) > 3:
        inner[[0, -1], :] = 0
        inner[:, [0, -1]] = 0
    return inner


def strongest(weights: Vectors, names: Sequence[str]) -> tuple[str, str, float]:
    """Return from which token to which other one the most attention goes."""
    row, column = divmod(int(between_words(weights).argmax()), len(weights))
    return names[row], names[column], float(weights[row, column])


def sides(language: str) -> tuple[str, str]:
    """Return the words for the rows and the columns of a map."""
    return say("attention.rows", language), say("attention.columns", language)


def decimals(value: float, digits: int, language: str) -> str:
    """Write a number as people of the language do."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text


def tokens_step(names: Sequence[str], ids: Sequence[int], language: str) -> list[Piece]:
    """Show into what the sentence is cut, and the numbers that the model reads in its place."""
    text = say("attention.tokens", language, count=len(names), tokens=" ".join(f"`{name}`" for name in names))
    png = token_boxes(names, ids, say("attention.tokens_title", language))
    return [Text(text), Picture("attention-1-tokens.png", png, text)]


def scores_step(
    names: Sequence[str], scores: Vectors, weights: Vectors, layer_and_head: tuple[int, int], language: str
) -> list[Piece]:
    """Show one head's scores beside what softmax makes of them."""
    source, target, weight = strongest(weights, names)
    layer, head = layer_and_head
    text = say("attention.scores", language, layer=layer, head=head, source=source, target=target,
               low=decimals(float(scores.min()), 2, language), high=decimals(float(scores.max()), 2, language),
               weight=decimals(weight, 2, language))  # fmt: skip
    titles = [say("attention.scores_title", language), say("attention.softmax_title", language)]
    scales = [scores_scale(scores, say("attention.score", language)), weights_scale([weights], language)]
    png = heat_maps([scores, weights], names, titles, scales, sides(language))
    return [Text(text), Picture(f"attention-2-softmax-{layer}-{head}.png", png, text)]


def weights_scale(maps: Sequence[Vectors], language: str) -> Scale:
    """Return one scale for attention weights, so that maps beside each other can be compared."""
    return shares_scale(maps, say("attention.weight", language))


def heads_step(names: Sequence[str], weights: Vectors, layer: int, language: str) -> list[Piece]:
    """Show all heads of the layer."""
    heads = len(weights)
    diagonal = [float(np.diagonal(head).mean()) for head in weights]
    own = int(np.argmax(diagonal))
    text = say("attention.heads", language, layer=layer, heads=heads, own=own + 1,
               share=decimals(diagonal[own], 2, language))  # fmt: skip
    titles = [say("attention.head_title", language, head=head + 1) for head in range(heads)]
    png = grid(list(weights), names, titles, weights_scale(list(weights), language), sides(language))
    return [Text(text), Picture(f"attention-3-heads-{layer}.png", png, text)]


def mean_step(names: Sequence[str], weights: Vectors, layer: int, language: str) -> list[Piece]:
    """Show the mean over the layer's heads beside the mean over all layers."""
    maps = [weights[layer - 1].mean(axis=0), weights.mean(axis=(0, 1))]
    received = maps[1].mean(axis=0)
    most = int(received.argmax())
    text = say("attention.mean", language, token=names[most], share=decimals(float(received[most]), 2, language),
               layers=len(weights), heads=len(weights[0]))  # fmt: skip
    titles = [say("attention.mean_title", language, layer=layer), say("attention.all_title", language)]
    png = heat_maps(maps, names, titles, [weights_scale(maps, language)] * 2, sides(language))
    return [Text(text), Picture("attention-4-mean.png", png, text)]


def pooling_step(names: Sequence[str], shares: Vectors, language: str) -> list[Piece]:
    """Show what the sentence's vector takes from each token."""
    most, least = int(shares.argmax()), int(shares.argmin())
    even = decimals(1 / len(names), 3, language)
    text = say("attention.pooling", language, most=names[most], most_share=decimals(float(shares[most]), 3, language),
               least=names[least], least_share=decimals(float(shares[least]), 3, language), even=even)  # fmt: skip
    words = say("attention.share", language), say("attention.even", language, even=even)
    png = bars([float(share) for share in shares], names, say("attention.pooling_title", language), words)
    return [Text(text), Picture("attention-5-pooling.png", png, text)]
