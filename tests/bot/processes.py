"""The processes of this machine that work in a folder: what a test that kills one looks for afterwards."""

import time
from contextlib import suppress
from pathlib import Path


def working_in(folder: Path) -> dict[int, str]:
    """Return the commands of the processes that name the folder, by their numbers; zombies have none."""
    commands: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            cwd = "" if str(folder) in command else str((process / "cwd").readlink())
            if str(folder) in command or (cwd.startswith(str(folder)) and command):
                commands[int(process.name)] = command
    return commands


def all_end(folder: Path, seconds: float = 15) -> bool:
    """Tell whether every process that works in the folder ends within this time."""
    end = time.monotonic() + seconds
    while working_in(folder):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
