"""What a message says: text, markdown or blocks, checked as Slack checks them."""

from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.blocks import LONGEST_MARKDOWN, check_blocks
from bot.sandbox.errors import ApiError

MOST_ATTACHMENTS = 100

Row = dict[str, Any]


def content(arguments: Arguments, *, longest: int = 0, files: bool = False) -> Row:
    """Return the text and the blocks of a message; raise Refused for what Slack would not take."""
    text, markdown = arguments.text("text"), arguments.text("markdown_text")
    blocks = arguments.parsed("blocks", "invalid_blocks_format")
    attachments = arguments.parsed("attachments", "invalid_attachments") or None
    if markdown and (text or blocks):
        raise ApiError("markdown_text_conflict")
    if len(markdown) > LONGEST_MARKDOWN or (longest and len(text) > longest):
        raise ApiError("msg_too_long")
    if attachments is not None and (not isinstance(attachments, list) or len(attachments) > MOST_ATTACHMENTS):
        raise ApiError("too_many_attachments" if isinstance(attachments, list) else "invalid_attachments")
    if markdown:
        text, blocks = markdown, [{"type": "markdown", "text": markdown}]
    if not text.strip() and not blocks and not attachments and not files:
        raise ApiError("no_text")
    body: dict[str, Any] = {"text": text}
    if blocks:
        body["blocks"] = check_blocks(blocks)
    return body | ({"attachments": attachments} if attachments else {})
