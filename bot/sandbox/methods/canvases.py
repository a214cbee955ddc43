"""Canvases: documents that people write in Slack, handed over as web pages."""

from html import escape

from bot.sandbox import messages
from bot.sandbox.dispatch import TIER_2, Call, Result, method
from bot.sandbox.errors import ApiError
from bot.sandbox.methods.files import new_file
from bot.sandbox.state import Row

KIND = {
    "filetype": "quip", "mode": "quip", "mimetype": "application/vnd.slack-docs", "pretty_type": "Canvas",
    "_stored_as": "text/html", "_complete": True, "_stored": True,
}  # fmt: skip


@method("canvases.create", per_minute=TIER_2, roles=("person",))
async def create(call: Call) -> Result:
    """Write a canvas and share it in a channel."""
    state, arguments = call.workspace.state, call.arguments
    content = arguments.parsed("document_content", "invalid_arguments") or {}
    if content.get("type") != "markdown" or not isinstance(content.get("markdown"), str):
        raise ApiError("canvas_creation_failed")
    channel = state.channel(arguments.need("channel_id", "channel_not_found"), call.user)
    messages.require_member(channel, call.user)
    title = arguments.text("title", "Untitled")
    page = _page(title, content["markdown"])
    file: Row = new_file(call, title.replace(" ", "_"), len(page.encode())) | KIND | {"title": title}
    (state.folder / file["id"]).write_text(page, "utf-8")
    state.save_file(file)
    text = arguments.text("text")
    messages.post(call.workspace, channel, call.user, text, thread_ts=arguments.text("thread_ts"), _files=[file["id"]])
    return {"canvas_id": file["id"]}


def _page(title: str, markdown: str) -> str:
    """Return the page of a canvas: its headings, list entries and paragraphs as Slack marks them."""
    body = "".join(map(_line, markdown.splitlines()))
    return f"<html><head><title>{escape(title)}</title></head><body>{body}</body></html>"


def _line(line: str) -> str:
    if line.startswith("#"):
        level = len(line) - len(line.lstrip("#"))
        return f"<h{level}>{escape(line.lstrip('# '))}</h{level}>"
    if line.startswith("- "):
        return f"<ul><li>{escape(line[2:])}</li></ul>"
    return f"<p>{escape(line)}</p>" if line.strip() else ""
