"""The thread's memory for those who answer: what was said before, cut to what fits, and what is to be remembered."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from handlers.request import Request, Services

MESSAGE_TOKENS = 8  # what a chat template puts around each message


async def recall(request: Request, services: Services) -> list[BaseMessage]:
    """Return what was said in the thread before this request; a redone request does not see its own first try."""
    said = await services.memory.recall(request.conversation)
    return [message for message in said if not (message.id or "").startswith(f"{request.id}:")]


async def remember(
    request: Request, services: Services, answer: str, *, documents: Sequence[str] = (), standalone: str = ""
) -> None:
    """Keep a question and its answer, and which documents the answer came from, so that both can be forgotten."""
    about = {"user": request.user, "documents": list(documents)}
    question = HumanMessage(
        request.text, id=f"{request.id}:q", additional_kwargs=about | ({"standalone": standalone} if standalone else {})
    )
    said = AIMessage(answer, id=f"{request.id}:a", additional_kwargs=about)
    await services.memory.add(request.conversation, [question, said])


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
        for place, message in enumerate(history):
            if before[place] >= left_out and isinstance(message, HumanMessage):
                return list(history[place:])
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
    return any(message.additional_kwargs.get("documents") for message in history)
