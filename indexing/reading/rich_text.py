"""RTF as text, cut into pages."""

from pathlib import Path

from striprtf.striprtf import rtf_to_text

from indexing.reading.pages import PageTexts
from indexing.reading.text_files import paginate


def rich_text_file(path: Path) -> PageTexts:
    """Read an .rtf."""
    text = str(rtf_to_text(path.read_bytes().decode("latin-1"), errors="replace"))  # type: ignore[no-untyped-call]
    return PageTexts(list(paginate(text.split("\n\n"), "\n\n")))
