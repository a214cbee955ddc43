"""Text without what does not matter in comparing: case, accents, spaces and punctuation; and the way back."""

import re
import unicodedata

EMOJI = re.compile(r":[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?")  # Slack sends their names


def letters_only(text: str) -> str:
    """Return only letters and digits, without case and accents."""
    return letters_with_offsets(text)[0]


def letters_with_offsets(text: str) -> tuple[str, list[int]]:
    """Return the folded text and, for each of its characters, the place in the text that it comes from."""
    letters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        if is_note_mark(text, offset):
            continue
        for part in unicodedata.normalize("NFKD", character).casefold():
            if part.isalnum():
                letters.append(part)
                offsets.append(offset)
    return "".join(letters), offsets


def is_note_mark(text: str, offset: int) -> bool:
    """Tell whether a character is a raised figure behind a figure, as in 1,240³: no part of the number."""
    if text[offset].isascii() or not text[offset].isdigit() or text[offset].isdecimal():
        return False
    before = text[:offset].rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹")[-1:] if offset else ""
    return before.isdecimal()


def has_words(text: str) -> bool:
    """Tell whether there is a letter or a digit in a text, beside the names of emoji."""
    return any(character.isalnum() for character in EMOJI.sub("", text))
