"""The scripts that a newcomer runs first."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import SMALL_MODEL, clean_environ, free_port

ROOT = Path(__file__).parents[2]
SCRIPTS = ("deploy/setup", "deploy/try", "tests/run", ".ci/run")
HAS_SETUP = (ROOT / ".venv" / "folio").exists()  # made by deploy/setup; an environment of one's own is left alone


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/usr/bin/env bash\n")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def setup(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run deploy/setup."""
    return subprocess.run(
        ["deploy/setup", *arguments],
        cwd=ROOT,
        env=clean_environ() | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.skipif(not HAS_SETUP, reason="this environment was not made by deploy/setup")
def test_a_second_set_up_does_nothing() -> None:
    done = setup()
    assert (done.returncode, done.stdout) == (0, "")


def test_a_python_that_is_too_old_is_told(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/setup", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [tmp_path / "deploy" / "setup"],
        env=clean_environ() | {"PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr


def programs(folder: Path, *names: str) -> str:
    """Return a PATH with these programs in front; nvidia-smi lists one GPU, or fails where it is not named."""
    for name in ("nvidia-smi", *names):
        (folder / name).write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200'\n" if name in names else "#!/bin/sh\nexit 9\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("installed", "wished", "flags"),
    [
        ((), "", ""),
        (("nvcc",), "", ""),
        (("nvidia-smi",), "", ""),
        (("nvidia-smi", "nvcc"), "", "-DGGML_CUDA=on"),
        ((), "-DGGML_VULKAN=on", "-DGGML_VULKAN=on"),
    ],
)
def test_llama_cpp_is_compiled_for_what_is_there(
    tmp_path: Path, installed: tuple[str, ...], wished: str, flags: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f"source {ROOT}/deploy/setup; llama_flags"],
        env={"PATH": programs(tmp_path, *installed), "CMAKE_ARGS": wished, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == flags


def test_a_failing_step_shows_the_end_of_its_log(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"source {ROOT}/deploy/setup; step Trying {tmp_path}/log sh -c 'echo because; exit 3'"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0
    assert "because" in done.stderr
    assert "done" not in done.stdout


@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.skipif(not HAS_SETUP, reason="this environment was not made by deploy/setup")
def test_the_first_five_minutes(tmp_path: Path) -> None:
    """From the script to an answer about the bundled handbook with a cited page."""
    done = subprocess.run(
        ["deploy/try", "--check", "--model", SMALL_MODEL, "--port", str(free_port()), "--data", str(tmp_path)],
        cwd=ROOT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "handbook.pdf, p. " in done.stdout
    assert "It works." in done.stdout
