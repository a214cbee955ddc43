"""A process that works on a library and is killed in the middle: `python -m tests.chaos.library_worker FOLDER`.

FOLDER/work.json has a list of steps for each person, who waits for nobody else. A step that was begun and not noted as
done is done again by the next process, as the queue does it.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from indexing import ingest as ingest_module
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.gone import TakenBack
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from tests.indexing.conftest import WordEncoder
from tests.indexing.every_state import InlineReading

Step = dict[str, Any]


async def open_library(folder: Path) -> Library:
    """Open the folder's library."""
    embedder = Embedder(WordEncoder)
    await embedder.start()
    return Library(await EdgeIndex.open(folder / "index", 64), embedder, ReadingLimits())


async def do(library: Library, folder: Path, step: Step) -> None:
    """Share a file, or take shares away."""
    if step["what"] == "share":
        try:
            await library.add(folder / f"{step['content']}.txt", Share(**step["share"]))
        except TakenBack:
            return
    elif step["what"] == "forget":
        await library.forget_person(step["user"])
    else:
        await library.unshare(file_id=step["file_id"])


async def work(library: Library, folder: Path, person: str, steps: list[Step]) -> None:
    """Do a person's steps, from the first that is not noted as done."""
    note = folder / f"{person}.done"
    done = len(note.read_text()) if note.exists() else 0  # a byte for each step
    for step in steps[done:]:
        print(".", flush=True)
        await do(library, folder, step)
        with note.open("a") as file:
            file.write(".")
            file.flush()
            os.fsync(file.fileno())


async def main(folder: Path) -> None:
    """Do everything that is left to be done; files are read in this process."""
    ingest_module.OpenDocument = InlineReading  # type: ignore[misc, assignment]
    library = await open_library(folder)
    lists: dict[str, list[Step]] = json.loads((folder / "work.json").read_text())
    await asyncio.gather(*(work(library, folder, person, steps) for person, steps in lists.items()))
    await library.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
