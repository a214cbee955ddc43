"""Text as people wrote it: accents that TeX set beside their letters, ligatures, words that a reader glued together."""

import functools
import re
import unicodedata
from collections.abc import Set

from indexing.reading.compounds import is_known_compound

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
HYPHENATED = re.compile("(?<=[^\\W\\d_])([-\u2010\u00ad])\n(?=[a-zà-öø-ÿœ])")
WORD_BEFORE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*$")
WHOLE_WORD = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?:-[^\W\d_]+)*(?![\w-])")
WORD = re.compile(r"[^\W\d_]+")
LONGEST_WORD = 40  # letters that are looked at on each side of a hyphen
LEAST_WORD = 4  # letters of a half that is a word by itself
# Words that link others: c'est-à-dire, va-t-il, state-of-the-art.
LINKING = {
    "à", "au", "aux", "ce", "d", "de", "des", "du", "en", "et", "la", "le", "les", "par", "sous", "sur", "t",
    "and", "as", "at", "by", "for", "in", "of", "on", "or", "out", "the", "to", "up",
}  # fmt: skip
BEFORE_HYPHEN, AFTER_HYPHEN = {"non", "self", "quasi", "demi"}, {"même", "mêmes", "être"}  # non-free, peut-être
TEX_QUOTES = re.compile("\x13 ?([^\x13\x14]{1,400}?) ?\x14")  # the guillemets of TeX's T1 fonts
GLYPH_NAME = re.compile(r"/[A-Za-z]+(?:\.[A-Za-z0-9]+)+")
LEAST_GLYPHS = 3
SPACES = re.compile(r"[^\S\n]+")
# NFKC would make 10⁶ a hundred and six and 3½ thirty-one halves: what is raised, lowered or a fraction stays as it is.
PLAIN = re.compile("[^\u00aa\u00b2\u00b3\u00b9\u00ba\u00bc-\u00be\u2070-\u209c\u2150-\u215f\u2189]+")
RAISED = str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
FIGURES = re.compile("[0-9+\u2212-]+(?:[,\u2009 ]+[0-9]+)*")
POWER = re.compile("(?<![\\d.,])10([\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)")
LOWERED = {after: before for before, after in RAISED.items()} | {0x207B: "-"}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")

LONG_LINE = 40  # characters: shorter lines may be one path or one formula
LEAST_SPACES = 0.075  # of a line of prose; English and French have about 0.16
GLUED_LINES = 0.05  # of the long lines of a page
LONG_WORD = 25  # letters
LETTERS_OF_PROSE = 0.8  # of what is not space


def repair(text: str, vocabulary: Set[str] = frozenset()) -> str:
    """Recompose split accents, resolve ligatures (NFKC), join hyphenated words, squeeze spaces within lines.

    `vocabulary` has the words of the document: a word that it has elsewhere with a hyphen, or without, is so here, too.
    """
    text = TEX_QUOTES.sub("« \\1 »", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = PLAIN.sub(lambda match: unicodedata.normalize("NFKC", match[0]), recompose(CONTROL.sub("", text)))
    text = POWER.sub(lambda match: f"10^{match[1].translate(LOWERED)}", text)
    text = squeezed(text)
    unhyphenated = functools.partial(_unhyphenated, vocabulary=vocabulary)
    text = HYPHENATED.sub(unhyphenated, text.replace("\u00ad\n", "\n")).replace("\u00ad", "")
    return re.sub(r"\n{3,}", "\n\n", squeezed(text)).strip("\n")  # a soft hyphen may have stood before a space


def squeezed(text: str) -> str:
    """Return the text with single spaces, and none at either end of a line."""
    return "\n".join(SPACES.sub(" ", line).strip() for line in text.split("\n"))


def raised(before: str, text: str) -> str:
    """Return superscript text as it is read behind what stands before it: 10^6, 1,240³, m², but 1er and 2nd.

    Figures must never run into the figures before them: that would be another number.
    """
    if not FIGURES.fullmatch(text.strip()):
        return text
    if re.search(r"(?<![\d.,])10$", before):
        return "^" + text.strip().replace("\u2212", "-")
    return text.translate(RAISED)


def _unhyphenated(match: re.Match[str], vocabulary: Set[str]) -> str:
    """Return what stands between the halves of a word at a line's end: a hyphen if it is a compound, or nothing."""
    text, place = match.string, match.start()
    before = WORD_BEFORE.search(text[max(0, place - LONGEST_WORD) : place])
    after = WORD.match(text, match.end(), match.end() + LONGEST_WORD)
    return "-" if before and after and is_compound(before[0], after[0], text, vocabulary) else ""


def is_compound(before: str, after: str, text: str, vocabulary: Set[str] = frozenset()) -> bool:
    """Tell whether a hyphen belongs between two halves: `c'est-à-dire`, `non-free`, or as the document writes it."""
    *others, last = re.split("[-'’]", before)
    if (others and last.lower() in LINKING and "-" in before) or last.lower() in BEFORE_HYPHEN or after in AFTER_HYPHEN:
        return True
    if occurs(before + after, text) or occurs(last + after, text) or (last + after).lower() in vocabulary:
        return False
    if f"{last}-{after}".lower() in vocabulary or is_known_compound(last.lower(), after.lower()):
        return True
    both_words = min(len(last), len(after)) >= LEAST_WORD and occurs(last, text) and occurs(after, text)
    return both_words or occurs(f"{before}-{after}", text)


def words_of(text: str) -> set[str]:
    """Return the words of a text in small letters, compounds whole; halves at the end of a line are none."""
    return {word.lower() for word in WHOLE_WORD.findall(HYPHENATED.sub("- ", text))}


def occurs(word: str, text: str) -> bool:
    """Tell whether a text has a word, not as half of one that is hyphenated at a line's end."""
    return bool(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE))


def without_glyph_names(text: str, other: str) -> str:
    """Drop the names (`/noteheads.s2`) that one reader gives for signs that are no letters; the other does not.

    Without the other's text, because it failed perhaps, nobody knows what is a name.
    """
    names = GLYPH_NAME.findall(text)
    if not other or len(names) < LEAST_GLYPHS or any(name in other for name in names):
        return text
    return "\n".join(line for line in GLYPH_NAME.sub(" ", text).split("\n") if line.strip())


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
