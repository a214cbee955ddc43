"""A process is killed with -9 between and within shares, deletions and forgettings: afterwards stands what should.

Longer: `LIBRARY_KILLS=50 python -m pytest tests/chaos/test_library_kills.py`.
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from indexing.audience import Audience
from indexing.document import Share
from indexing.library import Library, content_id
from tests.chaos.library_worker import Step, open_library
from tests.indexing.every_state import PAGES

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("LIBRARY_KILLS", "4"))
STEPS, CONTENTS = 12 * KILLS, 3
CHANNELS = ("C1", "C2")
SEED = 20261128


def made_up(person: str, chance: random.Random) -> list[Step]:
    """Return what a person does: mostly shares, each with a name of its own, now and then a deletion or /forget-me."""
    steps: list[Step] = []
    for number in range(STEPS):
        file_id = f"F{person}{number}"
        what = chance.choices(["share", "delete", "forget"], [6, 3, 1])[0]
        share = {"channel": chance.choice(CHANNELS), "file_id": file_id, "user": person, "ts": f"{number}.0",
                 "permalink": "", "name": f"{number}.txt"}  # fmt: skip
        if what == "share":
            steps.append({"what": what, "content": chance.randrange(CONTENTS), "share": share})
        elif what == "delete":
            steps.append({"what": what, "file_id": f"F{person}{chance.randrange(number + 1)}"})
        else:
            steps.append({"what": what, "user": person})
    return steps


def expected(lists: dict[str, list[Step]]) -> dict[Share, int]:
    """Return the shares that stand in the end, each with its content."""
    standing: dict[Share, int] = {}
    for step in (step for steps in lists.values() for step in steps):
        if step["what"] == "share":
            standing[Share(**step["share"])] = step["content"]
        else:
            standing = {
                share: content for share, content in standing.items()
                if step.get("file_id") != share.file_id and step.get("user") != share.user
            }  # fmt: skip
    return standing


async def killed(folder: Path, after_steps: int) -> bool:
    """Start a process and kill it some steps later, at any moment of one; return whether it came to its end before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.library_worker", str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    for _ in range(after_steps):
        if not await process.stdout.readline():
            return await process.wait() == 0
    await asyncio.sleep(random.random() * 0.02)
    process.kill()
    await process.communicate()
    return False


async def test_killed_anywhere_exactly_the_right_shares_stand(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for content in range(CONTENTS):
        pages = [f"Rule {content} of page {page}: lanterns are lit." for page in range(1, PAGES + 1)]
        (tmp_path / f"{content}.txt").write_text("\f".join(pages))
    lists = {person: made_up(person, chance) for person in ("U1", "U2")}
    (tmp_path / "work.json").write_text(json.dumps(lists))
    for _ in range(KILLS):
        assert not await killed(tmp_path, chance.randrange(2, 20))
    assert await killed(tmp_path, 10**9)
    library = await open_library(tmp_path)
    await library.sweep(0)
    await stands(library, tmp_path, expected(lists))
    await library.aclose()


async def stands(library: Library, folder: Path, shares: dict[Share, int]) -> None:
    """Assert that these shares stand and no others, that documents are whole, and that no word is left over."""
    assert set(await library.shares()) == set(shares)
    ids = {content: content_id(folder / f"{content}.txt") for content in set(shares.values())}
    everywhere = Audience(frozenset(CHANNELS))
    for content, document_id in ids.items():
        assert len(await library.pages(document_id, readable_by=everywhere)) == PAGES
        passages = await library.search(["lanterns rule"], readable_by=everywhere, limit=20, document_id=document_id)
        assert {passage.page for passage in passages} == set(range(1, PAGES + 1)), content
    left: list[Any] = [
        payload for kind in ("chunk", "page") for payload in await library._index.find({"kind": kind})
        if payload["document_id"] not in ids.values()
    ]  # fmt: skip
    assert left == []
