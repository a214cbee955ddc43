"""A model's files from the Hugging Face hub, or its mirror at HF_ENDPOINT: huggingface_hub resumes and goes offline."""

import io
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.models.source import DownloadFailed, Report, sha256_of

FOR_TORCH = ("*.json", "*.txt", "*.model", "*.safetensors")  # no pickles
OTHER_RUNTIMES = ("onnx/*", "openvino/*")  # the same weights once more
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubFile:
    """One file of a repository; a revision pins what it holds."""

    repository: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        """Name it for a person."""
        return f"the hub ({self.repository})"

    def fetch(self, target: Path, size: int, report: Report) -> str:
        """Write the file to the target and return its sha256; raise where it is not the one the hub states."""
        folder = target.with_name(f"{target.name}.download")  # what came by half stays here for the next try
        try:
            stated = self._stated()
            downloaded = self._download(folder, reporting(report, size))
        except Exception as error:  # the library raises whatever its HTTP client raises
            raise _failure(error) from None
        digest = sha256_of(downloaded)
        if stated and digest != stated:
            shutil.rmtree(folder)
            raise DownloadFailed("what came has another sha256 than the hub states")
        downloaded.replace(target)
        shutil.rmtree(folder)
        return digest

    def _download(self, folder: Path, progress_bar: Any) -> Path:
        """Return the file; the library takes a connection that breaks off up a few times."""
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            self.repository, self.file, revision=self.revision, local_dir=folder, tqdm_class=progress_bar,
            endpoint=endpoint(),
        )  # fmt: skip
        return Path(path)

    def _stated(self) -> str:
        """Return the sha256 that the hub states for a large file; "" for a small one."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(self.repository, self.file, revision=self.revision, endpoint=endpoint())
        tag = get_hf_file_metadata(url, endpoint=endpoint()).etag or ""
        return tag if SHA256.fullmatch(tag) else ""


def fetch_repository(repository: str, revision: str, folder: Path) -> None:
    """Fetch what sentence-transformers needs of a repository into a folder."""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(
            repository, revision=revision, local_dir=folder, allow_patterns=list(FOR_TORCH),
            ignore_patterns=list(OTHER_RUNTIMES), endpoint=endpoint(),
        )  # fmt: skip
    except Exception as error:  # the library raises whatever its HTTP client raises
        raise _failure(error) from None


def endpoint() -> str | None:
    """Return the mirror that stands for the hub, if one is named."""
    return os.environ.get("HF_ENDPOINT") or None


def reporting(report: Report, size: int) -> Any:
    """Return a progress bar class for the library to fill, which reports instead of drawing."""
    from tqdm import tqdm

    class Reporting(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)  # the library's own
            super().__init__(*arguments, **options | {"disable": False, "file": io.StringIO()})

        def update(self, n: float = 1) -> None:
            super().update(n)
            report(int(self.n), size or int(self.total or 0))

    return Reporting


def _failure(error: Exception) -> DownloadFailed:
    first = str(error).strip().splitlines()
    return DownloadFailed((first[0] if first else type(error).__name__).rstrip("."))
