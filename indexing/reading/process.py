"""A process that reads one file: pages in as numbers on stdin, out as JSON lines on stdout. Started by pool.py.

It may die at any page of a hostile file; whoever started it names that page and goes on with the next. It gets no
secret: its environment is empty, and what it gives back is bounded, since whoever started it holds the secrets.
"""

import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from indexing.reading.confinement import confine
from indexing.reading.pages import CannotRead
from indexing.reading.readers import open_readable

PAGE_CHARACTERS = 200_000  # of a page; dense print has 6,000
OUTLINE_ENTRIES = 5000
TITLE_CHARACTERS = 300
LABEL_CHARACTERS = 80


def serve(kind: str, path: Path) -> None:
    """Answer each line `first last` with a JSON line for each of these pages; the first answer is about the file."""
    try:
        file = open_readable(kind, path)
        send(bounded_facts(file.about()))
    except CannotRead as refused:
        send({"unreadable": str(refused)})
        return
    except Exception:  # whatever a hostile file makes a library raise: this is the outermost loop of reading
        send({"unreadable": "damaged"})
        return
    for line in sys.stdin:
        first, last = map(int, line.split())
        for number in range(first, last + 1):
            try:
                send(bounded_page(file.page(number)))
            except Exception:  # as above; the other pages stay
                send({"page": number, "text": "", "how": "failed"})


def bounded_facts(about: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says of itself, no longer than honest files are."""
    outline = [
        [level, str(title)[:TITLE_CHARACTERS], page] for level, title, page in about["outline"][:OUTLINE_ENTRIES]
    ]
    labels = [str(label)[:LABEL_CHARACTERS] for label in about.get("labels", ())]
    return about | {"title": about["title"][:TITLE_CHARACTERS], "outline": outline, "labels": labels}


def bounded_page(page: dict[str, Any]) -> dict[str, Any]:
    """Return a page with as much of its text as is kept."""
    if len(page["text"]) <= PAGE_CHARACTERS:
        return page
    return page | {"text": page["text"][:PAGE_CHARACTERS], "notes": [*page.get("notes", ()), "long_page"]}


def send(message: dict[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(kind: str, path: str, address_bytes: str, seconds: str, scratch: str) -> None:
    """Limit this process, then serve."""
    tempfile.tempdir = scratch
    prepare(int(address_bytes), int(seconds), Path(path), Path(scratch))
    serve(kind, Path(path))


def prepare(address_bytes: int, seconds: int, file: Path, scratch: Path | None = None) -> None:
    """Limit this process, and keep its answers apart from what libraries print."""
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    confine(address_bytes, seconds, file, scratch)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(5000)  # deep page trees of honest files; hostile ones raise RecursionError


if __name__ == "__main__":
    main(*sys.argv[1:])
