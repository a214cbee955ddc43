"""Slack's manifest of the app with command names of one's own, since Slack lets the last app with a name take it."""

import re
from pathlib import Path

from bot.errors import StartFailed

MANIFEST = Path(__file__).parents[1] / "deploy" / "manifest.yaml"
PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,19}")  # Slack takes commands of 32 characters
ENTRY = re.compile(  # on one line, or on several
    r"    - \{(?: command: /(?P<line>[\w-]+)[^\n]*\}|\n        command: /(?P<block>[\w-]+),\n.*?\n      \})\n", re.S
)
COMMAND = re.compile(r"(command: /)([\w-]+)")


def manifest(prefix: str = "", *, only_folio: bool = False) -> str:
    """Return the manifest, its commands with a prefix (acme-ask), or only the one that takes every verb.

    Raises StartFailed for a prefix that Slack would not take.
    """
    text = MANIFEST.read_text("utf-8")
    if only_folio:
        text = _without_others(text)
    if not prefix:
        return text
    prefix = prefix.strip("/").removesuffix("-") + "-"
    if not PREFIX.fullmatch(prefix):
        raise StartFailed(f"--prefix {prefix}: Slack takes small letters, digits, - and _ only, as in acme-.")
    return COMMAND.sub(lambda match: f"{match[1]}{prefix}{match[2]}", text)


def _without_others(text: str) -> str:
    """Leave out all commands but the one that takes every verb."""
    return ENTRY.sub(lambda match: match[0] if (match["line"] or match["block"]) == "folio" else "", text)
