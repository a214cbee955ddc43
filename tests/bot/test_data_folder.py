"""The data folder is private, has room, and belongs to one assistant at a time."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.data_folder import empty, locked, prepare
from bot.errors import StartFailed, what_is_full
from bot.redis_server import RedisServer, open_redis
from tests.bot.conftest import eventually


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    prepare(tmp_path / "new" / "data")
    assert mode(tmp_path / "new" / "data") == 0o700


def test_one_that_others_could_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_folder_with_other_things_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("folder", ["/proc/folio", "/dev/null/folio"])
def test_one_that_can_not_be_made_is_told(folder: str) -> None:
    with pytest.raises(StartFailed, match=f"DATA_DIR {folder} can't be made"):
        prepare(Path(folder))


def test_two_never_work_in_it(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StartFailed, match=rf"in use by process {os.getpid()} \("), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    empty(tmp_path / "incoming")
    (tmp_path / "incoming" / "tmp1").mkdir(parents=True)
    (tmp_path / "incoming" / "tmp1" / "salaries.pdf").write_bytes(b"%PDF-")
    empty(tmp_path / "incoming")
    assert not (tmp_path / "incoming").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_without_room_is_told_at_the_start(small_disk: Path) -> None:
    with pytest.raises(StartFailed, match=r"The disk is full: \d MB are free"):
        prepare(small_disk / "data")


async def test_a_disk_that_fills_while_redis_runs_is_known_for_what_it_is_and_mended_by_making_room(
    small_disk: Path,
) -> None:
    server = RedisServer(small_disk)
    redis = open_redis(await server.start())
    refused: list[Exception] = []
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left") as full, filler.open("wb") as out:
        while True:
            out.write(bytes(65536))
            out.flush()
    assert what_is_full(full.value) == "disk"

    async def is_refused() -> bool:
        try:
            await redis.set("key", "x" * 1000, ex=600)
        except Exception as error:
            refused.append(error)
        return bool(refused)

    await eventually(is_refused, 30)
    assert what_is_full(refused[0]) == "disk"
    filler.unlink()

    async def is_taken() -> bool:
        try:
            return bool(await redis.set("key", "value", ex=600))
        except Exception:
            return False

    await eventually(is_taken, 30)
    await redis.aclose()
    await server.stop()
