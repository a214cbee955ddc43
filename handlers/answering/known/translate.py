"""Translating: a text that stands in the message, the last answer, or the message before, by the model alone."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers.answering.cite import Sentences
from handlers.answering.known.grammar import Known, known_sentence
from handlers.answering.known.which import SUFFIXES, Finder
from handlers.context.generate import stream_reply
from handlers.context.history import documents_behind, recall, remember
from handlers.pieces import Pieces, Text, UserError
from handlers.request import Request, Services
from handlers.text.commands import without_accents
from handlers.text.messages import say
from handlers.text.overlap import digits
from handlers.text.sanitize import sanitize
from indexing.language import language_of

MORE_TOKENS = 2.0  # a translation may be so much longer
LEAST_TOKENS = 60
RULES_TOKENS = 150
NAMES = {  # as a person may name a language -> its name in English and in French
    "english": ("English", "anglais"), "french": ("French", "français"), "german": ("German", "allemand"),
    "spanish": ("Spanish", "espagnol"), "italian": ("Italian", "italien"), "dutch": ("Dutch", "néerlandais"),
    "portuguese": ("Portuguese", "portugais"),
}  # fmt: skip
CODES = {"English": "en", "French": "fr"}
HEAD = re.compile(r"[:\n]|(?=[\"“«])")  # ends the wish; what follows is the text


@dataclass(frozen=True)
class Translation:
    """What is to be translated into which language, and the documents that it came from."""

    text: str
    into: tuple[str, str]  # the language's name in English and in French
    documents: Sequence[str] = ()


def wish_with_text(text: str) -> tuple[Known, str] | None:
    """Return the wish to translate and the text that follows it, behind a colon, on a new line or in quotes."""
    joint = HEAD.search(text)
    if not joint:
        return None
    known = known_sentence(text[: joint.start()])
    if known and known.kind == "translate" and (rest := text[joint.end() :].strip().strip('"“”«» ')):
        return known, rest
    return None


async def translation_of(known: Known, given: str, finder: Finder) -> Translation:
    """Return what is to be translated: what the message gives, else what is before everybody's eyes.

    Raises UserError where nothing is, or where a whole document is meant.
    """
    text = given or finder.request.forwarded or known.words.get("words", "")
    documents: list[str] = []
    if text and not given and await is_a_document(text, finder):
        raise UserError(say("folio.translate_document", finder.language, name=text))
    if not text:
        text, documents = await last_said(finder)
    if not text:
        raise UserError(say("folio.translate_what", finder.language))
    return Translation(text, language_named(known.words.get("language", ""), text), documents)


async def is_a_document(words: str, finder: Finder) -> bool:
    """Tell whether some words name a document."""
    named = any(words.casefold().endswith(suffix) for suffix in SUFFIXES)
    return named or bool(await finder.named(words))


async def last_said(finder: Finder) -> tuple[str, list[str]]:
    """Return the last answer of this thread, with its documents; else the message before this one."""
    request = finder.request
    answers = [message for message in await recall(request, finder.services) if message.type == "ai"]
    if answers:
        return str(answers[-1].text), documents_behind(answers[-1:])
    if request.thread in {"", request.ts}:
        return "", []
    said = await finder.services.messages.thread(request.channel, request.thread)
    before = [message for message in said if message.ts != request.ts and message.user and message.text.strip()]
    return (before[-1].text, []) if before else ("", [])


def language_named(words: str, text: str) -> tuple[str, str]:
    """Return the language that is named; the other one of ours where none is."""
    plain = without_accents(words)
    for names in NAMES.values():
        if plain in {without_accents(name) for name in names}:
            return names
    return NAMES["french" if language_of(text) == "en" else "english"]


async def translate(translation: Translation, request: Request, services: Services, language: str) -> Pieces:
    """Yield the translation sentence by sentence, and a word of warning where a figure got lost."""
    messages = prompt(translation, services, language)
    tokens = max(LEAST_TOKENS, int(MORE_TOKENS * services.count_tokens(translation.text)))
    shown: list[str] = []
    sentences = Sentences()
    stream = stream_reply(services, messages, language, max_tokens=tokens, temperature=0.0)
    async with aclosing(stream):
        async for words in stream:
            for sentence in sentences.add(words):
                shown.append(sanitize(sentence, [translation.text], language))
                yield Text(shown[-1])
    shown.append(sanitize("".join(sentences.rest()), [translation.text], language))
    yield Text(shown[-1])
    text = "".join(shown).strip()
    if not text:
        yield Text(say("chat.speechless", language))
        return
    if lost := sorted(digits(translation.text) - digits(text)):
        yield Text(f"\n\n{say('folio.translate_figures', language, figures=', '.join(lost))}")
    await remember(request, services, text, documents=translation.documents)


def prompt(translation: Translation, services: Services, language: str) -> list[BaseMessage]:
    """Return what the model is asked; raise UserError where the text and its translation do not fit."""
    tokens = services.count_tokens(translation.text)
    room = int((services.context_tokens - RULES_TOKENS) / (1 + MORE_TOKENS))
    if tokens > room:
        raise UserError(say("chat.too_long", language, tokens=tokens, limit=room))
    into = CODES.get(translation.into[0], "en")
    rules = say("folio.translate_rules", into, into=translation.into[into == "fr"])
    return [SystemMessage(rules), HumanMessage(translation.text)]
