"""Which of the two languages a text is in."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

LEAST_LETTERS = 3
ENOUGH_CHARACTERS = 2000  # more text changes no answer and costs time


@functools.cache
def _detector() -> "LanguageDetector":
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(Language.ENGLISH, Language.FRENCH).build()


def language_of(text: str, default: str = "en") -> str:
    """Return "en" or "fr"; the default where there are hardly any letters."""
    if sum(character.isalpha() for character in text[:ENOUGH_CHARACTERS]) < LEAST_LETTERS:
        return default
    language = _detector().detect_language_of(text[:ENOUGH_CHARACTERS])
    return language.iso_code_639_1.name.lower() if language else default
