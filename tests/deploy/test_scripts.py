"""The scripts that a newcomer runs first."""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import SMALL_MODEL, clean_environ, free_port

ROOT = Path(__file__).parents[2]
SCRIPTS = ("deploy/setup", "deploy/try", "tests/run", "tests/gpu/run", ".ci/run")
VENV = ROOT / ".venv"
HAS_SETUP = (VENV / "folio").exists() and not VENV.is_symlink()  # made by deploy/setup for this very tree


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
    folder.mkdir(exist_ok=True)
    for name in ("nvidia-smi", *names):
        (folder / name).write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200'\n" if name in names else "#!/bin/sh\nexit 9\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def sourced(call: str, folder: Path, *installed: str, **environ: str) -> str:
    """Return what a function of deploy/setup prints, where no CUDA toolkit but the named programs is there."""
    done = subprocess.run(
        ["bash", "-c", f"source {ROOT}/deploy/setup; {call}"],
        env={"PATH": programs(folder, *installed), "HOME": str(folder), "CUDA_PATH": str(folder / "none")} | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


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
    assert sourced("llama_flags", tmp_path, *installed, CMAKE_ARGS=wished) == flags


@pytest.mark.parametrize("wished", ["", "-DGGML_CUDA=ON"])
def test_a_toolkit_that_is_not_on_the_path_is_found(tmp_path: Path, wished: str) -> None:
    (tmp_path / "cuda").mkdir()
    programs(tmp_path / "cuda" / "bin", "nvcc")
    flags = sourced("llama_flags", tmp_path, "nvidia-smi", CMAKE_ARGS=wished, CUDA_PATH=str(tmp_path / "cuda"))
    assert flags == f"{wished or '-DGGML_CUDA=on'} -DCMAKE_CUDA_COMPILER={tmp_path}/cuda/bin/nvcc"


@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("cc"), reason="AMX is of x86_64")
@pytest.mark.parametrize("compiler", ["cc", "gcc", "clang"])
def test_no_amx_is_compiled_even_for_a_processor_that_has_it(tmp_path: Path, compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    flags = sourced("without_amx", tmp_path, CC=compiler).split()
    defines = [compiler, "-march=sapphirerapids", *flags, "-dM", "-E", "-x", "c", "/dev/null"]
    known = subprocess.run(defines, capture_output=True, text=True, check=True).stdout
    assert "__AVX512VNNI__" in known
    assert "__AMX" not in known


def test_a_compiler_that_knows_no_amx_gets_no_such_flag(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("#!/bin/sh\necho unrecognized command-line option >&2\nexit 1\n")
    (tmp_path / "old").chmod(0o755)
    assert sourced("without_amx", tmp_path, CC="old") == ""


def test_what_decides_the_build_decides_the_wheel(tmp_path: Path) -> None:
    """Each of these is compiled anew, instead of taking what was compiled for something else."""
    (tmp_path / "newer").write_text("#!/bin/sh\necho 'newer 99.1'\n")
    (tmp_path / "newer").chmod(0o755)
    keys = [
        sourced("build_key ''", tmp_path),
        sourced("build_key -DGGML_NATIVE=OFF", tmp_path),
        sourced("build_key ''", tmp_path, CC="newer"),
        sourced("build_key ''", tmp_path, CXX="newer"),
        sourced("build_key ''", tmp_path, CFLAGS="-O1"),
        sourced("build_key ''", tmp_path, CUDAARCHS="90"),
        sourced("build_key -DGGML_CUDA=on", tmp_path),
        sourced("build_key -DGGML_CUDA=on", tmp_path, "nvidia-smi"),  # its answer stands for the compute capability
        sourced("build_key -DGGML_CUDA=on", tmp_path, "nvidia-smi", "nvcc"),
    ]
    assert len(set(keys)) == len(keys)
    assert sourced("build_key -DGGML_CUDA=on", tmp_path, "nvidia-smi", "nvcc") == keys[-1]
    assert sourced("build_key ''", tmp_path, "nvidia-smi", "nvcc") == keys[0], "a card that is not used decides nothing"


PIP = """#!/bin/sh
echo "pip $* CMAKE_ARGS=[$CMAKE_ARGS] CFLAGS=[$CFLAGS]" >>"$LOG"
case $1 in
    list) echo "torch==2.13.0+cpu" ;;
    wheel)
        while [ "$1" != --wheel-dir ]; do shift; done
        mkdir -p "$2"
        touch "$2/llama.whl" ;;
esac
"""
PYTHON = f"""#!/bin/sh
case $1 in
    */decode.py)
        echo "decode" >>"$LOG"
        if [ -n "$CRASH" ] && [ ! -e "$LOG.crashed" ]; then touch "$LOG.crashed"; kill -SEGV $$; fi ;;
    *) exec {sys.executable} "$@" ;;
esac
"""


@dataclass
class Clone:
    """A copy of what deploy/setup reads, with a stand-in pip and python that note what they are asked."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("deploy/setup", "deploy/decode.py", "deploy/constraints.txt", "pyproject.toml"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        for name, text in (("pip", PIP), ("python", PYTHON)):
            (self.folder / ".venv" / "bin" / name).write_text(text)
            (self.folder / ".venv" / "bin" / name).chmod(0o755)

    def setup(self, *installed: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it where these programs are installed."""
        tools = programs(self.folder / "tools", *installed)
        home = {"PATH": tools, "HOME": str(self.folder), "CUDA_PATH": "/nowhere", "LOG": str(self.folder / "log")}
        return subprocess.run(
            [self.folder / "deploy" / "setup"],
            env=home | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def take_log(self) -> str:
        """Return what was asked of pip and python since the last time."""
        log = self.folder / "log"
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return text


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh clone."""
    return Clone(tmp_path)


def test_a_gpu_and_a_toolkit_that_come_later_are_used(clone: Clone) -> None:
    first = clone.setup()
    assert first.returncode == 0, first.stderr
    assert "CMAKE_ARGS=[]" in clone.take_log()
    assert clone.setup().returncode == 0
    assert clone.take_log() == "", "nothing changed, nothing is asked"
    second = clone.setup("nvidia-smi", "nvcc")
    assert second.returncode == 0, second.stderr
    log = clone.take_log()
    (compiled,) = [line for line in log.splitlines() if line.startswith("pip wheel")]
    assert "CMAKE_ARGS=[-DGGML_CUDA=on]" in compiled
    assert "--no-cache-dir" in compiled, "pip's cache would hand out the wheel that was compiled for the processor"
    assert "pip uninstall --yes torch" in log
    assert clone.setup().returncode == 0  # the card is gone again, and the first wheel still there
    assert "pip wheel" not in clone.take_log()


def test_a_card_without_a_compiler_is_told(clone: Clone) -> None:
    done = clone.setup("nvidia-smi")
    assert "There is a GPU but no nvcc" in done.stdout
    assert "CMAKE_ARGS=[]" in clone.take_log()


def test_flags_of_ones_own_are_kept(clone: Clone) -> None:
    assert clone.setup(CMAKE_ARGS="-DGGML_VULKAN=on", CFLAGS="-O2").returncode == 0
    (compiled,) = [line for line in clone.take_log().splitlines() if line.startswith("pip wheel")]
    assert "CMAKE_ARGS=[-DGGML_VULKAN=on]" in compiled
    assert "CFLAGS=[-O2" in compiled


def test_a_llama_cpp_that_crashes_is_compiled_without_native_instructions(clone: Clone) -> None:
    done = clone.setup(CRASH="yes")
    assert done.returncode == 0, done.stderr
    assert "compiled without the processor's own instructions" in done.stdout
    log = clone.take_log()
    flags = re.findall(r"pip wheel .*CMAKE_ARGS=\[(.*?)\]", log)
    assert [each.strip() for each in flags] == ["", "-DGGML_NATIVE=OFF"]
    assert log.count("decode") == 2
    (clone.folder / ".venv" / "folio").unlink()
    assert clone.setup(CRASH="yes").returncode == 0
    assert "pip wheel" not in clone.take_log(), "what crashed is remembered"


def test_a_llama_cpp_that_crashes_in_any_case_is_told(clone: Clone) -> None:
    done = clone.setup(CRASH="yes", CMAKE_ARGS="-DGGML_NATIVE=off")
    assert done.returncode == 1
    assert "llama.cpp crashes on this machine" in done.stderr
    assert not (clone.folder / ".venv" / "folio").exists()


def test_a_small_decode_works_on_this_machine() -> None:
    done = subprocess.run([sys.executable, ROOT / "deploy" / "decode.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("script", SCRIPTS[:2])
def test_a_script_needs_no_newer_bash_than_macos_has(script: str) -> None:
    newer = re.compile(r"\b(mapfile|readarray|coproc)\b|declare -[An]|\$\{\w+(,,|\^\^)|\|&|&>>|\$\{\w+@")
    assert not newer.search((ROOT / script).read_text())


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
