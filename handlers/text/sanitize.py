"""What the model writes, made harmless: no links, pictures or mentions but those that the passages spell out."""

import re
from collections.abc import Iterable

from handlers.text.messages import say

PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?:[^)\s]+)(?:\s+\"[^\"]*\")?\)")
ANGLE = re.compile(r"<(?:https?|ftp|mailto|javascript|data|tel|slack):[^>\s]*(?:\|([^>]*))?>", re.IGNORECASE)
ADDRESS = re.compile(
    r"\b(?:https?|ftp|javascript|data|slack|file)\b:(?://)?[^\s<>\"'`\])]+[^\s<>\"'`\]).,;:!?]", re.IGNORECASE
)
REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)
MENTION = re.compile(r"<[@#!][^>\s]*>")
BROADCAST = re.compile(r"@(channel|here|everyone)\b", re.IGNORECASE)
TAG = re.compile(r"</?(?:img|a|script|iframe|object|embed|style|link|svg)\b[^>]*>", re.IGNORECASE)


def sanitize(text: str, passages: Iterable[str] = (), language: str = "en") -> str:
    """Return the text without live links, pictures and mentions.

    An address that a passage spells out, maybe over the end of a line, stays as plain characters (Slack's side breaks
    it so that it is no link); one with a query is left out even then: what it carries could be anybody's secret.
    """
    known = ["".join(passage.split()) for passage in passages]
    text = REFERENCE.sub("", PICTURE.sub(r"\1", text))
    text = ANGLE.sub(lambda found: found[1] or "", LINK.sub(r"\1", TAG.sub("", text)))
    text = BROADCAST.sub(r"\1", MENTION.sub("", text))

    removed = say("general.link_removed", language)

    def address(match: re.Match[str]) -> str:
        url = match[0]
        spelled = "?" not in url and any(url in passage for passage in known)
        return url if spelled else removed

    return ADDRESS.sub(address, text).replace(f"({removed})", removed)
