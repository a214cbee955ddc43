"""Modals, purely: how a channel wants us to behave, and what was wrong with an answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.slack.blocks import Block
from bot.slack.feedback import REASONS
from bot.slack.payload import Body, first, id_in, json_object, part
from handlers.request import ChannelWishes
from handlers.settings import CHOICES, value_of
from handlers.text.messages import say

SETTINGS, REASON = "settings", "reason"  # callback ids

View = dict[str, Any]


def asked_for_settings(body: Body) -> str:
    """Return the channel whose settings somebody wants to change in a modal; "" for any other body."""
    wanted = json_object(first(body.get("actions")).get("value"))
    channel = id_in(body.get("channel") or part(body.get("container")).get("channel_id"))
    return channel if body.get("type") == "block_actions" and wanted.get("action") == "settings_modal" else ""


def settings_modal(channel: str, wishes: ChannelWishes, language: str) -> View:
    """Return the modal with what holds in a channel now."""
    blocks = [_select(name, values, value_of(wishes, name), language) for name, values in CHOICES.items()]
    return _modal(SETTINGS, "settings.modal_title", "settings.modal_submit", blocks, channel, language)


def reason_modal(request_id: str, language: str) -> View:
    """Return the modal that asks what was wrong with an answer."""
    options = [_option(reason, f"slack.reason_{reason}", language) for reason in REASONS]
    block = _input(REASON, "slack.what_was_wrong", {"type": "radio_buttons", "options": options}, language)
    return _modal(REASON, "slack.reason_title", "settings.modal_submit", [block], request_id, language)


def submitted(body: Body, callback: str) -> tuple[str, Mapping[str, str]] | None:
    """Return what a modal of ours was about and what was chosen in it; None for any other body."""
    view = part(body.get("view"))
    if body.get("type") != "view_submission" or view.get("callback_id") != callback:
        return None
    values = part(part(view.get("state")).get("values"))
    chosen = {name: part(part(part(values[name]).get(name)).get("selected_option")).get("value") for name in values}
    return str(view.get("private_metadata") or ""), {name: str(value) for name, value in chosen.items() if value}


def _modal(callback: str, title: str, submit: str, blocks: Sequence[Block], about: str, language: str) -> View:  # noqa: PLR0913, PLR0917
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": about,
        "title": _plain(say(title, language)),
        "submit": _plain(say(submit, language)),
        "close": _plain(say("settings.modal_close", language)),
        "blocks": list(blocks),
    }


def _select(name: str, values: Sequence[str], now: str, language: str) -> Block:
    options = [_option(value, f"settings.{name}_{value}_button", language) for value in values]
    chosen = options[list(values).index(now)]
    element = {"type": "static_select", "options": options, "initial_option": chosen}
    return _input(name, f"settings.{name}", element, language)


def _input(name: str, label: str, element: Block, language: str) -> Block:
    element = element | {"action_id": name}
    return {"type": "input", "block_id": name, "label": _plain(say(label, language)), "element": element}


def _option(value: str, key: str, language: str) -> Block:
    return {"text": _plain(say(key, language)), "value": value}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
