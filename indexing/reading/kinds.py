"""Which kind of document a file is: by its bytes, and by its name only where they do not tell."""

import re
import zipfile
from pathlib import Path

from indexing.reading.decode import decode_text, is_plain_text
from indexing.reading.pool import UnreadableDocument

BEGINNING_BYTES = 4096
HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype html|html|head|body)\b",
                  re.IGNORECASE | re.DOTALL)  # fmt: skip
MAIL = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*)+")
MAIL_HEADS = ("from:", "to:", "subject:", "date:", "received:", "message-id:", "mime-version:")
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
HEIF = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Outlook's mails, and what Office wrote before 2007
OLD_OFFICE = {".doc", ".xls", ".ppt", ".dot", ".xlt", ".pps"}
HTML_SUFFIXES = {".html", ".htm", ".xhtml", ".mht"}
TABLES = {".csv", ".tsv"}
# What a zipped file is by the one member that tells.
MEMBERS = (("word/document.xml", "docx"), ("ppt/presentation.xml", "pptx"), ("xl/workbook.xml", "xlsx"))
MIMETYPES = {
    b"application/vnd.oasis.opendocument.text": "odt", b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp", b"application/epub+zip": "epub",
}  # fmt: skip
OFFICE = {".docx": "docx", ".pptx": "pptx", ".xlsx": "xlsx"}  # also where the archive itself is damaged


def document_kind(path: Path) -> str:
    """Return the kind of a file; raise UnreadableDocument for what nothing reads."""
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
    if not beginning.strip(b"\0 \r\n\t"):
        raise UnreadableDocument("empty")
    if b"%PDF-" in beginning[:1024]:
        return "pdf"
    suffix = path.suffix.lower()
    if beginning.startswith(b"PK\x03\x04"):
        return zipped_kind(path)
    if beginning.startswith(OLE):
        if suffix in OLD_OFFICE:
            raise UnreadableDocument("old_office")
        return "msg"
    if beginning.startswith(PICTURES) or (beginning[4:8] == b"ftyp" and beginning[8:12] in HEIF):
        return "picture"
    return kind_of_text(beginning, suffix)


def zipped_kind(path: Path) -> str:
    """Return what a zipped file is: an office document, a book, or an archive of files."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.open("mimetype").read(100).strip() if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError, KeyError):
        return OFFICE.get(path.suffix.lower(), "zip")
    if mimetype in MIMETYPES:
        return MIMETYPES[mimetype]
    return next((kind for name, kind in MEMBERS if name in names), OFFICE.get(path.suffix.lower(), "zip"))


def kind_of_text(beginning: bytes, suffix: str) -> str:
    """Return which kind of text a file is."""
    if beginning.startswith(b"{\\rtf"):
        return "rtf"
    if HTML.match(beginning):
        if suffix not in HTML_SUFFIXES:
            raise UnreadableDocument("html")
        return "html"
    if not is_plain_text(beginning):
        raise UnreadableDocument("not_a_pdf")
    if suffix == ".eml" or is_mail(decode_text(beginning)):
        return "eml"
    if suffix in HTML_SUFFIXES:
        return "html"
    return "csv" if suffix in TABLES else "text"


def is_mail(text: str) -> bool:
    """Tell whether a text begins as a mail does: with headers, several of those that every mail has."""
    heads = MAIL.match(text)
    names = {line.split(":", 1)[0].casefold() + ":" for line in heads[0].split("\n") if ":" in line} if heads else set()
    return len(names & set(MAIL_HEADS)) >= 3 and "from:" in names
