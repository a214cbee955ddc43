"""However the assistant ends, SIGKILL included, no process of it stays; and two of them never share one folder."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.tcp_ports import holder
from tests.bot.processes import all_end, working_in
from tests.conftest import SMALL_MODEL, START_SECONDS, clean_environ, free_port, wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")


class Started:
    """A command of the assistant as a process of its own, with everything that it writes."""

    def __init__(self, folder: Path, *words: str, **environ: str) -> None:
        self.folder, self.log = folder, folder / f"{words[0]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", *words],
                env=clean_environ() | {"PYTHONPATH": str(Path(__file__).parents[2])} | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_for_redis(self) -> None:
        wait_for(self._has_redis, START_SECONDS)

    def _has_redis(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return any("redis-server" in command for command in working_in(self.folder).values())

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(sign)
        self.process.wait(timeout=180)  # models that load are waited for


@pytest.fixture
def started() -> Iterator[list[Started]]:
    """Whatever a failing test leaves is killed."""
    processes: list[Started] = []
    yield processes
    for each in processes:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        for pid in working_in(each.folder):
            os.kill(pid, signal.SIGKILL)


def slack_at(port: int) -> bool:
    """Tell whether a workspace answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/api.test", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.mark.model
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_trial_takes_its_workspace_and_its_redis_along(
    tmp_path: Path, started: list[Started], sign: signal.Signals
) -> None:
    port = free_port()
    trial = Started(tmp_path, "try", "--port", str(port), "--data", str(tmp_path / "data"), "--model", SMALL_MODEL)
    started.append(trial)
    trial.wait_for_redis()
    assert slack_at(port)
    trial.kill(sign)
    assert all_end(tmp_path), working_in(tmp_path)
    assert not slack_at(port)


@pytest.mark.parametrize("command", ["run", "worker", "gateway"])
def test_what_is_killed_takes_its_redis_along(tmp_path: Path, started: list[Started], command: str) -> None:
    port = free_port()
    slack = Started(tmp_path / "..", "sandbox", "--port", str(port), "--data", str(tmp_path.parent / f"slack-{port}"))
    started.append(slack)
    wait_for(lambda: slack_at(port), START_SECONDS)
    app = Started(
        tmp_path,
        command,
        DATA_DIR=str(tmp_path / "data"),
        SLACK_API_URL=f"http://127.0.0.1:{port}/api/",
        SLACK_BOT_TOKEN="xoxb-sandbox",
        SLACK_APP_TOKEN="xapp-sandbox",
        LLM_MODEL=SMALL_MODEL,
    )
    started.append(app)
    app.wait_for_redis()
    app.kill()
    assert all_end(tmp_path), working_in(tmp_path)


def test_a_workspace_ends_when_whoever_started_it_is_gone(tmp_path: Path, started: list[Started]) -> None:
    """The pipe that it was given is closed by the kernel."""
    port = free_port()
    words = ("sandbox", "--port", str(port), "--data", str(tmp_path / "data"), "--until-closed")
    process = subprocess.Popen([sys.executable, "-m", "bot", *words], env=clean_environ(), stdin=subprocess.PIPE)
    wait_for(lambda: slack_at(port), START_SECONDS)
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def test_a_second_start_on_the_same_data_is_told_who_has_them(tmp_path: Path, started: list[Started]) -> None:
    port = free_port()
    first = Started(tmp_path, "sandbox", "--port", str(port), "--data", str(tmp_path / "data"))
    started.append(first)
    wait_for(lambda: slack_at(port), START_SECONDS)
    second = Started(tmp_path, "sandbox", "--port", str(free_port()), "--data", str(tmp_path / "data"))
    assert second.process.wait(timeout=60) == 1
    assert f"in use by process {first.process.pid} (" in second.log.read_text()
    third = Started(tmp_path, "sandbox", "--port", str(port), "--data", str(tmp_path / "other"))
    assert third.process.wait(timeout=60) == 1
    said = third.log.read_text()
    assert said.startswith(f"Port {port} is in use by process {first.process.pid} (")
    assert "Traceback" not in said
    assert holder(port).startswith(f" by process {first.process.pid} ")
    first.kill()
    again = Started(tmp_path, "sandbox", "--port", str(port), "--data", str(tmp_path / "data"))
    started.append(again)
    wait_for(lambda: slack_at(port), START_SECONDS)  # the kernel let go of the lock
