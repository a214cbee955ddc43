"""Hosts and TCP ports of this machine: is one free, which process holds it, can others reach it.

A process is named on Linux only.
"""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"  # a state in /proc/net/tcp
LONGEST_COMMAND = 80  # characters
NEXT_PORTS = 20


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether this process could listen on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def next_free(port: int) -> int:
    """Return this port or the next that is free; itself if none of the next is."""
    return next((each for each in range(port, port + NEXT_PORTS) if is_free(each)), port)


def holder(port: int) -> str:
    """Return what listens on a port: ` by process 123 (python -m bot run)`, or "" where that can't be known."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in PROC.glob("[0-9]*") if sockets else ():
        with suppress(OSError):  # another user's process, or one that has just ended
            if any(str(link.readlink()) in sockets for link in (folder / "fd").iterdir()):
                return f" by {describe(int(folder.name))}"
    return ""


def describe(pid: int) -> str:
    """Return a process as a person would look for it: its number, and its command where that can be read."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"process {pid}"
    command = " ".join(word.decode("utf-8", "replace") for word in words if word)
    short = command if len(command) <= LONGEST_COMMAND else command[: LONGEST_COMMAND - 1] + "…"
    return f"process {pid} ({short})"


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
