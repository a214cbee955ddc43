"""Which weights a model folder holds: their hash, computed once and remembered by size and time of the files."""

import hashlib
import json
from pathlib import Path

REMEMBERED = "weights.json"
WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx")


def weights_hash(folder: Path, cache_dir: Path) -> str:
    """Return the sha256 of a folder's weights, together with what cuts texts for them."""
    files = sorted({file for pattern in WEIGHTS for file in folder.glob(pattern)} | set(folder.glob("tokenizer.json")))
    stamp = json.dumps([[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files])
    remembered = _remembered(cache_dir)
    if stamp not in remembered:
        remembered[stamp] = _hash(files)
        cache_dir.mkdir(parents=True, exist_ok=True)
        partial = cache_dir / f"{REMEMBERED}.part"
        partial.write_text(json.dumps(remembered))
        partial.replace(cache_dir / REMEMBERED)
    return remembered[stamp]


def _hash(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _remembered(cache_dir: Path) -> dict[str, str]:
    try:
        return dict(json.loads((cache_dir / REMEMBERED).read_text()))
    except (OSError, ValueError):
        return {}
