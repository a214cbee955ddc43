"""Which of the two languages a text is in."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

LEAST_LETTERS = 3
ENOUGH_CHARACTERS = 2000  # more text changes no answer and costs time
SURE = 0.65  # "Apple's Mail program uses SQLite" looks .58 French; of 248 questions the least sure is .76


@functools.cache
def _detector() -> "LanguageDetector":
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(Language.ENGLISH, Language.FRENCH).build()


def language_of(text: str, default: str = "en") -> str:
    """Return "en" or "fr"; the default where there are hardly any letters, or as many signs of one as of the other."""
    if sum(character.isalpha() for character in text[:ENOUGH_CHARACTERS]) < LEAST_LETTERS:
        return default
    likeliest = _detector().compute_language_confidence_values(text[:ENOUGH_CHARACTERS])[0]
    return likeliest.language.iso_code_639_1.name.lower() if likeliest.value >= SURE else default
