"""Text as people wrote it: accents that TeX set beside their letters, ligatures, words that a reader glued together."""

import re
import unicodedata

COMBINING = {  # spacing: combining
    "\u00b4": "\u0301",
    "`": "\u0300",
    "\u02c6": "\u0302",
    "\u00a8": "\u0308",
    "\u02dc": "\u0303",
    "\u00b8": "\u0327",
}
DOTLESS = {"\u0131": "i", "\u0237": "j"}
SPLIT_ACCENT = re.compile("([\u00b4\u02c6\u00a8\u02dc]) ?([A-Za-z\u0131\u0237])")
SPLIT_CEDILLA = re.compile("\u00b8 ?([cC])|([cC])\u00b8")
# A back quote is an accent inside a word; at its beginning only where the page has other split accents.
GRAVE_INSIDE = re.compile("(?<=[a-z])`([aeu])(?=[a-z])")
GRAVE = re.compile("`([aeuAEU])")
HYPHENATED = re.compile("(?<=[^\\W\\d_])[-\u2010\u00ad]\n(?=[a-zà-öø-ÿœ])")
SPACES = re.compile(r"[^\S\n]+")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")

LONG_LINE = 40  # characters: shorter lines may be one path or one formula
LEAST_SPACES = 0.075  # of a line of prose; English and French have about 0.16
GLUED_LINES = 0.05  # of the long lines of a page
LONG_WORD = 25  # letters
LETTERS_OF_PROSE = 0.8  # of what is not space


def repair(text: str) -> str:
    """Recompose split accents, resolve ligatures (NFKC), join hyphenated words, squeeze spaces within lines."""
    text = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFKC", recompose(text)).replace("\u00ad\n", "\n")
    text = HYPHENATED.sub("", text).replace("\u00ad", "")
    lines = [SPACES.sub(" ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def recompose(text: str) -> str:
    """Put spacing accents onto the letters that follow them, as in `d´etails` or `poin¸cons`."""
    text, accents = SPLIT_ACCENT.subn(lambda match: _join(match[2], match[1]), text)
    text, cedillas = SPLIT_CEDILLA.subn(lambda match: _join(match[1] or match[2], "\u00b8"), text)
    grave = GRAVE if accents + cedillas > 1 else GRAVE_INSIDE
    return grave.sub(lambda match: _join(match[1], "`"), text)


def _join(letter: str, accent: str) -> str:
    return unicodedata.normalize("NFC", DOTLESS.get(letter, letter) + COMBINING[accent])


def is_glued(text: str) -> bool:
    """Tell whether a reader lost the spaces of this page: too many lines or words that are far too long."""
    long_lines = [line for line in text.split("\n") if len(line) >= LONG_LINE and is_prose(line)]
    glued = sum(line.count(" ") < LEAST_SPACES * len(line) for line in long_lines)
    words = text.split()
    long_words = sum(len(word) > LONG_WORD and word.isalpha() for word in words)
    return glued > max(1, GLUED_LINES * len(long_lines)) or long_words > max(1, 0.01 * len(words))


def is_prose(line: str) -> bool:
    """Tell lines of letters from dotted leaders, numbers and paths."""
    letters = sum(character.isalpha() for character in line)
    return letters > LETTERS_OF_PROSE * len(line.replace(" ", "")) and line.count("/") < 3


def is_garbled(text: str) -> bool:
    """Tell whether a reader found glyph names or symbols instead of letters."""
    visible = [character for character in text if not character.isspace()]
    odd = sum(unicodedata.category(character) in {"Co", "Cn", "So", "Cc"} for character in visible)
    return text.count("/g") > 0.05 * len(text) or odd > 0.2 * max(1, len(visible))
