"""The lesson about attention: its numbers are the model's own."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bot.attention_probe import MOST_TOKENS, attention_of
from bot.training.windows import PROMPT, bert_of
from handlers.attention import attention
from handlers.pieces import Picture, Text, UserError
from handlers.ports import Attention
from handlers.request import unheard
from tests.handlers.fakes import pieces_of, request

SENTENCES = ["The bank raised its rates.", "La banque a relevé ses taux d'intérêt, hélas !"]


class RealEncoder:
    def __init__(self, model: Any) -> None:
        self.model = model

    async def attend(self, sentence: str) -> Attention:
        return attention_of(self.model, sentence)


@pytest.fixture
def services(embedding_model: Any) -> Any:
    """The real embedding model, looked at from inside."""
    return SimpleNamespace(encoder=RealEncoder(embedding_model.model), report=unheard)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_weights_are_those_the_model_uses(embedding_model: Any, sentence: str) -> None:
    """Recomputed from queries and keys, they equal transformers' output_attentions to 1e-5."""
    import torch

    model = embedding_model.model
    bert = bert_of(model)
    usual = bert.config._attn_implementation
    bert.set_attn_implementation("eager")  # the other way of computing returns no weights
    try:
        with torch.inference_mode():
            own = bert(**model.tokenizer(PROMPT + sentence, return_tensors="pt"), output_attentions=True).attentions
    finally:
        bert.set_attn_implementation(usual)
    seen = attention_of(model, sentence)
    assert np.abs(seen.weights - np.stack([layer[0].numpy() for layer in own])).max() < 1e-5
    assert np.abs(seen.weights.sum(axis=-1) - 1).max() < 1e-5


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_shares_make_up_the_pooled_vector(embedding_model: Any, sentence: str) -> None:
    seen = attention_of(embedding_model.model, sentence)
    assert abs(float(seen.shares.sum()) - 1) < 1e-5
    assert len(seen.shares) == len(seen.tokens) == seen.scores.shape[-1]


async def test_the_lesson_has_five_steps_each_with_its_picture(services: Any) -> None:
    pieces = await pieces_of(attention(request("attention", "layer 3: The bank raised its rates."), services))
    said = [piece.markdown for piece in pieces if isinstance(piece, Text)]
    assert [text.split("**")[1].split(".")[0] for text in said] == ["1", "2", "3", "4", "5"]
    assert "layer 3" in said[1]
    pictures = [piece for piece in pieces if isinstance(piece, Picture)]
    assert len(pictures) == 5
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures)


async def test_the_lesson_is_given_in_french(services: Any) -> None:
    pieces = await pieces_of(attention(request("attention", "couche 2 : Le chat dort.", language="fr"), services))
    said = " ".join(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert "couche 2" in said
    assert "Agrégation" in said


@pytest.mark.parametrize(
    ("text", "words"), [("", "Give me a sentence"), ("layer 99: cat", "no layer 99"), ("word " * 60, str(MOST_TOKENS))]
)
async def test_what_can_not_be_shown_gets_a_sentence(services: Any, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        await pieces_of(attention(request("attention", text), services))
