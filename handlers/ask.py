"""Questions to the documents: answered with the lines that bear the answer, or refused with the nearest ones."""

from contextlib import aclosing
from dataclasses import replace

from handlers.answering import answer
from handlers.answering.known import known_answer
from handlers.pieces import Pieces, UserError
from handlers.request import Request, Services
from handlers.text.language import request_language
from handlers.text.messages import say
from handlers.text.normalize import has_words

LONGEST_QUESTION = 2000  # characters


async def ask(request: Request, services: Services) -> Pieces:
    """Answer a question from the documents you may read, with the pages it comes from: `/ask QUESTION`."""
    text = " ".join(request.text.split())
    if not has_words(text):
        raise UserError(say("ask.empty", request_language(request)))
    if len(text) > LONGEST_QUESTION:
        raise UserError(say("ask.too_long", request_language(request), length=len(text), limit=LONGEST_QUESTION))
    request = replace(request, text=text)
    async with aclosing(await known_answer(request, services) or answer(request, services)) as pieces:
        async for piece in pieces:
            yield piece
