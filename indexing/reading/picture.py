"""A page of a PDF as a picture with words marked, drawn by a process of its own; nothing of it is kept."""

import asyncio
import base64
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from indexing.reading.pool import LINE_BYTES, ReadingLimits, UnreadableDocument

DRAW_SECONDS = 60


@dataclass(frozen=True)
class PagePicture:
    """One page, drawn."""

    page: int  # 1-based
    png: bytes
    is_marked: bool  # False: the words were not found on it


async def page_picture(path: Path, pages: tuple[int, int], words: str, limits: ReadingLimits) -> PagePicture:
    """Draw the one of these pages on which the words stand; raise UnreadableDocument."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "indexing.reading.picture_process", str(path), str(limits.address_bytes),
        str(DRAW_SECONDS),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=LINE_BYTES, cwd=Path(__file__).parents[2],
        env={"PATH": os.environ.get("PATH", os.defpath)},  # no secret for whoever takes over the process
        start_new_session=True,
    )  # fmt: skip
    order = json.dumps({"first": pages[0], "last": pages[1], "words": words}) + "\n"
    try:
        async with asyncio.timeout(DRAW_SECONDS):
            assert process.stdin and process.stdout
            process.stdin.write(order.encode())
            line = await process.stdout.readline()
        drawn = json.loads(line)
        return PagePicture(int(drawn["page"]), base64.b64decode(drawn["png"]), bool(drawn["marked"]))
    except TimeoutError:
        raise UnreadableDocument("too_slow", seconds=DRAW_SECONDS) from None
    except (ValueError, KeyError, ConnectionError):  # it died, or said that it failed
        raise UnreadableDocument("damaged") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
