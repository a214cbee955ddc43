"""What was measured with a pair of models, in a JSON card each, and how much the device affords."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent / "answering" / "cards"
ALL_WORDS = 0.8  # of the question's words in one line: what a pair without a card needs to answer


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much is searched and read for a question."""

    passages: int = 10  # found for a question; only their lines that bear on it are read
    lines: int = 6  # that the model is asked about one by one: 60 tokens each, a second on two cores


SMALL = Budget()  # for a CPU
LARGE = Budget(passages=14, lines=16)  # for a GPU, or a server


def budget_for(*, on_gpu: bool) -> Budget:
    """Return what a device affords: a card reads the lines of a question in less than a second."""
    return LARGE if on_gpu else SMALL


@dataclass(frozen=True, kw_only=True)
class Card:
    """The weights of one pair of models, and what they were fitted on."""

    language_model: str = ""
    embedding_model: str = ""
    intercept: float = 0.0
    coefficients: Mapping[str, float] = field(default_factory=dict)  # of answerability.Signals; none: no fit
    threshold: float = ALL_WORDS  # of the best line's probability: below it the question is refused
    writes: bool = True  # whether the model's own sentences are shown where a line bears them, else only quotations
    date: str = ""
    data: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def without_reader(self) -> "Card":
        """Return what counts where there is no reader."""
        return UNMEASURED if "reading" in self.coefficients else self

    @property
    def is_fitted(self) -> bool:
        """Tell whether this pair was measured."""
        return bool(self.coefficients)


UNMEASURED = Card()


def card_of(language_model: str, embedding_model: str, folder: Path | None = None) -> Card:
    """Return the card of two models: the team's own before a shipped one.

    A language model that was not measured gets the card of the same embedding model, if it weighs no signal of the
    language model; UNMEASURED where there is none.
    """
    name = card_name(language_model, embedding_model)
    places = [place for place in (folder, SHIPPED) if place is not None]
    for path in (place / name for place in places):
        if path.is_file():
            return read_card(path)
    others = [path for place in places for path in sorted(place.glob(card_name("*", embedding_model)))]
    cards = [card for card in map(read_card, others) if "odds" not in card.coefficients]
    return replace(cards[0], language_model="", writes=True) if cards else UNMEASURED


def read_card(path: Path) -> Card:
    """Read one card."""
    return Card(**json.loads(path.read_text("utf-8")))


def write_card(card: Card, folder: Path) -> Path:
    """Write a card where `card_of` finds it; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / card_name(card.language_model, card.embedding_model)
    path.write_text(json.dumps(asdict(card), ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def card_name(language_model: str, embedding_model: str) -> str:
    """Return the name of a pair's file."""
    return f"{slug(language_model)}--{slug(embedding_model)}.json"


def slug(model: str) -> str:
    """Return a model's name as a part of a file's."""
    return re.sub(r"[^a-z0-9.*]+", "-", model.removeprefix("preset:").casefold()).strip("-")
