"""What people said in the thread that a request comes from: lines with names, cut to what fits, newest kept."""

import re
from collections.abc import Callable, Sequence

from langchain_core.messages import BaseMessage

from handlers.request import Request, Services, ThreadMessage
from handlers.text.commands import without_accents
from handlers.text.messages import say

# A question about what was said, not about documents; folded.
ABOUT_TALK = re.compile(
    r"\b(?:this|the|our) (?:thread|conversation|discussion|talk)\b|\bso far\b|"
    r"\b(?:said|written) (?:here|above|before)\b|"
    r"\b(?:did|have|has|do|does) (?:we|you|they|he|she|[a-z]+) (?:decided?|agreed?|mean|meant|said|say|write|written|"
    r"propose|proposed|promised?|settled?|conclude|suggest|suggested|want|think)\b|\bdecided? (?:here|above|on)\b|"
    r"\bce fil\b|\bcette (?:conversation|discussion)\b|\b(?:dit|ecrit|decide|convenu) (?:ici|plus haut|avant)\b|"
    r"\b(?:avons[- ]nous|a[- ]t[- ](?:on|il|elle)|on a|nous avons|qu'a|que veut|voulait) ?(?:\w+ )?(?:decide|convenu|"
    r"dit|ecrit|propose|promis|dire|conclu)\b"
)


async def talk_before(request: Request, services: Services, history: Sequence[BaseMessage], most_tokens: int) -> str:
    """Return what people said in the thread that is not in its memory, and what was forwarded with the request."""
    lines = []
    if request.thread not in {"", request.ts} and not request.channel.startswith("D"):
        remembered = {(message.id or "").split(":")[2] for message in history if (message.id or "").count(":") >= 3}
        said = await services.messages.thread(request.channel, request.thread)
        before = [one for one in said if one.user and one.ts != request.ts and one.ts not in remembered]
        lines = [line for one in before if (line := talk_line(one, request.language))]
    if request.forwarded:
        lines.append(say("chat.forwarded_line", request.language, text=request.forwarded))
    return "\n".join(newest(lines, services.count_tokens, most_tokens))


def talk_line(message: ThreadMessage, language: str) -> str:
    """Return a message as one line: who, what, which files, and what was forwarded; "" if it says nothing."""
    parts = [" ".join(message.text.split())]
    if message.forwarded:
        parts.append(say("chat.forwarded_line", language, text=" ".join(message.forwarded.split())))
    if message.file_names:
        parts.append(say("chat.shares_line", language, names=", ".join(message.file_names)))
    words = " ".join(part for part in parts if part)
    return f"{message.name or message.user}: {words}" if words else ""


def newest(lines: Sequence[str], count_tokens: Callable[[str], int], most_tokens: int) -> list[str]:
    """Return the newest lines that fit, in their order; a last one that is too long is cut."""
    taken: list[str] = []
    room = most_tokens
    for line in reversed(lines):
        tokens = count_tokens(line)
        if tokens > room:
            if not taken:
                taken.append(line[: max(1, len(line) * room // max(1, tokens))])
            break
        taken.append(line)
        room -= tokens
    return taken[::-1]


def is_about_talk(text: str) -> bool:
    """Tell whether a question is about what was said in the thread."""
    return ABOUT_TALK.search(without_accents(text)) is not None
