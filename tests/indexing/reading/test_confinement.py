"""What a reader that was taken over can't do: reach a socket, another process, or the files of anybody else."""

import ctypes
import json
import platform
import socket
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from indexing.reading import confinement
from indexing.reading.confinement import CREATE_RULESET, REFUSED, filter_program
from indexing.reading.kinds import document_kind
from indexing.reading.pool import OpenDocument, ReadingLimits
from tests.indexing.reading.test_process import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means")
BY_FILTER = (  # in a reader that is given a file and a scratch folder
    "socket.socket(socket.AF_UNIX).connect(str(file.parent / 'redis.sock'))", "socket.socket(socket.AF_UNIX)",
    "socket.socket(socket.AF_INET)", "socket.socket(socket.AF_INET6)",
    "subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], check=True, capture_output=True)",
    "call('ptrace', 16, os.getppid(), 0, 0)", "call('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0)",
)  # fmt: skip
BY_LANDLOCK = (
    "other.read_text()", "other.write_text('')", "(file.parent / 'new').write_text('')", "file.write_text('')",
    "list(file.parent.iterdir())", "Path(f'/proc/{os.getppid()}/environ').read_bytes()", "other.unlink()",
    "list(Path.home().iterdir())", "Path('/etc/passwd').read_text()", "other.rename(scratch / 'mine')",
    "Path('pyproject.toml').read_text()",  # beside it stand .env with the tokens and the data
)  # fmt: skip
ALLOWED = (
    "(scratch / 'copy').write_text(file.read_text())", "subprocess.run(['true'], check=True)", "import indexing.chunks",
)  # fmt: skip
TAKEN_OVER = """
import ctypes, json, os, socket, subprocess, sys
from pathlib import Path
from indexing.reading.confinement import confine

def call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0 and ctypes.get_errno() == 1:
        raise PermissionError

file, scratch, other = map(Path, sys.argv[1:4])
confine(2**31, 30, file, scratch)
errors = {}
for code in json.loads(sys.argv[4]):
    try:
        exec(code)
        errors[code] = ""
    except (OSError, subprocess.CalledProcessError) as error:
        errors[code] = type(error).__name__
print(json.dumps(errors))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the file that is read, the reader's scratch, and what belongs to others."""
    made = tmp_path_factory.mktemp("reader")
    (made / "scratch").mkdir()
    (made / "file").write_text("words")
    (made / "other").write_text("a secret")
    return made


@pytest.fixture(scope="module")
def errors(folder: Path) -> dict[str, str]:
    """Return what becomes of each attempt of one reader that was taken over, while a Redis listens beside it."""
    with socket.socket(socket.AF_UNIX) as redis:
        redis.bind(str(folder / "redis.sock"))
        redis.listen()
        arguments = [*(str(folder / name) for name in ("file", "scratch", "other")),
                     json.dumps(BY_FILTER + BY_LANDLOCK + ALLOWED)]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", TAKEN_OVER, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, str] = json.loads(done.stdout)
    return result


@pytest.mark.skipif(platform.machine() not in REFUSED, reason="no filter for this architecture")
@pytest.mark.parametrize("code", BY_FILTER)
def test_no_socket_and_no_other_process_is_in_reach(errors: dict[str, str], code: str) -> None:
    """Redis's socket above all, which every other process of this user may open."""
    assert errors[code] in {"PermissionError", "CalledProcessError"}


@pytest.mark.parametrize("code", BY_LANDLOCK)
def test_the_files_of_others_are_out_of_reach(errors: dict[str, str], folder: Path, code: str) -> None:
    if ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1) < 1:
        pytest.skip("a kernel without landlock")
    assert errors[code] in {"PermissionError", "OSError"}  # the last: a renaming out of sight
    assert (folder / "other").read_text() == "a secret"


@pytest.mark.parametrize("code", ALLOWED)
def test_what_a_reader_needs_is_there(errors: dict[str, str], folder: Path, code: str) -> None:
    assert errors[code] == ""
    assert (folder / "scratch" / "copy").read_text() == "words"


@pytest.mark.parametrize(
    ("root", "readable"),
    [("{prefix}/lib/python3/site-packages", True), ("{prefix}/src/app", False), ("/srv/folio", True)],
)
def test_a_package_reads_its_neighbours_and_a_checkout_does_not(
    monkeypatch: pytest.MonkeyPatch, root: str, readable: bool
) -> None:
    """In a checkout the data and the tokens may be the neighbours; no folder that holds it may be read as a whole."""
    monkeypatch.setattr(confinement, "ROOT", Path(root.format(prefix=Path(sys.prefix).resolve())))
    assert (Path(sys.prefix).resolve() in confinement.python_folders()) == readable


async def test_a_file_within_another_is_read_and_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "The lantern is lit at nine.")
    reading = OpenDocument(path, document_kind(path), ReadingLimits(processes=1))
    await reading.start()
    pages = [page async for page in reading.pages()]
    await reading.stop()
    assert "lantern" in pages[0].text
    assert Path(reading.scratch) not in list(Path(tempfile.gettempdir()).iterdir())  # noqa: ASYNC240


def test_the_filter_refuses_by_its_last_step() -> None:
    program = filter_program(0xC000003E, (41, 42))
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    targets = {at + 1 + jump for at, step in enumerate(steps) for jump in step[2:4] if jump}
    assert targets == {len(steps) - 1}
