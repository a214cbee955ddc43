"""What the bot itself says, in English and French: `say("ask.empty", "fr")` reads texts/ask.toml."""

import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")


def say(key: str, language: str, **values: object) -> str:
    """Return the sentence of `file.entry` in the language, with its {values} filled in.

    Raises KeyError for an unknown key: a typing mistake, caught by tests/handlers/text/test_messages.py.
    """
    file, entry = key.split(".")
    sentence = texts(file)[entry][language if language in LANGUAGES else "en"]
    return sentence.format(**values) if values else sentence


@cache
def texts(file: str) -> dict[str, dict[str, str]]:
    """Read one file of texts: entry -> language -> sentence."""
    return tomllib.loads((Path(__file__).parents[1] / "texts" / f"{file}.toml").read_text("utf-8"))
