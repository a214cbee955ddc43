"""How many threads each part may use: what the machine or the container has, minus what the rest needs."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

TOPOLOGY = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")
OLD_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")  # of the first version of cgroups; -1: none
OLD_PERIOD = OLD_QUOTA.with_name("cpu.cfs_period_us")
UNLIMITED = 1_000_000


def default_threads() -> int:
    """Return the physical cores minus one, at least one.

    llama.cpp's threads spin while they wait for each other: one more than there are free cores makes each step
    many times slower, one fewer costs a little.
    """
    return max(1, min(physical_cores(), _quota()) - 1)


def spare_cores() -> int:
    """Return how many threads or processes may compute beside the event loop, at least one.

    What only counts the machine's cores starts 63 threads in a container of four, each of which waits for its turn.
    """
    return max(1, min(len(_usable()), _quota()) - 1)


def physical_cores() -> int:
    """Count the cores that this process may use, hyperthreads of one core once."""
    return max(1, len({_siblings(cpu) for cpu in _usable()}))


def _usable() -> Collection[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def _siblings(cpu: int) -> str:
    try:
        return (TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text("ascii")
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Return how many cores a container may use."""
    for files in ((QUOTA,), (OLD_QUOTA, OLD_PERIOD)):
        with suppress(OSError, ValueError):
            quota, period = " ".join(file.read_text("ascii") for file in files).split()
            return UNLIMITED if quota in {"max", "-1"} else max(1, int(quota) // int(period))
    return UNLIMITED
