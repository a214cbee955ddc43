"""What a person wishes of a summary: which document, which part of it, how long, for whom, in which language."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from handlers.text.commands import without_accents
from handlers.text.language import requested_language

METHOD = re.compile(r"(?<![\w-])(?:--?)?(?:method(?:e|=)?\s*)?(stuff|map[ _-]?reduce|refine)(?![\w-])", re.IGNORECASE)
FILLER = frozenset({
    "the", "this", "that", "it", "document", "file", "pdf", "please", "last", "of", "in", "for", "me", "us", "to",
    "le", "la", "ce", "cet", "cette", "du", "de", "fichier", "dernier", "svp", "moi", "en", "ca", "ceci",
    "francais", "french", "english", "anglais", "s'il", "te", "vous", "plait", "un", "a", "using", "with", "avec",
    "above", "ci-dessus", "dessus", "here", "ici", "only", "just", "seulement", "uniquement", "from", "des", "les",
    "and", "et", "stp", "as", "give", "it's", "nous", "une", "au", "aux", "dans", "on", "about", "sur",
})  # fmt: skip
FILE_NAME = re.compile(r"[\w.()+-]*\w\.(?:[A-Za-z]{2,4}|docx|pptx|xlsx|html|[A-Za-z]\d)\b")  # its figures are no wishes
NUMBERS = {
    word: number
    for number, words in enumerate(
        ("one un une a an single", "two deux", "three trois", "four quatre", "five cinq", "six", "seven sept",
         "eight huit", "nine neuf", "ten dix"), start=1)
    for word in words.split()
}  # fmt: skip
NUMBER = rf"(\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
MOST_WISHED = 15  # points: as many have room in an answer of the model
SHORT, DETAILED = 3, 12  # points
WORDS_OF_A_POINT = 20

ABOUT = r"(?:about|around|at most|no more than|max(?:imum)?|fewer than|less than|environ|au plus|moins de|the|les)"
LIKE = r"(?:short|bullet|key|main|important|simple|brief|courte?s?|bref|breves?|grands?|petits?|principa(?:ux|les))"
POINT = (rf"(?:{LIKE}[- ]?)*(?:points?|bullets?|sentences?|lines?|phrases?|lignes?|puces?|items?|takeaways?|facts?|"
         r"faits?|idees?|ideas?)(?: (?:cles?|principa(?:ux|les)|importants?))?")  # fmt: skip
POINTS = re.compile(rf"\b(?:(?:in|en|as|with|avec|into)\s+)?(?:{ABOUT}\s+)*(?:top\s+)?{NUMBER}\s+{POINT}\b")
WORDS = re.compile(rf"\b(?:(?:in|en)\s+)?(?:{ABOUT}\s+)*{NUMBER}\s+(?:words?|mots?)\b(?: (?:at most|or less|max))?")
BRIEFLY = re.compile(
    r"\b(?:very |tres )?(?:briefly|in brief|in short|shortly|short|concise(?:ly)?|quickly|tl;?dr|en bref|bref|"
    r"brievement|succinct(?:ement)?|rapidement|en resume|in (?:one|a)(?: short| single)? paragraph|"
    r"en un(?: court| seul)? paragraphe)\b"
)
AT_LENGTH = re.compile(r"\b(?:in (?:more |great )?detail|detailed|at length|en detail|detaillee?|longuement)\b")
TO = r"\s*(?:-|–|to|a|until|through|and|et|jusqu'a|jusqu'a la|&)\s*"
PAGE = r"(?:(?:la |les )?(?:pages?|pp?\.)\s*)"
SIDE = r"(?:(?:only|just|from|of|on|de|des|du|seulement|la|les)\s+)*"
PAGES = re.compile(rf"\b{SIDE}{PAGE}(\d{{1,4}}|[ivxl]+)(?:{TO}{PAGE}?(\d{{1,4}}|[ivxl]+))?(?![\w.])")
FIRST = re.compile(
    rf"\b(?:(?:the|les|la|of|de|des)\s+)*(?:(?:first|premieres?)\s+{NUMBER}|{NUMBER}\s+(?:first|premieres)|"
    rf"(?:first|premiere))\s+pages?\b"
)
LAST = re.compile(
    rf"\b(?:(?:the|les|la|of|de|des)\s+)*(?:(?:last|dernieres?)\s+{NUMBER}|{NUMBER}\s+(?:last|dernieres)|"
    rf"(?:last|derniere))\s+pages?\b"
)
KIND = r"(?:chapters?|sections?|part|articles?|clause|appendix|annex|chapitres?|partie|annexe|rubrique)"
NUMBERED = re.compile(
    rf"\b{SIDE}(?:the\s+|le\s+)?{KIND}\s+(?:no\.?\s*|n°\s*)?(\d{{1,3}}(?:\.\d{{1,3}})*|[ivx]+|[a-h])\b(?![.]\w)"
)
TITLED = re.compile(
    rf"\b{SIDE}(?:the\s+|le\s+)?{KIND}\s+(?:(?:on|about|called|named|titled|sur|intitulee?|appelee?|consacree? a)\s+)?"
    r"(?:[\"“«]\s*(?P<quoted>[^\"”»]+?)\s*[\"”»]|(?P<bare>(?:(?!\b(?:of|in|from|de|du|dans)\b).)+?))"
    r"(?=\s+(?:of|in|from|de|du|dans)\b|\s*[,.]?\s*$)"
)
AUDIENCE = re.compile(
    r"\b(?:for|pour)\s+((?:an?|the|my|our|un|une|le|la|les|mon|ma|mes|des|notre|nos)\s+)?"
    r"((?:(?:total|complete|absolute|new|busy|grands?|parfaits?)\s+)?(?:\d{1,2}[- ]year[- ]olds?|beginners?|dummies|"
    r"child(?:ren)?|kids?|managers?|management|executives?|boss|ceo|board|team|colleagues?|newcomers?|new hires?|"
    r"lay(?:men|man|person|people)|non[- ]experts?|experts?|students?|customers?|clients?|engineers?|lawyers?|"
    r"debutante?s?|enfants?|direction|managers?|patron|chef|conseil|equipe|collegues?|novices?|nouveaux|profanes?|"
    r"etudiants?|ingenieurs?|juristes?))\b"
)


@dataclass(frozen=True)
class Wish:
    """What is to be summarised, and how."""

    name: str  # "" for the last document
    method: str  # "" to choose by length
    language: str  # "" for the document's own
    points: int = 0  # 0 to choose by length
    pages: tuple[str, str] = ("", "")  # the first and the last, as people call them; "first" or "last" and a count
    section: str = ""  # its number or its title
    reader: str = ""  # for whom


def wish_of(text: str) -> Wish:
    """Read `[file] [method] [in French] [in 3 points] [pages 2-3] [chapter 3] [for beginners]`, in any order."""
    method = METHOD.search(text)
    rest = METHOD.sub(" ", text)
    wish = Wish("", method_called(method[1]) if method else "", requested_language(rest))
    files = FILE_NAME.findall(rest)
    rest = FILE_NAME.sub(" \x00 ", rest)
    folded = without_accents(rest)
    if len(folded) == len(rest):
        for look in LOOKS:
            wish, rest, folded = look(wish, rest, folded)
    for file in files:
        rest = rest.replace("\x00", file, 1)
    words = [word for word in rest.split() if without_accents(word).strip("\"'«»,.:!?;()") not in FILLER]
    return replace(wish, name=" ".join(words).strip(" \"'`«»,;:!?"))


def method_called(word: str) -> str:
    """Return the method that a word names, in whatever spelling of map-reduce."""
    plain = without_accents(word)
    return "map_reduce" if plain.startswith("map") else plain


Look = Callable[[Wish, str, str], tuple[Wish, str, str]]  # a wish, the text that is left, the same without accents


def looking_for(pattern: re.Pattern[str], read: Callable[[Wish, re.Match[str], str], Wish]) -> Look:
    """Return what looks for one kind of wish, and takes it out of the text."""

    def look(wish: Wish, text: str, folded: str) -> tuple[Wish, str, str]:
        if not (match := pattern.search(folded)):
            return wish, text, folded
        start, end = match.span()
        read_wish = read(wish, match, text)
        if read_wish == wish:
            return wish, text, folded
        return read_wish, f"{text[:start]} {text[end:]}", f"{folded[:start]} {folded[end:]}"

    return look


def count_of(match: re.Match[str]) -> int:
    """Return the number that a wish has; 1 where it says none."""
    word = next(filter(None, match.groups()), "1")
    return int(word) if word.isdigit() else NUMBERS[word]


def in_points(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, points=max(1, min(count_of(match), MOST_WISHED)))


def in_words(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, points=max(1, min(count_of(match) // WORDS_OF_A_POINT, MOST_WISHED)))


def briefly(wish: Wish, _match: re.Match[str], _text: str) -> Wish:
    return replace(wish, points=wish.points or SHORT)


def at_length(wish: Wish, _match: re.Match[str], _text: str) -> Wish:
    return replace(wish, points=wish.points or DETAILED)


def on_pages(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, pages=(match[1], match[2] or match[1]))


def on_first(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, pages=("first", str(count_of(match))))


def on_last(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, pages=("last", str(count_of(match))))


def numbered(wish: Wish, match: re.Match[str], _text: str) -> Wish:
    return replace(wish, section=match[1])


def titled(wish: Wish, match: re.Match[str], text: str) -> Wish:
    start, end = match.span("quoted" if match["quoted"] else "bare")
    title = text[start:end].strip(" ,.:")
    return replace(wish, section=wish.section or title) if "\x00" not in title else wish


def for_whom(wish: Wish, match: re.Match[str], text: str) -> Wish:
    return replace(wish, reader=text[match.start(2) : match.end(2)])


LOOKS: tuple[Look, ...] = (
    looking_for(POINTS, in_points), looking_for(WORDS, in_words), looking_for(AUDIENCE, for_whom),
    looking_for(FIRST, on_first), looking_for(LAST, on_last), looking_for(PAGES, on_pages),
    looking_for(NUMBERED, numbered), looking_for(TITLED, titled),
    looking_for(BRIEFLY, briefly), looking_for(AT_LENGTH, at_length),
)  # fmt: skip
