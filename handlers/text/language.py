"""Which language to answer in: decided by code, from what the person wrote."""

import re

from handlers.request import Request
from handlers.text.commands import without_accents
from handlers.text.messages import LANGUAGES
from handlers.text.normalize import EMOJI
from indexing.language import language_of

FRENCH = frozenset({"aide", "aide moi", "oublie", "oublie tout", "oublie moi", "oubliez", "oubliez moi", "arrete",
                    "arretez", "stoppe", "bonjour", "salut", "merci", "bonsoir", "coucou"})  # fmt: skip
ENGLISH = frozenset({"help", "help me", "forget", "forget this", "forget me", "stop", "docs", "documents", "ok", "?"})
WISH = re.compile(r"\b(?:en|in)\s+(fran[cç]ais|french|anglais|english)\b", re.IGNORECASE)
LEAST_WORDS = 2  # fewer say little about their language


def request_language(request: Request) -> str:
    """Return what the channel wants, else the language of a request's text, else the person's own."""
    if request.channel_language:
        return request.channel_language
    return text_language(request.text, request.language)


def text_language(text: str, default: str) -> str:
    """Return "en" or "fr"."""
    default = default if default in LANGUAGES else "en"
    text = EMOJI.sub(" ", text)
    plain = " ".join(re.sub(r"[-\s]+", " ", without_accents(text)).split()).strip(" .!?") or text.strip()
    if plain in FRENCH:
        return "fr"
    if plain in ENGLISH:
        return default
    return language_of(text, default) if len(re.findall(r"[^\W\d_]{2,}", text)) >= LEAST_WORDS else default


def requested_language(text: str) -> str:
    """Return the language that a text names ("in French", "en anglais"), or ""."""
    wish = WISH.search(text)
    return "" if not wish else ("fr" if without_accents(wish[1]) in {"francais", "french"} else "en")
