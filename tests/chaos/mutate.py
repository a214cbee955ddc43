"""Thousands of mutated files of each kind through the readers, fast: `python -m tests.chaos.mutate 1000 [KIND ...]`.

A process reads one file after the other, confined as in the assistant; the one who started it sees when it dies or
hangs, and goes on with the next file. `tests/chaos/test_hostile_kinds.py` does the same with fewer files through the
whole way.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

LONGEST_SECONDS = 60  # for one file
PAGES = 3  # of a file that are read


def read_one(path: Path) -> str:
    """Read a file as the assistant's process does; return how it ended."""
    from indexing.reading.kinds import document_kind
    from indexing.reading.pages import CannotRead
    from indexing.reading.pool import UnreadableDocument
    from indexing.reading.process import bounded_facts, bounded_page
    from indexing.reading.readers import open_readable

    try:
        file = open_readable(document_kind(path), path)
        about = bounded_facts(file.about())
        json.dumps(about)
        for number in range(1, min(about["pages"], PAGES) + 1):
            json.dumps(bounded_page(file.page(number)))
    except (CannotRead, UnreadableDocument) as refused:
        return str(refused)
    except Exception as error:  # the process says "damaged" of it
        return f"damaged ({type(error).__name__})"
    return "read"


def serve() -> None:
    """Read the files whose paths come on stdin, one a line; answer each with how it ended."""
    from indexing.reading.process import confine

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    confine(2 * 2**30, 4 * 3600)
    for line in sys.stdin:
        out.write(read_one(Path(line.strip())) + "\n")
        out.flush()


class Reader:
    """The process that reads; another one after each that died or hung."""

    def __init__(self) -> None:
        self.process = self._started()

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.mutate", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def outcome(self, path: Path) -> str:
        """Return how reading a file ended: also with a crash or a hang."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        is_heard = select.select([self.process.stdout], [], [], LONGEST_SECONDS)[0]
        if is_heard and (line := self.process.stdout.readline()):
            return line.strip()
        if not is_heard:
            self.process.kill()
        end = signal.Signals(-code).name if (code := self.process.wait()) < 0 else f"exit {code}"
        self.process = self._started()
        return f"CRASH {end}" if is_heard else "HANG"


def run(kind: str, count: int, folder: Path) -> Counter[str]:
    """Mutate a file of one kind so many times; print and return how they ended."""
    from tests.chaos.test_hostile_kinds import MAKERS, mutated

    whole = MAKERS[kind](folder / kind, folder).read_bytes()
    reader, ends, slowest, began = Reader(), Counter[str](), 0.0, time.monotonic()
    for number in range(count):
        path = folder / f"{number}{Path(kind).suffix}"
        path.write_bytes(mutated(whole, random.Random(f"{kind}-{number}")))
        started = time.monotonic()
        end = reader.outcome(path)
        ends[end] += 1
        slowest = max(slowest, time.monotonic() - started)
        if end.startswith(("CRASH", "HANG")):
            print(f"  {end}: {kind} number {number}", flush=True)
        path.unlink()
    reader.process.kill()
    seconds = time.monotonic() - began
    print(f"{kind}: {count} in {seconds:.0f} s, slowest {slowest:.1f} s: {dict(ends.most_common())}", flush=True)
    return ends


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        from tests.chaos.test_hostile_kinds import MAKERS

        with tempfile.TemporaryDirectory() as name:
            for one in sys.argv[2:] or MAKERS:
                run(one, int(sys.argv[1]), Path(name))
