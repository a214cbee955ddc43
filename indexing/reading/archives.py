"""ZIP archives and electronic books: what is inside, in order, each file as its own kind."""

import posixpath
import zipfile
from functools import partial
from pathlib import Path

from indexing.reading.archive import check_unpacked, member, parsed
from indexing.reading.bundle import Bundle, Open
from indexing.reading.decode import decode_text
from indexing.reading.pages import CannotRead, PageTexts
from indexing.reading.text_files import paginate
from indexing.reading.web import text_of_html

CONTAINER = "META-INF/container.xml"
FURNITURE = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
ENCRYPTED = 1  # a member's flag


def zip_file(path: Path, open_file: Open, depth: int = 0) -> Bundle:
    """Read each file of a ZIP archive; those with a password are named."""
    check_unpacked(path)
    bundle = Bundle(open_file, depth)
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if not one.is_dir() and not is_furniture(one.filename)]
        if members and all(one.flag_bits & ENCRYPTED for one in members):
            raise CannotRead("encrypted")
        bundle.add_files((one.filename, partial(content_of, archive, one)) for one in members)
    return bundle


def content_of(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes; none where it has a password."""
    return b"" if one.flag_bits & ENCRYPTED else member(archive, one.filename)


def is_furniture(name: str) -> bool:
    """Tell whether a member is what systems put into every archive."""
    return name.startswith(FURNITURE) or posixpath.basename(name) in FURNITURE


def book_file(path: Path) -> PageTexts:
    """Read an .epub: its chapters in reading order."""
    check_unpacked(path)
    with zipfile.ZipFile(path) as archive:
        package = next(parsed(member(archive, CONTAINER)).iter("{*}rootfile")).get("full-path")
        root = parsed(member(archive, package))
        title = next((str(one.text or "") for one in root.iter("{*}title")), "")
        texts = [text_of_html(decode_text(member(archive, name))) for name in chapters(root, package)
                 if name in archive.namelist()]  # fmt: skip
    pages = [page for text in texts for page in paginate(text.split("\n\n"), "\n\n") if page.strip()]
    return PageTexts(pages, title=title)


def chapters(root: object, package: str) -> list[str]:
    """Return the names of a book's chapters in reading order."""
    files = {item.get("id"): item.get("href") for item in root.iter("{*}item")}  # type: ignore[attr-defined]
    spine = [files.get(item.get("idref")) for item in root.iter("{*}itemref")]  # type: ignore[attr-defined]
    folder = posixpath.dirname(package)
    return [posixpath.normpath(posixpath.join(folder, str(name))) for name in spine if name]
