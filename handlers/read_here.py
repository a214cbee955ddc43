"""The documents that were in a channel before: read one after the other, in the background, when somebody says so."""

from dataclasses import replace

from handlers.context.ingest import Ingested, NotIngested, ingest
from handlers.pieces import Choice, Choices, Pieces, Progress, Text, UserError
from handlers.request import ListedFile, Request, Services, unheard
from handlers.text.messages import say
from indexing.audience import Audience

MOST_AT_ONCE = 100  # documents read by one press of the button: a turn ends some time
MOST_NAMED = 5  # documents that could not be read, with the reason


async def read_here(request: Request, services: Services) -> Pieces:
    """Read the documents that were shared in this channel before I came."""
    unread = await unread_here(request, services)
    if not unread:
        raise UserError(say("read_here.nothing", request.language))
    refused: list[NotIngested] = []
    for number, file in enumerate(unread[:MOST_AT_ONCE]):
        text = say("read_here.progress", request.language, name=file.name, done=number, total=len(unread))
        services.report(Progress(text, number, len(unread)))
        outcome = await ingest(file.id, replace(request, ts=file.ts), replace(services, report=unheard))
        if not isinstance(outcome, Ingested):
            refused.append(replace(outcome, name=outcome.name or file.name))
    yield Text(result(len(unread[:MOST_AT_ONCE]), refused, request.language))
    if (left := len(unread) - MOST_AT_ONCE) > 0:
        text = say("read_here.more", request.language, count=left)
        yield Choices(text, (Choice(say("read_here.button", request.language), "read_here"),))


async def unread_here(request: Request, services: Services) -> list[ListedFile]:
    """Return the channel's documents that are not known in it yet: whatever an earlier try read is."""
    here = Audience(frozenset({request.channel}))
    unread = []
    for file in await services.files.shared_in(request.channel):
        known = [await services.library.document(one, readable_by=here) for one in
                 await services.library.document_ids(file.id)]  # fmt: skip
        if not any(known):
            unread.append(file)
    return unread


def result(count: int, refused: list[NotIngested], language: str) -> str:
    """Return the one line about all that was read, and what was not, with the reasons."""
    lines = [say("read_here.done", language, read=count - len(refused), total=count)]
    lines += [f"- **{one.name}**: {one.sentence}" for one in refused[:MOST_NAMED]]
    if len(refused) > MOST_NAMED:
        lines.append(say("read_here.others", language, count=len(refused) - MOST_NAMED))
    return "\n".join(lines)
