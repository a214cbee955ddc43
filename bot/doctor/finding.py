"""What a check finds: good, worth knowing, or a problem with the sentence that mends it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line for the person who runs the assistant."""

    level: Literal["good", "note", "problem"]
    about: str
    text: str
    mend: str = ""


Findings = AsyncIterator[Finding]


def good(about: str, text: str) -> Finding:
    """Say what works."""
    return Finding("good", about, text)


def note(about: str, text: str, mend: str = "") -> Finding:
    """Say what is worth knowing and keeps nothing from working."""
    return Finding("note", about, text, mend)


def problem(about: str, text: str, mend: str) -> Finding:
    """Say what doesn't work, and what to do."""
    return Finding("problem", about, text, mend)
