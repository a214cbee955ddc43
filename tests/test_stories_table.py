"""The table of what holds in a real workspace names tests that there are."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = (TESTS / "stories" / "README.md").read_text("utf-8")
SHORT = {"real": "bot/slack/test_real_workspace.py", "ws": "bot/slack/test_workspace.py"}
NAMED = sorted(set(re.findall(r"`((?:real|ws|[\w/]+\.py)(?:::\w+)?)`", TABLE)) - SHORT.keys())
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith(("| #", "| ---", "| sur"))]


@pytest.mark.parametrize("named", NAMED)
def test_each_test_that_is_named_exists(named: str) -> None:
    file, _, name = named.partition("::")
    written = (TESTS / SHORT.get(file, file)).read_text("utf-8")
    assert not name or re.search(rf"^(?:async )?def {name}\(", written, re.MULTILINE), named


def test_each_row_has_a_test_or_says_what_is_left_out() -> None:
    rows = [row for row in ROWS if not row.startswith("| wish")]
    assert len(rows) > 60
    silent = [row for row in rows if "::" not in row and ".py`" not in row and "*left out*" not in row.lower()]
    assert [row for row in silent if "above" not in row] == []
