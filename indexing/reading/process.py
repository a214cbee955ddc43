"""A process that reads one file: pages in as numbers on stdin, out as JSON lines on stdout. Started by pool.py.

It may die at any page of a hostile file; whoever started it names that page and goes on with the next.
"""

import json
import logging
import os
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexing.reading.pages import BROKEN, CannotRead, PageTexts, ReadableFile
from indexing.reading.pdf import PdfFile
from indexing.reading.text_files import pages_of_text
from indexing.reading.word.document import word_file

READERS: dict[str, Callable[[Path], ReadableFile]] = {
    "pdf": PdfFile,
    "docx": word_file,
    "text": lambda path: PageTexts(pages_of_text(path)),
}


def serve(kind: str, path: Path) -> None:
    """Answer each line `first last` with a JSON line for each of these pages; the first answer is about the file."""
    try:
        file = READERS[kind](path)
        send(file.about())
    except CannotRead as refused:
        send({"unreadable": str(refused)})
        return
    except BROKEN:
        send({"unreadable": "damaged"})
        return
    for line in sys.stdin:
        first, last = map(int, line.split())
        for number in range(first, last + 1):
            try:
                send(file.page(number))
            except BROKEN:
                send({"page": number, "text": "", "how": "failed"})


def send(message: dict[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(kind: str, path: str, address_bytes: str) -> None:
    """Limit this process, then serve; what a library prints must not come between the answers."""
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if sys.platform != "darwin":  # which refuses any limit of address space; there the limits of time and pages remain
        resource.setrlimit(resource.RLIMIT_AS, (int(address_bytes), int(address_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(5000)  # deep page trees of honest files; hostile ones raise RecursionError
    serve(kind, Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
