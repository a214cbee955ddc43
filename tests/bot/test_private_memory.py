"""Whoever runs as the same user, a reader of hostile files that was taken over say, reads no token out of memory."""

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import __main__ as command_line
from bot.engine import main as engine_main
from bot.engine.server import Address
from bot.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means")
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4


class Reached(Exception):
    """The process would begin its work here."""


def is_private() -> bool:
    return ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0


@pytest.fixture(autouse=True)
def open_again() -> Iterator[None]:
    yield
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def serve_engine() -> None:
    engine_main.main(Settings(), Address(None, "127.0.0.1", 0), parent=0, crashed=False)


@pytest.mark.parametrize("start", [command_line.run, command_line.gateway, command_line.worker, serve_engine])
def test_what_holds_tokens_is_private_before_it_works(
    monkeypatch: pytest.MonkeyPatch, start: Callable[[], None]
) -> None:
    private: list[bool] = []

    def work(*_arguments: object) -> None:
        private.append(is_private())
        raise Reached

    monkeypatch.setattr("asyncio.run", lambda coroutine: (coroutine.close(), work()))
    monkeypatch.setattr("bot.log.configure", work)
    with pytest.raises(Reached):
        start()
    assert private == [True]


def test_children_are_started_as_before(tmp_path: Path) -> None:
    """Python lists its own open files before it starts a program; that must not need the right that is gone."""
    code = (
        "import subprocess, sys, os; from bot.private_memory import keep_memory_private; "
        "os.setuid(65534) if os.getuid() == 0 else None; keep_memory_private(); "
        "print(len(os.listdir('/proc/self/fd')), subprocess.run(['true']).returncode)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split()[1:] == ["0"], done.stderr
