"""Words with a hyphen of their own, in English and French: at a line's end they keep it."""

import tomllib
from pathlib import Path

LISTS = tomllib.loads((Path(__file__).parent / "compounds.toml").read_text("utf-8"))
PAIRS, TENS, UNITS, VERBS = (frozenset(LISTS[name].split()) for name in ("pairs", "tens", "units", "verbs"))
FIRST = {half: frozenset(others.split()) for half, others in LISTS["first"].items()}
SECOND = {half: frozenset(others.split()) for half, others in LISTS["second"].items()}
ENDINGS = ("ement", "ation", "ité", "eur", "euse", "ique", "isme", "iste", "able", "age", "ness", "ing", "ity")
ANY = "*"


def is_known_compound(first: str, second: str) -> bool:
    """Tell whether two halves, in small letters, make a word with a hyphen."""
    if f"{first}-{second}" in PAIRS or (first in TENS and second in UNITS):
        return True
    if first in FIRST and len(second) > 1:
        return ANY not in FIRST[first] and second not in FIRST[first] and not second.startswith(ENDINGS)
    if second in SECOND:
        return first in VERBS if ANY in SECOND[second] else first not in SECOND[second] and len(first) > 3
    return False
