"""Training on a team's own data: what is read, what is refused, and what comes out."""

import json
from pathlib import Path

import pytest

from bot.classifier import CARD, load_head
from bot.errors import StartFailed
from bot.settings import Settings
from bot.training.dataset import read_examples, split_examples
from bot.training.finetune import Best, share_right
from bot.training.sentiment_data import Review, plain_text, read_reviews
from bot.training.train_sentiment import train

GOOD = ["I love this {}", "What a wonderful {}", "Ce {} est magnifique", "A superb {}, thank you"]
BAD = ["I hate this {}", "What an awful {}", "Ce {} est affreux", "A useless {}, never again"]
THINGS = [
    "film",
    "lamp",
    "book",
    "chair",
    "phone",
    "meal",
    "hotel",
    "car",
    "game",
    "song",
    "bag",
    "shoe",
    "train",
    "bike",
]


def csv_of(path: Path) -> Path:
    rows = [
        f"{label},{shape.format(thing)!r}"
        for label, shapes in (("pos", GOOD), ("neg", BAD))
        for shape in shapes
        for thing in THINGS
    ]
    path.write_text("label,text\n" + "\n".join(row.replace("'", '"') for row in rows) + "\n")
    return path


def test_a_head_is_trained_with_its_card(tmp_path: Path) -> None:
    card = train(Settings(), [csv_of(tmp_path / "own.csv")], tmp_path / "head")
    assert card["held_out_by_source"]["own"]["accuracy"] > 0.9
    assert set(card["held_out_by_source"]["own"]["confusion"]) >= {"true_positive", "false_negative"}
    assert json.loads((tmp_path / "head" / CARD).read_text()) == card
    assert load_head(tmp_path / "head").layers.weights.shape == (7 * 384,)


def test_too_little_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("text,label\ngood film,1\nbad film,0\n")
    with pytest.raises(StartFailed, match="at least 50"):
        train(Settings(), [tmp_path / "few.csv"], tmp_path)


def test_labels_are_read_in_their_usual_spellings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"Un bon livre, vraiment","1"\n"Un livre raté, hélas","-1"\n')
    assert read_reviews(tmp_path / "a.csv") == [
        Review("Un bon livre, vraiment", True, "a"),
        Review("Un livre raté, hélas", False, "a"),
    ]


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,stars\ngood film,5\nbad film,2\n")
    with pytest.raises(StartFailed, match="no column with labels"):
        read_reviews(tmp_path / "a.csv")


def test_a_text_is_never_on_both_sides() -> None:
    """The side depends on the text alone, whatever its case and source."""
    assert Review("Good Film", True, "a").held_out == Review("good film", False, "b").held_out
    assert plain_text("one<br /><br />two") == "one\n\ntwo"


def test_examples_of_sentiment_are_the_judges_prompt(tmp_path: Path) -> None:
    examples = read_examples("sentiment", csv_of(tmp_path / "own.csv"))
    assert json.loads(examples[0].answer) == {"sentiment": "positive"}
    assert examples[0].chat[0]["role"] == "system"
    learn, watched, test = split_examples(examples)
    assert len(learn) > len(test) > 5
    assert watched
    texts = [{str(example.messages[-1].content) for example in side} for side in (learn, watched, test)]
    assert not (texts[0] & texts[1] or texts[1] & texts[2] or texts[0] & texts[2])


def test_examples_of_extraction_are_the_handlers_prompt(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "ACME, 12 May", "fields": {"who": "ACME", "when:date": "12 May"}}\n')
    (example,) = read_examples("extraction", tmp_path / "a.jsonl")
    assert json.loads(example.answer) == {"records": [{"who": "ACME", "when": "12 May"}]}
    assert "when (a date" in example.chat[-1]["content"]


@pytest.mark.parametrize(
    "line", ["no json", "{}", '{"text": "a", "fields": {}}', '{"text": "a", "fields": {"a:banana": 1}}']
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(StartFailed, match=r"a\.jsonl:1"):
        read_examples("extraction", tmp_path / "a.jsonl")


def test_training_stops_when_the_loss_no_longer_falls_and_keeps_the_best() -> None:
    import torch

    best = Best()
    assert best.look(1.0, {"a": torch.ones(1)})
    assert best.look(0.5, {"a": torch.zeros(1)})
    assert best.look(0.6, {"a": torch.ones(1)})
    assert not best.look(0.5, {"a": torch.ones(1)})
    assert best.state is not None
    assert float(best.state["a"]) == 0.0


def test_extraction_is_scored_by_field() -> None:
    wanted = '{"records": [{"a": "1", "b": null}]}'
    assert share_right('{"records": [{"a": "1", "b": "x"}]}', wanted) == 0.5
    assert share_right("not JSON", wanted) == 0.0
    assert share_right('{"records": []}', wanted) == 0.0
