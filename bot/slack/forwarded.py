"""The words of messages that somebody forwarded: they stand in attachments, which links that were pasted have too."""

from collections.abc import Mapping
from html import unescape
from typing import Any

LONGEST = 8_000  # characters of all that one message forwards


def forwarded_words(message: Mapping[str, Any]) -> str:
    """Return what a message forwards, each with who wrote it; "" for a message that forwards nothing."""
    attachments = message.get("attachments")
    shared = [one for one in attachments if _is_share(one)] if isinstance(attachments, list) else []
    return "\n\n".join(filter(None, map(_words, shared)))[:LONGEST]


def _is_share(attachment: object) -> bool:
    return isinstance(attachment, Mapping) and attachment.get("is_share") is True


def _words(attachment: Mapping[str, Any]) -> str:
    text = unescape(str(attachment.get("text") or attachment.get("fallback") or "")).strip()
    author = str(attachment.get("author_name") or "").strip()
    return f"{author}: {text}" if author and text else text
