"""Which files of a folder come in, and under which names."""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which files of a folder come in."""

    folder: Path
    include: Sequence[str] = ()  # patterns of paths below the folder; none for all
    exclude: Sequence[str] = ()

    def files(self) -> Iterator[Path]:
        """Yield the files in order; hidden ones and links are left out."""
        return (path for path in sorted(self.folder.rglob("*")) if self.has(path))

    def has(self, path: Path) -> bool:
        """Tell whether a file comes in: hidden ones, links and what Office leaves beside an open file do not."""
        name = self.name_of(path)
        hidden = any(part.startswith((".", "~$")) for part in Path(name).parts)
        if hidden or path.is_symlink() or not path.is_file():
            return False
        return (not self.include or matches(name, self.include)) and not matches(name, self.exclude)

    def name_of(self, path: Path) -> str:
        """Return a file's path below the folder: the name under which people know it."""
        return path.relative_to(self.folder).as_posix()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a path or its last part fits a pattern."""
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(Path(name).name, pattern) for pattern in patterns)
