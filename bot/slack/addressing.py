"""Who a message in a channel speaks to, purely: us, another person, or whoever knows the answer."""

import re
from dataclasses import dataclass
from typing import Literal

from handlers.text.commands import without_accents
from handlers.text.questions import is_question

OTHERS = re.compile(r"<(?:@(?P<person>[UWB][A-Z0-9]*)|!(?:here|channel|everyone|subteam)\b)[^>]*>")
CLOSING = frozenset({  # a message of these, and of words around them, ends a talk: nothing is to be said to it
    "thanks", "thank", "thx", "ty", "cheers", "merci", "great", "perfect", "ok", "okay", "kk", "got", "cool", "nice",
    "super", "parfait", "parfaite", "nickel", "top", "d'accord", "dac", "entendu", "note", "noted", "understood",
    "compris", "helps", "genial", "wow", "lol",
})  # fmt: skip
AROUND = frozenset({
    "you", "it", "very", "much", "so", "a", "lot", "again", "encore", "and", "et", "all", "tous", "toi", "vous", "for",
    "the", "help", "answer", "pour", "l'aide", "ton", "votre", "aide", "la", "reponse", "folio", "that", "this", "is",
    "beaucoup", "bien", "c'est", "that's", "good", "bon", "mille", "fois",
})  # fmt: skip
LONGEST_CLOSING = 8  # words

SEVERAL = "*"

Hearing = Literal["ours", "document", "others"]


@dataclass(frozen=True)
class Speech:
    """What the form of a message tells about whom it is for."""

    to_others: bool = False  # it mentions other people and not us
    is_closing: bool = False  # "thanks", "ok", "merci beaucoup"
    asks: bool = False
    verb: str = "chat"  # the action that its words name


@dataclass(frozen=True)
class Talk:
    """What is known of a thread: whether somebody addressed us in it, and who talks with whom."""

    is_ours: bool = False
    is_document: bool = False  # it hangs on a document that was dropped without a word to us
    partners: frozenset[str] = frozenset()  # who addressed us
    last: str = ""  # who wrote last, if that was not for us; SEVERAL once people talk to each other


def speech_of(text: str, bot: str, verb: str) -> Speech:
    """Read the form of a message; `text` is Slack's, with its mentions."""
    others = [found for found in OTHERS.finditer(text) if found["person"] != bot]
    return Speech(bool(others), is_closing(text), is_question(text), verb)


def is_closing(text: str) -> bool:
    """Tell whether a message only ends the talk: thanks, agreement, an emoji."""
    plain = re.sub(r":[a-z0-9_+'-]+:", " ", without_accents(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain)
    if "?" in text or len(words) > LONGEST_CLOSING:
        return False
    return not CLOSING.isdisjoint(words or CLOSING) and all(word in CLOSING | AROUND for word in words)


def hear(talk: Talk, speech: Speech, user: str, listens: str = "threads") -> Hearing:
    """Tell whom a message without a mention of us is for: us, whoever knows the document, or others.

    `listens` is what the channel wants: mention, threads, or questions.
    """
    if speech.to_others or speech.is_closing:
        return "others"
    if talk.is_ours and speech.verb == "stop":
        return "ours"
    if listens == "mention":
        return "others"
    if talk.last not in {"", user}:  # two people talk to each other
        return "others"
    if talk.is_ours:
        is_for_us = not talk.partners or user in talk.partners or speech.asks or speech.verb != "chat"
        return "ours" if is_for_us else "others"
    is_open = talk.is_document or listens == "questions"
    return "document" if is_open and speech.asks else "others"


def last_after(talk: Talk, speech: Speech, user: str) -> str:
    """Return `last` after a message that was not for us; thanks change nothing."""
    if speech.is_closing:
        return talk.last
    return SEVERAL if speech.to_others or talk.last not in {"", user} else user
