"""Whether a text asks something, told by its form; so light that the gateway can use it."""

import re

ASKING = re.compile(
    r"\?\s*$|^\W*(?:who|what|which|when|where|why|how|whose|is|are|does|do|did|can|may|must|should|qui|que|quoi|quels?|"
    r"quelles?|quand|où|pourquoi|comment|combien|est-ce|peut-on|dois-je|faut-il|qu['’])\b",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Tell whether a text has the form of a question."""
    return ASKING.search(text) is not None
