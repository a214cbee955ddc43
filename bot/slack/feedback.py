"""Thumbs below an answer: what they say, and the reason that a thumb down is asked for, in one more click."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import Block
from bot.slack.payload import Body, first, part
from handlers.text.messages import say

REASONS = ("wrong", "not_found", "other_document")


@dataclass(frozen=True)
class Feedback:
    """One press of a button."""

    verdict: str  # good, bad, or one of REASONS
    request_id: str


def feedback(body: Body) -> Feedback | None:
    """Return what a thumb or a reason says about which answer; None for anything else."""
    view = part(body.get("view"))
    if body.get("type") == "view_submission" and view.get("callback_id") == "reason":
        chosen = part(part(part(part(view.get("state")).get("values")).get("reason")).get("reason"))
        reason = str(part(chosen.get("selected_option")).get("value"))
        return Feedback(reason, str(view.get("private_metadata") or "")) if reason in REASONS else None
    pressed = first(body.get("actions"))
    kind, _, _ = str(pressed.get("action_id")).partition(":")
    verdict, _, request_id = str(pressed.get("value") or "").partition(":")
    if kind not in {"feedback", "reason"} or verdict not in {"good", "bad", *REASONS}:
        return None
    return Feedback(verdict, request_id)


async def acknowledge_feedback(client: AsyncWebClient, body: Body, given: Feedback, language: str) -> None:
    """Thank whoever pressed, and ask what was wrong after a thumb down; only that person sees it."""
    channel, user = part(body.get("channel")).get("id"), part(body.get("user")).get("id")
    message, container = part(body.get("message")), part(body.get("container"))
    if not (channel and user):
        return
    asks = given.verdict == "bad"
    text = say("slack.what_was_wrong" if asks else "slack.thanks", language)
    await client.chat_postEphemeral(
        channel=str(channel),
        user=str(user),
        thread_ts=message.get("thread_ts") or container.get("thread_ts"),
        text=text,
        blocks=reason_blocks(text, given.request_id, language) if asks else None,
    )


def reason_blocks(text: str, request_id: str, language: str) -> list[Block]:
    """Return the question with a button for each reason."""
    buttons: list[dict[str, Any]] = [
        {
            "type": "button",
            "action_id": f"reason:{reason}",
            "value": f"{reason}:{request_id}",
            "text": {"type": "plain_text", "text": say(f"slack.reason_{reason}", language)},
        }
        for reason in REASONS
    ]
    section = {"type": "section", "text": {"type": "plain_text", "text": text}}
    return [section, {"type": "actions", "elements": buttons}]
