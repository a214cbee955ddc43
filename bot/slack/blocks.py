"""Pieces to Block Kit, purely: sources with their quotes, choices as buttons, feedback."""

import json
from collections.abc import Sequence
from typing import Any

from bot.slack.markdown import mrkdwn, mrkdwn_link, quoted, safe
from handlers.pieces import Choice, Choices, MessageSource, Source
from handlers.show_page import choice
from handlers.text.messages import say

Block = dict[str, Any]

LONGEST_QUOTE = 350  # characters
LONGEST_BUTTON = 75
LINKS_IN_A_LINE = 3
MOST_PAGE_BUTTONS, FIRST_PAGE_BUTTON = 5, 900  # a number that no button of a row has
LONGEST_SECTION = 3000
MOST_SECTIONS = 4  # of a text that a markdown block would hold
LONGEST_MARKDOWN = 11_900  # all markdown blocks of a message together
LONGEST_TEXT = 3_900  # chat.update refuses more than 4,000 characters
MOST_BLOCKS = 45  # of Slack's 50, to leave room for the text and feedback


def source_label(source: Source) -> str:
    """Return `[1] handbook.pdf, p. 12`."""
    passage = source.passage
    return f"[{source.number}] {passage.document}, {passage.place}"


def source_lines(sources: Sequence[Source], language: str) -> str:
    """Return the sources as plain lines, for the message's text; a streamed one has them as they are."""
    if not sources:
        return ""
    labels = (safe(" ".join(source_label(source).split())) for source in sources)
    return "\n".join([f"{say('slack.sources', language)}:", *labels])


def source_blocks(sources: Sequence[Source]) -> list[Block]:
    """Return one line of small print for each source: its label, linked, and the words that support."""
    return [_context(_source(source)) for source in sources]


def page_blocks(sources: Sequence[Source], language: str) -> list[Block]:
    """Return the buttons that show the sources' pages; none where there is nothing to show."""
    choices = tuple(filter(None, (choice(source, language) for source in sources)))[:MOST_PAGE_BUTTONS]
    return row_blocks([Choices("", choices)], language, first=FIRST_PAGE_BUTTON) if choices else []


def message_blocks(sources: Sequence[MessageSource]) -> list[Block]:
    """Return the messages of people as small print, several in a line, each linked."""
    rows = [sources[at : at + LINKS_IN_A_LINE] for at in range(0, len(sources), LINKS_IN_A_LINE)]
    return [_context("  ".join(mrkdwn_link(source.label, source.permalink) for source in row)) for row in rows]


def message_lines(sources: Sequence[MessageSource]) -> str:
    """Return them as plain lines."""
    return "\n".join(safe(" ".join(source.label.split())) for source in sources)


def _source(source: Source) -> str:
    quote = " ".join(source.quote.split())
    quote = quote if len(quote) <= LONGEST_QUOTE else quote[:LONGEST_QUOTE].rsplit(" ", 1)[0] + "…"
    head = mrkdwn_link(source_label(source), source.passage.permalink)
    return f"{head}  \N{LEFT DOUBLE QUOTATION MARK}{quoted(quote)}\N{RIGHT DOUBLE QUOTATION MARK}" if quote else head


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def feedback_block(request_id: str, language: str) -> Block:
    """Return the two thumbs."""

    def button(word: str, value: str) -> Block:
        said = say(f"slack.{word}", language)
        return {"text": _plain(said), "accessibility_label": said, "value": f"{value}:{request_id}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": button("good", "good"),
        "negative_button": button("bad", "bad"),
    }
    return {"type": "context_actions", "elements": [buttons]}


def row_blocks(rows: Sequence[Choices], language: str, first: int = 0) -> list[Block]:
    """Return each row's text and its buttons; one button stands beside the text, more stand below."""
    blocks: list[Block] = []
    number = first
    for row in rows:
        buttons = [_button(choice, number + n, language) for n, choice in enumerate(row.choices)]
        number += len(buttons)
        blocks += _row(row.markdown, buttons)
    return blocks


def _row(markdown: str, buttons: list[Block]) -> list[Block]:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn(markdown)[:LONGEST_SECTION]}}
    if not markdown.strip():
        return [{"type": "actions", "elements": buttons}] if buttons else []
    if len(buttons) == 1:
        return [section | {"accessory": buttons[0]}]
    return [section, {"type": "actions", "elements": buttons}] if buttons else [section]


def _button(choice: Choice, number: int, language: str) -> Block:
    button: Block = {
        "type": "button",
        "text": _plain(choice.label),
        "action_id": f"do:{choice.action}:{number}",
        "value": json.dumps(
            {"action": choice.action, "document": choice.document, "confirmed": choice.confirmed}
            | ({"text": choice.text} if choice.text else {})
        ),
    }
    if choice.danger:
        button["style"] = "danger"
    if choice.confirm:
        button["confirm"] = {
            "title": _plain(say("slack.sure", language)),
            "text": _plain(choice.confirm, 300),
            "confirm": _plain(say("slack.yes", language)),
            "deny": _plain(say("slack.no", language)),
        }
    return button


def _plain(text: str, longest: int = LONGEST_BUTTON) -> Block:
    text = safe(text)
    return {"type": "plain_text", "text": text if len(text) <= longest else text[: longest - 1] + "…"}


def markdown_block(markdown: str) -> list[Block]:
    """Return the answer's text as a block; none if there is no text."""
    return [{"type": "markdown", "text": markdown[:LONGEST_MARKDOWN]}] if markdown.strip() else []


def section_blocks(markdown: str) -> list[Block]:
    """Return the text as sections, for surfaces that take no markdown block; its end is cut where that is too long."""
    text = mrkdwn(markdown).strip()[: LONGEST_SECTION * MOST_SECTIONS]
    parts = [text[at : at + LONGEST_SECTION] for at in range(0, len(text), LONGEST_SECTION)]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}} for part in parts]


def plain_text(markdown: str, *parts: str, longest: int = LONGEST_TEXT) -> str:
    """Return the whole message as `text`; too long, the end of the answer goes, not what stands below it."""
    below = "".join(f"\n\n{mrkdwn(part)}" for part in parts if part)
    room = max(0, longest - len(below))
    text = mrkdwn(markdown).strip()
    return (text if len(text) <= room else text[: max(0, room - 1)] + "…") + below
