"""What a reader of hostile files may do: bounded in time and memory, no network and no socket, few folders to read.

Each part goes as far as the kernel lets it, and is silent where it does not: the limits are on every system, Landlock
(landlock(7), Linux 5.13) and the filter of system calls (seccomp(2)) on Linux.
"""

import ctypes
import os
import platform
import resource
import shutil
import signal
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SPARE_TASKS = 64  # processes and threads beyond those that run already: for tesseract
WRITTEN_BYTES = 16 * 2**20  # the largest file that is written
ROOT = Path(__file__).parents[2]  # where our code is, and in a checkout .env and the data folder, too

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38  # linux/prctl.h
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h

# linux/landlock.h: rights by the version that brought them, files, then network, then what leaves the process group.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
TCP_RIGHTS, TCP_SINCE = 0x3, 4
SCOPES, SCOPES_SINCE = 0x3, 6  # abstract sockets and signals
READ = EXECUTE | READ_FILE | READ_DIR
SCRATCH = 0x7FFF & ~EXECUTE
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | 0x4000  # what a rule about a file may hold; the last: truncate
SYSTEM = (
    *(f"{above}/{name}" for above in ("/usr", "/usr/local") for name in ("bin", "lib", "lib64", "libexec", "share")),
    "/lib", "/lib64", "/bin", "/nix/store", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime",
    "/etc/mime.types", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/dev/urandom", "/dev/zero",
)  # fmt: skip

# linux/seccomp.h, linux/bpf_common.h and the tables of system calls.
SECCOMP_MODE_FILTER, ALLOW, REFUSE = 2, 0x7FFF0000, 0x00050001  # the last with EPERM
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
X32 = 0x40000000  # the second numbering of x86_64
# socket, connect, ptrace, process_vm_readv and _writev, pidfd_getfd, io_uring_setup (it opens sockets, too), bpf,
# perf_event_open, userfaultfd, add_key, request_key, keyctl
REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 101, 310, 311, 438, 425, 321, 298, 323, 248, 249, 250)),
    "aarch64": (0xC00000B7, (198, 203, 117, 270, 271, 438, 425, 280, 241, 282, 217, 218, 219)),
}


def confine(address_bytes: int, seconds: int, file: Path | None = None, scratch: Path | None = None) -> None:
    """Bound what this process may use: it reads this file and what programs need, and writes in `scratch` only."""
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: seconds, resource.RLIMIT_FSIZE: WRITTEN_BYTES}
    if sys.platform != "darwin":  # which refuses any limit of address space; there the limits of time and pages remain
        limits[resource.RLIMIT_AS] = address_bytes
    if sys.platform == "linux":
        running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
        limits[resource.RLIMIT_NPROC] = running + SPARE_TASKS
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.unshare(CLONE_NEWNET):  # only root may
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)  # where the kernel lets everybody; else there is the network
        see_only(libc, file, scratch)
        refuse_calls(libc)
    for limit, value in limits.items():
        _soft, hard = resource.getrlimit(limit)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))


def see_only(libc: ctypes.CDLL, file: Path | None, scratch: Path | None) -> None:
    """Leave this process the files that it needs (landlock); nothing where the kernel has no such thing."""
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return
    handled = FILE_RIGHTS[max(since for since in FILE_RIGHTS if since <= version)]
    network, scopes = TCP_RIGHTS * (version >= TCP_SINCE), SCOPES * (version >= SCOPES_SINCE)
    wanted = struct.pack("QQQ", handled, network, scopes)
    size = 24 if version >= SCOPES_SINCE else 16 if version >= TCP_SINCE else 8
    ruleset = libc.syscall(CREATE_RULESET, wanted, ctypes.c_size_t(size), 0)
    for path, rights in visible(file, scratch):
        allow(libc, ruleset, path, rights & handled)
    libc.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def visible(file: Path | None, scratch: Path | None) -> Iterator[tuple[Path, int]]:
    """Return what may be seen and how: the system, Python, our own packages but not what lies beside them."""
    yield from ((Path(name), READ) for name in SYSTEM)
    yield from ((path, READ) for path in python_folders())
    yield ROOT, READ_DIR
    yield ROOT / "indexing", READ
    yield Path("/dev/null"), READ_FILE | WRITE_FILE
    if program := shutil.which("tesseract"):
        yield Path(program).resolve(), READ
        yield from ((Path(program).resolve().parents[1] / name, READ) for name in ("bin", "lib", "share"))
    if file:
        yield file, READ_FILE
    if scratch:
        yield scratch, SCRATCH


def python_folders() -> Iterable[Path]:
    """Return where Python and its packages are; no folder that holds a checkout of ours, and its data and `.env`."""
    named = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path}
    folders = {Path(name).resolve() for name in named if name and Path(name).exists()}
    return sorted(folder for folder in folders if is_installed() or not ROOT.is_relative_to(folder))


def is_installed() -> bool:
    """Tell whether we are one of Python's packages, beside which nobody keeps data."""
    return ROOT.name in {"site-packages", "dist-packages"}


def allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    """Add a rule for a file, or for a folder with all in it; nothing for what is not there."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = rights if path.is_dir() else rights & OF_A_FILE
    libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    os.close(descriptor)


def refuse_calls(libc: ctypes.CDLL) -> None:
    """Refuse system calls by which a reader could reach another process: sockets above all, Redis's among them."""
    if platform.machine() not in REFUSED:
        return
    program = filter_program(*REFUSED[platform.machine()])
    code = ctypes.create_string_buffer(program)
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0)


def filter_program(architecture: int, numbers: Sequence[int]) -> bytes:
    """Return the filter: these calls are refused, and all of another architecture."""
    checks = [(AT_LEAST, X32), *((EQUAL, number) for number in numbers)]
    steps = [(LOAD, 0, 0, ARCHITECTURE_AT), (EQUAL, 0, len(checks) + 2, architecture), (LOAD, 0, 0, NUMBER_AT)]
    steps += [(code, len(checks) - at, 0, value) for at, (code, value) in enumerate(checks)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
