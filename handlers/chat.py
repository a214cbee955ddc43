"""Conversation: with memory of the thread; where the thread is about documents, it answers from them."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers import ask as asking
from handlers.answering.cite import Sentences
from handlers.answering.condense import depends_on_history
from handlers.answering.known import known_answer
from handlers.answering.retrieve import relevance
from handlers.context.generate import stream_reply
from handlers.context.history import (
    documents_behind,
    is_about_documents,
    recall,
    recent_messages,
    remember,
    with_speakers,
)
from handlers.context.talk import is_about_talk, talk_before
from handlers.pieces import Pieces, Text, UserError
from handlers.request import Request, Services
from handlers.text.greetings import is_greeting
from handlers.text.language import request_language, requested_language
from handlers.text.messages import say
from handlers.text.normalize import has_words
from handlers.text.questions import is_question
from handlers.text.sanitize import sanitize

ANSWER_TOKENS = 600
HISTORY_TOKENS = 1500  # 20 seconds of reading on two cores, if nothing of it is cached
TALK_TOKENS = 900  # of what people said before it was called into their thread
RULES_TOKENS = 120
RULES = {
    "en": "You are Folio, a friendly assistant in a team's Slack. Answer briefly and in English. "
    "If you do not know something, say so; do not invent facts about this team or its documents.",
    "fr": "Tu es Folio, un assistant aimable dans le Slack d'une équipe. Réponds brièvement et en français. "
    "Si tu ne sais pas quelque chose, dis-le ; n'invente rien sur cette équipe ou ses documents.",
}


async def chat(request: Request, services: Services) -> Pieces:
    """Talk with me in a direct message or by a mention; I remember the thread."""
    request = replace(request, text=request.text.strip())
    language = requested_language(request.text) or request_language(request)
    if not has_words(request.text):
        raise UserError(say("chat.forwarded" if request.forwarded else "chat.empty", language))
    greets = is_greeting(request.text)
    if greets and not request.forwarded and not await recall(request, services):
        yield Text(say("chat.greeting", language))
        return
    if not greets and (known := await known_answer(request, services)):
        async with aclosing(known) as pieces:
            async for piece in pieces:
                yield piece
        return
    history, speaker = await with_speakers(await recall(request, services), request, services)
    talk = await talk_before(request, services, history, TALK_TOKENS)
    about_talk = bool(request.forwarded) or (bool(talk or speaker) and is_about_talk(request.text))
    if not about_talk and await concerns_documents(request, history, services):
        answer = asking.ask(request, services)
    else:
        answer = converse(request, history, services, language, talk=talk, speaker=speaker)
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            yield piece


async def concerns_documents(request: Request, history: Sequence[BaseMessage], services: Services) -> bool:
    """Tell whether this is to be answered from documents.

    In a thread about documents: every question, and whatever else leans on the talk and is found in them. Elsewhere: a
    question that the documents answer.
    """
    if len(request.text) > asking.LONGEST_QUESTION:
        return False
    asks = is_question(request.text)
    about_documents = is_about_documents(history) or await began_with_a_file(request, services)
    if about_documents and asks:
        return True
    if not asks and not (about_documents and depends_on_history(request.text, history)):
        return False
    passages = await services.library.search([request.text], readable_by=request.audience, limit=1)
    return relevance(passages) >= services.library.threshold


async def began_with_a_file(request: Request, services: Services) -> bool:
    """Tell whether a document was shared in this thread."""
    documents = services.library.documents_of_message(request.channel, request.thread, readable_by=request.audience)
    return bool(await documents)


async def converse(  # noqa: PLR0913
    request: Request, history: Sequence[BaseMessage], services: Services, language: str, *, talk: str, speaker: str
) -> Pieces:
    """Yield the model's answer in a conversation, and remember both.

    `talk` is what people said to each other in the thread, `speaker` who asks, where several talk with us.
    """
    messages = chat_prompt(request, history, services, language, talk=talk, speaker=speaker)
    shown: list[str] = []
    sentences = Sentences()
    stream = stream_reply(services, messages, language, max_tokens=ANSWER_TOKENS)
    async with aclosing(stream):
        async for words in stream:
            for sentence in sentences.add(words):
                shown.append(sanitize(sentence, [request.text, talk], language))
                yield Text(shown[-1])
    if rest := sanitize("".join(sentences.rest()), [request.text, talk], language):
        shown.append(rest)
        yield Text(rest)
    if not "".join(shown).strip():
        shown = [say("chat.speechless", language)]
        yield Text(shown[0])
    await remember(request, services, "".join(shown).strip(), documents=documents_behind(messages))


def chat_prompt(  # noqa: PLR0913
    request: Request, history: Sequence[BaseMessage], services: Services, language: str, *, talk: str, speaker: str
) -> list[BaseMessage]:
    """Return the rules, as much of the thread as fits, and what was said now; raise UserError if that is too long."""
    room = services.context_tokens - ANSWER_TOKENS - RULES_TOKENS
    asked = f"{speaker}: {request.text}" if speaker else request.text
    text = say("chat.talk", language, talk=talk, text=asked) if talk else asked
    tokens = services.count_tokens(text)
    if tokens > room:
        raise UserError(say("chat.too_long", language, tokens=tokens, limit=room))
    before = recent_messages(history, services.count_tokens, min(HISTORY_TOKENS, room - tokens))
    return [SystemMessage(RULES[language]), *before, HumanMessage(text)]
