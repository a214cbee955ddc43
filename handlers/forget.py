"""Forgetting: a thread's memory, or all that is kept about a person."""

from handlers.pieces import Choice, Choices, Pieces, Text
from handlers.request import Request, Services
from handlers.text.language import request_language
from handlers.text.messages import say


async def forget(request: Request, services: Services) -> Pieces:
    """Forget what was said in this thread: `forget`."""
    language = request_language(request)
    count = await services.memory.forget(request.conversation)
    count += await services.questions.forget_thread(request.channel, request.thread)
    yield Text(say("forget.done" if count else "forget.nothing", language, count=count))


async def forget_me(request: Request, services: Services) -> Pieces:
    """Remove what I keep about you, your words and the files you shared: `/forget-me`."""
    language = request_language(request)
    if not request.confirmed:
        button = Choice(
            say("forget.button", language),
            "forget_me",
            confirmed=True,
            confirm=say("forget.confirm", language),
            danger=True,
        )
        yield Choices(say("forget.question", language), (button,))
        return
    messages = await services.memory.forget_person(request.user)
    messages += await services.questions.forget_person(request.user)
    removals = await services.library.forget_person(request.user)
    for removal in removals:
        services.trail.removed.append(removal.document_id)
    files = sum(len(removal.shares) for removal in removals)
    yield Text(say("forget.person_done", language, messages=messages, files=files))
