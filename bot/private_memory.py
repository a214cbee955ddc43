"""Keeps what a process holds in memory, tokens above all, from the other processes of its user."""

import ctypes
import sys

PR_SET_DUMPABLE = 4  # prctl(2)


def keep_memory_private() -> None:
    """Let no process of this user but root's read our memory and environment, and the kernel write no core of it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
