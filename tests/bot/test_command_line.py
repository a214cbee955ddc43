"""What a person gets wrong on the command line ends with a sentence, never with a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environ

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9/v1"  # no model is loaded and measured: that takes a quarter of a minute


def bot(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env=clean_environ() | {"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder / "data"), "LLM_URL": NOBODY} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


NO_SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": "http://127.0.0.1:9/api/"}


@pytest.mark.parametrize(
    ("words", "environ", "sentence"),
    [
        (("run",), {"REDIS_URL": "localhost:6379"}, "REDIS_URL: begins with redis://"),
        (("doctor",), {"REDIS_URL": "localhost:6379"}, "REDIS_URL: begins with redis://"),
        (("run",), {"DATA_DIR": "/proc/folio"}, "DATA_DIR /proc/folio can't be made"),
        (("doctor",), {"DATA_DIR": "/proc/folio"}, "DATA_DIR /proc/folio can't be made"),
        (("try",), {"DATA_DIR": "/proc/folio"}, "DATA_DIR /proc/folio/try can't be made"),
        (("fetch",), {"MODELS_DIR": "/proc/folio", "LLM_URL": "http://x"}, "MODELS_DIR"),
        (("try", "--port", "99999"), {}, "65535"),
        (("run",), {"BOT_HEALTH_PORT": "99999"}, "BOT_HEALTH_PORT: "),
        (("run",), {"REDIS_PORT": "6379"}, "Did you mean REDIS_URL? Else unset it"),
        (("run",), {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}, "belongs into SLACK_APP_TOKEN"),
        (("run",), {"SLACK_BOT_TOKEN": "xoxp-1"}, "holds a person's token"),
        (("doctor",), {"SLACK_BOT_TOKEN": "xoxp-1"}, "holds a person's token"),
        (("worker",), NO_SLACK, "Slack does not answer"),
        (("backup", "out.tar.gz"), {}, "There is nothing to back up in"),
        (("restore", "no.tar.gz"), {}, "no.tar.gz is not a whole back-up"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, (tuple, dict)) else "",
)
def test_a_mistake_ends_with_a_sentence(
    tmp_path: Path, words: tuple[str, ...], environ: dict[str, str], sentence: str
) -> None:
    done = bot(tmp_path, *words, **environ)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert sentence in " ".join(said.split())
    assert "Traceback" not in said


def test_an_empty_back_up_is_not_written(tmp_path: Path) -> None:
    """As from cron, without the .env that says where the data are."""
    assert bot(tmp_path, "backup", "out.tar.gz").returncode == 1
    (tmp_path / "data" / "redis").mkdir(parents=True)
    done = bot(tmp_path, "backup", "out.tar.gz")
    assert "There is nothing to back up in" in done.stderr
    assert not (tmp_path / "out.tar.gz").exists()


def test_the_settings_of_the_working_directory_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN='xoxp-secret$1'\n")
    done = bot(tmp_path, "doctor")
    assert "SLACK_BOT_TOKEN holds a person's token" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert "SLACK_BOT_TOKEN is empty" in bot(tmp_path.parent, "doctor").stdout


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxp-1\n")
    assert "holds the app's token" in bot(tmp_path, "doctor", SLACK_BOT_TOKEN="xapp-1").stdout


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LLM_MODLE=x\n")
    assert "Did you mean LLM_MODEL?" in bot(tmp_path, "doctor").stderr


def test_it_tells_its_version(tmp_path: Path) -> None:
    assert bot(tmp_path, "--version").stdout.startswith("folio ")


def test_what_is_written_is_for_its_owner_only(tmp_path: Path) -> None:
    bot(tmp_path, "doctor")
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if path.stat().st_mode & 0o077]


def test_a_log_in_a_file_has_no_colours(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from bot import log; import structlog; log.configure(); structlog.get_logger().info('x')",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "x" in done.stderr
    assert "\x1b" not in done.stderr
