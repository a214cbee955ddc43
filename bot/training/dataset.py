"""What the language model is taught: the prompts that the handlers use, with the answers they should get."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages import BaseMessage

from bot.errors import StartFailed
from bot.training.sentiment_data import HELD_OUT, read_reviews
from handlers import extract
from handlers.extraction.schema import BadFields, parse_fields
from handlers.text import llm_classifier
from indexing.library import Page

Task = Literal["sentiment", "extraction"]
WATCHED = 8  # every eighth example that is not held out: its loss tells when to stop
ROLES = {"system": "system", "human": "user", "ai": "assistant"}


@dataclass(frozen=True)
class Example:
    """One prompt with the answer it should get, and the wrong ones to choose from where there are any."""

    messages: tuple[BaseMessage, ...]
    answer: str
    others: tuple[str, ...] = ()

    @property
    def digest(self) -> bytes:
        """Return what decides on which side of the split this example lies: the same in every run."""
        return hashlib.sha256(str(self.messages[-1].content).encode()).digest()

    @property
    def chat(self) -> list[dict[str, str]]:
        """Return the messages as chat templates take them."""
        return [{"role": ROLES[message.type], "content": str(message.content)} for message in self.messages]


def read_examples(task: str, data: Path) -> list[Example]:
    """Read a CSV of labelled texts, or lines of JSON with a text and its fields; raise StartFailed."""
    if not data.is_file():
        raise StartFailed(f"{data} is not a file.")
    if task == "sentiment":
        return [of_review(review.text, review.positive) for review in read_reviews(data)]
    if task == "extraction":
        lines = data.read_text("utf-8").splitlines()
        return [of_record(line, f"{data.name}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    raise StartFailed(f"There is no task {task}: sentiment or extraction.")


def of_review(text: str, positive: bool) -> Example:
    """Return the judge's prompt without examples; training shows what the examples would."""
    answers = [json.dumps({"sentiment": name}) for name in ("positive", "negative")]
    right, wrong = answers if positive else answers[::-1]
    return Example(tuple(llm_classifier.messages(text, shots=0)), right, (wrong,))


def of_record(line: str, place: str) -> Example:
    """Return the extraction prompt for `{"text": …, "fields": {name: value}}`; fields may be a list of records."""
    try:
        data = json.loads(line)
        records: list[dict[str, Any]] = data["fields"] if isinstance(data["fields"], list) else [data["fields"]]
        fields = parse_fields(", ".join(records[0]))
        text = str(data["text"])
    except (json.JSONDecodeError, KeyError, IndexError, TypeError, BadFields) as error:
        raise StartFailed(f'{place} is not like {{"text": "…", "fields": {{"name": "value"}}}} ({error}).') from None
    values = [dict(zip((field.name for field in fields), record.values(), strict=True)) for record in records]
    messages = extract.extract_prompt([Page(number=1, text=text)], fields)
    return Example(tuple(messages), json.dumps({"records": values}, ensure_ascii=False))


def split_examples(examples: Sequence[Example]) -> tuple[list[Example], list[Example], list[Example]]:
    """Return what to learn from, what tells when to stop, and what is held out for the score.

    Raises StartFailed where one is empty.
    """
    test = [example for example in examples if example.digest[0] % HELD_OUT == 0]
    rest = [example for example in examples if example.digest[0] % HELD_OUT]
    watched = [example for example in rest if example.digest[1] % WATCHED == 0]
    train = [example for example in rest if example.digest[1] % WATCHED]
    if not train or not watched or not test:
        raise StartFailed(f"{len(examples)} examples are too few: a fifth is held out, an eighth tells when to stop.")
    return train, watched, test
