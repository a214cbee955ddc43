"""How many threads the model may use: what the machine has, minus what the rest needs."""

import os
from pathlib import Path

TOPOLOGY = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def default_threads() -> int:
    """Return the physical cores minus one, at least one.

    llama.cpp's threads spin while they wait for each other: one more than there are free cores makes each step
    many times slower, one fewer costs a little.
    """
    return max(1, min(physical_cores(), _quota()) - 1)


def physical_cores() -> int:
    """Count the cores that this process may use, hyperthreads of one core once."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, len({_siblings(cpu) for cpu in usable}))


def _siblings(cpu: int) -> str:
    try:
        return (TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text("ascii")
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Return how many cores a container may use."""
    try:
        quota, period = QUOTA.read_text("ascii").split()
    except (OSError, ValueError):
        return 1_000_000
    return 1_000_000 if quota == "max" else max(1, int(quota) // int(period))
