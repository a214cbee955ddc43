"""What the assistant says: complete in both languages, with the same values to fill in, and no key mistyped."""

import re
import string
from pathlib import Path

import pytest

from handlers import HANDLERS
from handlers.help import SHOWN, help_line
from handlers.text.messages import LANGUAGES, say, texts

ROOT = Path(__file__).parents[3]
TEXTS = sorted(path.stem for path in (ROOT / "handlers" / "texts").glob("*.toml"))
SOURCES = [path for folder in ("bot", "handlers") for path in sorted((ROOT / folder).rglob("*.py"))]
KEY = re.compile(r"""say\(\s*["']([a-z_]+\.[a-z_]+)["']""")
CHOICE = re.compile(r"""say\(\s*["']([a-z_]+\.[a-z_]+)["']\s+if[^,]*?else\s+["']([a-z_]+\.[a-z_]+)["']""")
PREFIX = re.compile(r"""say\(\s*f["']([a-z_]+)\.""")


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("file", TEXTS)
def test_every_sentence_exists_in_both_languages_with_the_same_values(file: str) -> None:
    for entry, sentences in texts(file).items():
        assert set(sentences) == set(LANGUAGES), entry
        assert fields(sentences["en"]) == fields(sentences["fr"]), entry


def test_every_key_that_the_code_names_exists() -> None:
    for path in SOURCES:
        code = path.read_text("utf-8")
        keys = KEY.findall(code) + [key for pair in CHOICE.findall(code) for key in pair]
        for key in keys:
            file, entry = key.split(".")
            assert entry in texts(file), f"{path.name} says {key}"


def test_every_file_of_texts_that_the_code_names_exists() -> None:
    for path in SOURCES:
        assert set(PREFIX.findall(path.read_text("utf-8"))) <= set(TEXTS), path.name


def test_help_in_english_is_what_the_handlers_say_of_themselves() -> None:
    assert set(SHOWN) == set(HANDLERS)
    for action in SHOWN:
        assert say(f"help.{action}", "en") == help_line(action)


REASONS = {
    "not_a_pdf": {}, "html": {}, "empty": {}, "damaged": {}, "encrypted": {}, "no_text": {"pages": 3, "ocr": False},
    "too_many_pages": {"pages": 9000, "limit": 5000}, "too_slow": {"seconds": 600},
    "too_big": {"name": "a.pdf", "megabytes": 300, "limit_megabytes": 200}, "gone": {}, "away": {"name": "a.pdf"},
    "external": {"name": None}, "old_office": {},
}  # fmt: skip  # what indexing.reading.pool and bot.slack.files raise


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_to_refuse_a_file_is_a_whole_sentence(reason: str, language: str) -> None:
    sentence = say(f"files.{reason}", language, **REASONS[reason])
    assert "{" not in sentence
    assert sentence.endswith(".")
