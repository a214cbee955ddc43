"""What was measured with two models, and what holds for those that nobody measured."""

from pathlib import Path

import pytest

from bot.models.auto import DEFAULT
from bot.settings import Settings
from handlers.calibration import SHIPPED, UNMEASURED, Card, budget_for, card_name, card_of, read_card, write_card


def test_a_card_is_found_by_the_names_of_its_models(tmp_path: Path) -> None:
    card = Card(language_model="hub:Org/Big.gguf", embedding_model="preset:small", coefficients={"odds": 1.5})
    write_card(card, tmp_path)
    assert card_of("hub:Org/Big.gguf", "preset:small", tmp_path) == card
    assert card_of("hub:Org/Other.gguf", "preset:small", tmp_path) == UNMEASURED  # its odds are worth something else


def test_a_new_language_model_gets_what_was_measured_of_the_search(tmp_path: Path) -> None:
    card = Card(language_model="a", embedding_model="preset:small", coefficients={"lead": 9.0}, writes=False)
    write_card(card, tmp_path)
    other = card_of("b", "preset:small", tmp_path)
    assert (other.coefficients, other.writes, other.language_model) == (card.coefficients, True, "")


def test_the_teams_own_card_comes_before_a_shipped_one(tmp_path: Path) -> None:
    models = DEFAULT, Settings().embeddings.model
    write_card(Card(language_model=models[0], embedding_model=models[1], threshold=0.99), tmp_path)
    assert card_of(*models, tmp_path).threshold == 0.99
    assert card_of(*models).threshold != 0.99


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_every_shipped_card_says_what_it_was_fitted_on(path: Path) -> None:
    card = read_card(path)
    assert path.name == card_name(card.language_model, card.embedding_model)
    assert card.is_fitted
    assert all((card.data, card.date, card.figures))


def test_the_default_models_have_a_card() -> None:
    assert card_of(DEFAULT, Settings().embeddings.model).language_model == DEFAULT


def test_a_card_affords_more_of_each_than_a_cpu() -> None:
    large, small = budget_for(on_gpu=True), budget_for(on_gpu=False)
    assert large.passages > small.passages
    assert large.lines > small.lines
