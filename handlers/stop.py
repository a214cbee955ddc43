"""Stop: the running work was cancelled when the word came in; this says so."""

from handlers.pieces import Pieces, Text
from handlers.request import Request, Services
from handlers.text.language import request_language
from handlers.text.messages import say


async def stop(request: Request, services: Services) -> Pieces:
    """Stop what I am doing in this thread: `stop`."""
    yield Text(say("general.stopped", request_language(request)))
