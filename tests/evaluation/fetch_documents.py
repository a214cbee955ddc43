"""Get the PDFs that the development questions are about: `python -m tests.evaluation.fetch_documents DIR`.

They come from Debian's packages, which are downloaded with apt-get and only unpacked, never installed.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENTS = {
    "en/developers-reference.en.pdf": ("developers-reference", "developers-reference.pdf"),
    "en/R-data.pdf": ("r-doc-pdf", "R-data.pdf"),
    "en/fhs-3.0.pdf": ("debian-policy", "fhs-3.0.pdf"),
    "fr/debian-edu-manual.fr.pdf": ("debian-edu-doc-fr", "debian-edu-bookworm-manual.pdf"),
    "fr/droit-fr.pdf": ("texlive-lang-french", "droit-fr.pdf"),
    "fr/lilypond-essay.fr.pdf": ("lilypond-doc-pdf-fr", "essay.fr.pdf"),
}


def fetch(into: Path) -> None:
    """Write the PDFs under the names that the questions use; those that are there stay."""
    for package in sorted({package for package, _ in DOCUMENTS.values()}):
        wanted = {name: file for name, (of, file) in DOCUMENTS.items() if of == package and not (into / name).exists()}
        if wanted:
            with tempfile.TemporaryDirectory() as scratch:
                unpack(package, Path(scratch))
                for name, file in wanted.items():
                    copy(find(Path(scratch), file), into / name)


def unpack(package: str, folder: Path) -> None:
    """Download a package and unpack it into the folder."""
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
    (deb,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", str(deb), str(folder / "files")], check=True)


def find(folder: Path, name: str) -> Path:
    """Return the file of this name, perhaps compressed."""
    found = [path for path in sorted(folder.rglob(f"{name}*")) if path.is_file() and not path.is_symlink()]
    return next(path for path in found if path.name in {name, f"{name}.gz"})


def copy(source: Path, target: Path) -> None:
    """Copy a file, uncompressed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    data = source.read_bytes()
    target.write_bytes(gzip.decompress(data) if source.suffix == ".gz" else data)
    print(target)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
