"""The real thing for the tests: the workspace on localhost and the assistant in it, each a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.models.memory import free_bytes
from tests.pdfs import make_pdf
from tests.people import Person

ROOT = Path(__file__).parent.parent
SMALL_MODEL = "preset:smollm2-135m"
UPLOAD_BYTES = 3 * 2**20  # the largest file, small enough to go beyond
START_SECONDS = 120  # torch and two models on two busy cores
IN_MEMORY = Path("/dev/shm")
LEAST_FREE_BYTES = 4 * 2**30  # there and of the memory: a run takes less than 1 GB


def pytest_configure() -> None:
    """Let the tests' folders be in memory where there is room: a new index waits for the disk some fifty times."""
    if IN_MEMORY.is_dir() and min(shutil.disk_usage(IN_MEMORY).free, free_bytes()) >= LEAST_FREE_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


HANDBOOK = [
    "Staff handbook of the Lantern Company. Working hours. The office opens at 7:30 and closes at 19:00.",
    "Paid leave. Full-time employees get 27 days of paid leave each year. Part-time employees get 14 days of it.",
    "Travel. A hotel room may cost at most 140 euros for each night. Receipts go to the accounting office.",
]
MANUEL = [
    "Manuel du personnel de la société Lanterne. Le bureau ouvre à 8 h 15 et ferme à 18 h 45.",
    "Congés payés. Les salariés à temps plein ont 27 jours de congés payés par an.",
    "Déplacements. Une chambre d'hôtel peut coûter au plus 140 euros par nuit.",
]


@dataclass
class Workspace:
    """A Slack workspace with the assistant in it, as a team would run them."""

    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """Return what SLACK_API_URL must be."""
        return f"http://127.0.0.1:{self.port}/api/"

    def start_slack(self) -> None:
        """Start the workspace."""
        self._start("slack", "sandbox", "--port", str(self.port), "--data", str(self.folder / "workspace"))
        wait_for(lambda: _answers(self.api_url + "api.test"), START_SECONDS)

    def start_bot(self) -> None:
        """Start the assistant and wait until it is ready."""
        health = free_port()
        self._start("bot", "run", BOT_HEALTH_PORT=str(health))
        wait_for(lambda: self.alive("bot") and _answers(f"http://127.0.0.1:{health}/readyz"), START_SECONDS)

    def stop_bot(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End the assistant: kindly, or with SIGKILL."""
        process = self.processes.pop("bot")
        process.send_signal(sign)
        process.wait(timeout=30)

    def alive(self, name: str) -> bool:
        """Tell whether the process runs; fail with its output if it ended by itself."""
        if self.processes[name].poll() is not None:
            raise AssertionError(f"{name} ended:\n" + (self.folder / f"{name}.log").read_text()[-3000:])
        return True

    def stop(self) -> None:
        """End everything."""
        for process in reversed(list(self.processes.values())):
            process.terminate()
        for process in self.processes.values():
            process.wait(timeout=30)

    def _start(self, name: str, *arguments: str, **environ: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "bot", *arguments],
                cwd=ROOT,
                env=clean_environ() | self.environ | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def environ(self) -> dict[str, str]:
        """Return what `python -m bot run` needs."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": "xoxb-sandbox",
            "SLACK_APP_TOKEN": "xapp-sandbox",
            "DATA_DIR": str(self.folder / "data"),
            "LLM_MODEL": SMALL_MODEL,
            "LLM_CONTEXT_TOKENS": "8192",
            "BOT_REQUESTS_PER_MINUTE": "1000",
            "BOT_UPLOAD_BYTES": str(UPLOAD_BYTES),
            "BOT_LOG": "json",
        }


def clean_environ() -> dict[str, str]:
    """Return the environment without proxies (slack_sdk ignores NO_PROXY) and without settings of a real workspace."""
    prefixes = ("SLACK_", "LLM_", "REDIS_", "QDRANT_", "BOT_", "EMBEDDINGS_", "DATA_DIR")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(prefixes) and not name.lower().endswith("_proxy")
    }


def free_port() -> int:
    """Return a port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(predicate: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace for all stories; each makes channels of its own."""
    running = Workspace(tmp_path_factory.mktemp("workspace"), free_port())
    running.start_slack()
    running.start_bot()
    yield running
    running.stop()


# The people of the stories, and where they talk.


@pytest.fixture
async def alice(workspace: Workspace) -> Person:
    """Alice, of the team."""
    return await Person.named("alice", workspace.api_url)


@pytest.fixture
async def bob(workspace: Workspace) -> Person:
    """Bob, of the team."""
    return await Person.named("bob", workspace.api_url)


@pytest.fixture
async def carol(workspace: Workspace) -> Person:
    """Carol, of the team, whose Slack is in French."""
    return await Person.named("carol", workspace.api_url)


@pytest.fixture
async def guest(workspace: Workspace) -> Person:
    """A guest, who sees one channel and no document."""
    return await Person.named("guest", workspace.api_url)


@pytest.fixture
async def bot(workspace: Workspace) -> str:
    """The bot's user id."""
    return (await Person.named_by_token("xoxb-sandbox", workspace.api_url)).id


@pytest.fixture
async def channel(alice: Person, bob: Person, bot: str) -> AsyncIterator[str]:
    """A public channel of this story only, with alice, bob and the bot; what was shared in it goes with it."""
    channel = await alice.channel([bob.id, bot])
    yield channel
    await alice.client.conversations_archive(channel=channel)


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """Three pages in English."""
    return make_pdf(tmp_path / "handbook.pdf", HANDBOOK)


@pytest.fixture
def manuel(tmp_path: Path) -> Path:
    """Three pages in French."""
    return make_pdf(tmp_path / "manuel.pdf", MANUEL)


@pytest.fixture(scope="session")
def embedding_model() -> Any:
    """The sentence-transformers model that the bot uses, fetched like the bot does."""
    from bot.models.fetch import fetch_embeddings
    from bot.settings import Settings
    from indexing.embedder import TorchEncoder

    settings = Settings()
    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    return TorchEncoder(folder, "cpu", 16, 1)
