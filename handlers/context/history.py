"""The thread's memory for those who answer: what was said before, cut to what fits, and what is to be remembered."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from handlers.context.documents import shares_of
from handlers.request import Request, Services

MESSAGE_TOKENS = 8  # what a chat template puts around each message


async def recall(request: Request, services: Services) -> list[BaseMessage]:
    """Return what was said in the thread before this request, as far as those who see it now may read it.

    A redone request does not see its own first try. A turn that came from a document which one of today's readers may
    not read is left out, question and answer.
    """
    messages = await services.memory.recall(request.conversation)
    before = [message for message in messages if not (message.id or "").startswith(f"{request.id}:")]
    readable = await shares_of(documents_behind(before), request.audience, services.library)
    return [message for message in before if readable.keys() >= set(documents_behind([message]))]


async def with_speakers(
    messages: Sequence[BaseMessage], request: Request, services: Services
) -> tuple[list[BaseMessage], str]:
    """Return messages that say who said them where several people talk with us, and what this request's person is
    called there; "" where only one does. Ids are remembered; what people are called is asked anew."""
    people = list(dict.fromkeys([*map(speaker_of, messages), request.user]))
    speakers = [person for person in people if person]
    if len(speakers) < 2 or request.channel.startswith("D"):
        return list(messages), ""
    names = {user: " ".join((await services.messages.name(user)).split()) for user in speakers}
    named = [
        message.model_copy(update={"content": f"{names[speaker]}: {message.text}"})
        if (speaker := speaker_of(message)) else message
        for message in messages
    ]  # fmt: skip
    return named, names[request.user]


def speaker_of(message: BaseMessage) -> str:
    """Return who said something to us; "" for what we said."""
    return str(message.additional_kwargs.get("user") or "") if isinstance(message, HumanMessage) else ""


def documents_behind(messages: Sequence[BaseMessage]) -> list[str]:
    """Return the documents that messages came from."""
    return sorted(
        {document_id for message in messages for document_id in message.additional_kwargs.get("documents", ())}
    )


async def remember(
    request: Request, services: Services, answer: str, *, documents: Sequence[str] = (), standalone: str = ""
) -> None:
    """Keep a question and its answer, and which documents the answer came from, so that both can be forgotten."""
    shares = await shares_of(documents, request.audience, services.library)
    if shares.keys() < set(documents):
        return  # one of them was taken away while the answer was written
    shared_in = {document_id: sorted(channels) for document_id, channels in shares.items()}
    services.trail.used.update(shares)
    about = {"user": request.user, "documents": sorted(shares), "shared_in": shared_in}
    question = HumanMessage(
        request.text, id=f"{request.id}:q", additional_kwargs=about | ({"standalone": standalone} if standalone else {})
    )
    reply = AIMessage(answer, id=f"{request.id}:a", additional_kwargs=about)
    await services.memory.add(request.conversation, [question, reply])


def recent_messages(
    history: Sequence[BaseMessage], count_tokens: Callable[[str], int], most_tokens: int
) -> list[BaseMessage]:
    """Return the newest messages that fit, whole and beginning with a person's.

    The oldest are left out half a window at a time: most follow-ups begin as the one before them did, and the engine
    need not read the thread again.
    """
    counts = [count_tokens(str(message.text)) + MESSAGE_TOKENS for message in history]
    before = list(accumulate(counts, initial=0))
    over, stride = before[-1] - most_tokens, max(1, most_tokens // 2)
    for left_out in (-(-over // stride) * stride, over):  # where a huge message leaves nothing, as little as must be
        for index, message in enumerate(history):
            if before[index] >= left_out and isinstance(message, HumanMessage):
                return list(history[index:])
    return []


def questions_of(history: Sequence[BaseMessage]) -> list[str]:
    """Return what was asked before, each so that it stands alone where that is known, oldest first."""
    return [
        str(message.additional_kwargs.get("standalone") or message.text)
        for message in history
        if isinstance(message, HumanMessage)
    ]


def is_about_documents(history: Sequence[BaseMessage]) -> bool:
    """Tell whether an answer in this thread came from documents."""
    return bool(documents_behind(history))
