"""Block Kit, checked as Slack checks it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.errors import ApiError, invalid

MOST_BLOCKS, MOST_IN_VIEW = 50, 100
LONGEST_MARKDOWN = 12_000  # all markdown blocks of a message together
LONGEST_VIEW_BYTES = 250_000

Block = dict[str, Any]
Problems = Iterator[str]


def check_blocks(blocks: object, *, most: int = MOST_BLOCKS) -> list[Block]:
    """Return the blocks with a block_id each; raise Refused with what is wrong."""
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    if len(blocks) > most:
        raise invalid("invalid_blocks", f"no more than {most} items allowed [json-pointer:/blocks]")
    problems = [f"{problem} [json-pointer:/blocks/{n}]" for n, block in enumerate(blocks) for problem in _block(block)]
    if problems:
        raise invalid("invalid_blocks", *problems)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > LONGEST_MARKDOWN:
        raise ApiError("msg_too_long")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) != len(ids):
        raise invalid("invalid_blocks", "`block_id` must be unique")
    return [{"block_id": f"b{n:03d}"} | block for n, block in enumerate(blocks)]


def check_view(view: object, *, kind: tuple[str, ...]) -> Block:
    """Return a view; raise Refused with what is wrong."""
    if not isinstance(view, dict) or view.get("type") not in kind:
        raise invalid("invalid_arguments", f"`type` must be one of {', '.join(kind)}")
    if len(json.dumps(view).encode()) > LONGEST_VIEW_BYTES:
        raise ApiError("view_too_large")
    view = view | {"blocks": check_blocks(view.get("blocks"), most=MOST_IN_VIEW)}
    problems = list(_view(view))
    if problems:
        raise invalid("invalid_arguments", *problems)
    return view


def _view(view: Block) -> Problems:
    if view["type"] == "modal":
        yield from _text(view.get("title"), "title", 24, kinds=("plain_text",))
        for name in ("submit", "close"):
            if name in view:
                yield from _text(view[name], name, 24, kinds=("plain_text",))
    yield from _length(view.get("private_metadata", ""), "private_metadata", 3000)
    yield from _length(view.get("callback_id", ""), "callback_id", 255)


def _block(block: object) -> Problems:
    if not isinstance(block, dict):
        yield "must be an object"
        return
    check = BLOCKS.get(str(block.get("type")))
    if check is None:
        yield f"unsupported type: {block.get('type')}"
        return
    yield from _length(block.get("block_id", ""), "block_id", 255)
    yield from check(block)


def _section(block: Block) -> Problems:
    if "text" not in block and not block.get("fields"):
        yield "missing required field: text"
    if "text" in block:
        yield from _text(block["text"], "text", 3000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield "no more than 10 items allowed: fields"
    for field in fields:
        yield from _text(field, "fields", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _markdown(block: Block) -> Problems:
    if not isinstance(block.get("text"), str) or not block["text"]:
        yield "missing required field: text"


def _header(block: Block) -> Problems:
    yield from _text(block.get("text"), "text", 150, kinds=("plain_text",))


def _context(block: Block) -> Problems:
    yield from _count(block.get("elements"), 10)
    for element in _listed(block):
        if element.get("type") == "image":
            yield from _image(element)
        else:
            yield from _text(element, "elements", 3000)


def _actions(block: Block) -> Problems:
    yield from _count(block.get("elements"), 25)
    seen: set[str] = set()
    for element in _listed(block):
        yield from _element(element)
        action = str(element.get("action_id", ""))
        if action and action in seen:
            yield f"`action_id` must be unique: {action}"
        seen.add(action)


def _context_actions(block: Block) -> Problems:
    yield from _count(block.get("elements"), 5)
    for element in _listed(block):
        if element.get("type") == "feedback_buttons":
            yield from _feedback(element)
        elif element.get("type") == "icon_button":
            yield from _text(element.get("text"), "text", 75, kinds=("plain_text",))
        else:
            yield f"unsupported element: {element.get('type')}"


def _feedback(element: Block) -> Problems:
    yield from _length(element.get("action_id", ""), "action_id", 255)
    for name in ("positive_button", "negative_button"):
        button = element.get(name)
        if not isinstance(button, dict):
            yield f"missing required field: {name}"
            continue
        yield from _text(button.get("text"), "text", 75, kinds=("plain_text",))
        yield from _length(button.get("value"), "value", 2000)
        yield from _length(button.get("accessibility_label", ""), "accessibility_label", 75)


def _image(block: Block) -> Problems:
    if not block.get("image_url") and not isinstance(block.get("slack_file"), dict):
        yield "missing required field: image_url or slack_file"
    yield from _length(block.get("image_url", ""), "image_url", 3000)
    if not block.get("alt_text"):
        yield "missing required field: alt_text"
    yield from _length(block.get("alt_text", ""), "alt_text", 2000)


def _input(block: Block) -> Problems:
    yield from _text(block.get("label"), "label", 2000, kinds=("plain_text",))
    if not isinstance(block.get("element"), dict):
        yield "missing required field: element"
        return
    yield from _element(block["element"])
    if block["element"].get("type") in {"static_select", "radio_buttons"}:
        yield from _options(block["element"])


def _options(element: Block) -> Problems:
    options = element.get("options")
    yield from _count(options, 10 if element["type"] == "radio_buttons" else 100)
    for option in options if isinstance(options, list) else []:
        yield from _text(option.get("text"), "options.text", 75)
        yield from _length(option.get("value"), "options.value", 150)
    if "initial_option" in element and element["initial_option"] not in (options or []):
        yield "`initial_option` must be one of the options"


def _anything(block: Block) -> Problems:
    yield from ()


def _element(element: object) -> Problems:
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        yield "an element must be an object with a type"
        return
    yield from _length(element.get("action_id", ""), "action_id", 255)
    if element["type"] == "image":
        yield from _image(element)
    if element["type"] == "button":
        yield from _button(element)


def _button(element: Block) -> Problems:
    yield from _text(element.get("text"), "text", 75, kinds=("plain_text",))
    yield from _length(element.get("value", ""), "value", 2000)
    yield from _length(element.get("url", ""), "url", 3000)
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield "`style` must be primary or danger"
    if (confirm := element.get("confirm")) is not None:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _text(confirm.get(name), f"confirm.{name}", most)


def _listed(block: Block) -> list[Block]:
    elements = block.get("elements")
    return [element for element in elements if isinstance(element, dict)] if isinstance(elements, list) else []


def _count(elements: object, most: int) -> Problems:
    if not isinstance(elements, list) or not elements:
        yield "no fewer than 1 items allowed: elements"
    elif len(elements) > most:
        yield f"no more than {most} items allowed: elements"


def _text(text: object, name: str, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Problems:
    if not isinstance(text, dict) or text.get("type") not in kinds or not isinstance(text.get("text"), str):
        yield f"missing or wrong text object: {name}"
        return
    if not text["text"]:
        yield f"must be more than 0 characters: {name}"
    yield from _length(text["text"], name, most)


def _length(value: object, name: str, most: int) -> Problems:
    if not isinstance(value, str):
        yield f"must be text: {name}"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters: {name}"


BLOCKS: dict[str, Callable[[Block], Problems]] = {
    "section": _section,
    "markdown": _markdown,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "image": _image,
    "input": _input,
    "divider": _anything,
    "rich_text": _anything,
    "table": _anything,
    "file": _anything,
    "video": _anything,
    "plan": _anything,
    "task_card": _anything,
}
