"""The list of attacks names tests that there are, each row at least one."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LIST = (TESTS.parent / "deploy" / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+/test_\w+\.py(?:::\w+)?)`", LIST)))
ROWS = [line for line in LIST.splitlines() if line.startswith("| ") and not line.startswith(("| tried", "| ---"))]


@pytest.mark.parametrize("named", NAMED)
def test_each_test_that_is_named_exists(named: str) -> None:
    file, _, name = named.partition("::")
    written = (TESTS / file).read_text("utf-8")
    assert not name or re.search(rf"^(?:async )?def {name}\(", written, re.MULTILINE), named


def test_each_attack_has_a_test() -> None:
    assert len(ROWS) > 40
    assert [row for row in ROWS if not any(f"`{named}`" in row for named in NAMED)] == []
