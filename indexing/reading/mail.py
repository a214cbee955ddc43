"""Mails (.eml, .msg): who wrote what to whom, and what was attached, each file read as its own kind."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import olefile

from indexing.reading.bundle import Bundle, Open
from indexing.reading.decode import decode_text
from indexing.reading.pages import BROKEN, CannotRead, PageTexts
from indexing.reading.text_files import paginate
from indexing.reading.web import text_of_html

HEADS = ("From", "To", "Cc", "Date", "Subject")
# Properties of a .msg by their numbers: MS-OXPROPS. 001F is text in UTF-16, 001E in an old encoding, 0102 bytes.
OUTLOOK = {"From": ("0C1A", "5D01"), "To": ("0E04",), "Cc": ("0E03",), "Subject": ("0037",)}
BODY, HTML_BODY, TRANSPORT = "1000", "1013", "007D"
FILE_NAMES, FILE_DATA = ("3707", "3704", "3001"), "3701"
SENT = re.compile(r"^Date:\s*(.+)$", re.MULTILINE)


def message_file(path: Path, open_file: Open, depth: int = 0) -> Bundle:
    """Read a mail as it travels: its text, plain rather than HTML, then its attachments."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    bundle = Bundle(open_file, depth, title=header(message, "Subject"))
    heads = "\n".join(f"{name}: {value}" for name in HEADS if (value := header(message, name)))
    bundle.add_text(own_text(heads, body_text(message)), "message")
    bundle.add_files((name, partial(payload, part)) for name, part in attachments(message))
    return bundle


def own_text(heads: str, body: str) -> PageTexts:
    """Return a mail's own text as pages."""
    return PageTexts(list(paginate(f"{heads}\n\n{body}".strip().split("\n\n"), "\n\n")))


def header(message: EmailMessage, name: str) -> str:
    """Return a header on one line; "" for one that can't be read."""
    try:
        return " ".join(str(message.get(name) or "").split())
    except BROKEN:
        return ""


def body_text(message: EmailMessage) -> str:
    """Return what a mail says."""
    try:
        body = message.get_body(preferencelist=("plain", "html"))
        text = decode_body(body) if isinstance(body, EmailMessage) else ""
    except (*BROKEN, LookupError):
        return decode_text(payload(message))
    return text_of_html(text) if body is not None and body.get_content_subtype() == "html" else text


def decode_body(part: EmailMessage) -> str:
    """Return a part's text in the encoding that it names, or else the likeliest."""
    data = payload(part)
    try:
        return data.decode(part.get_content_charset() or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return decode_text(data)


def payload(part: EmailMessage) -> bytes:
    """Return a part's bytes; a mail that was forwarded as a file whole."""
    if part.get_content_maintype() == "message":
        inner = part.get_payload(0) if part.is_multipart() else None
        return bytes(inner) if isinstance(inner, EmailMessage) else b""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def attachments(message: EmailMessage) -> Iterator[tuple[str, EmailMessage]]:
    """Yield what is attached, with names; pictures inside the text are none unless they have one."""
    try:
        parts = list(message.iter_attachments())
    except BROKEN:
        return
    for index, part in enumerate(parts, start=1):
        if not isinstance(part, EmailMessage):
            continue
        name = part.get_filename()
        if part.get_content_maintype() == "message":
            yield name or f"mail-{index}.eml", part
        elif name:
            yield name, part


def outlook_file(path: Path, open_file: Open, depth: int = 0) -> Bundle:
    """Read a mail that Outlook saved."""
    with olefile.OleFileIO(str(path)) as store:
        if store.exists("EncryptedPackage"):  # an Office file with a password
            raise CannotRead("encrypted")
        if not store.exists("__properties_version1.0"):
            raise CannotRead("not_a_pdf")
        heads = {name: first_text(store, numbers) for name, numbers in OUTLOOK.items()}
        if date := SENT.search(first_text(store, (TRANSPORT,))):
            heads["Date"] = date[1].strip()
        body = first_text(store, (BODY,)) or text_of_html(decode_text(stream(store, [], f"{HTML_BODY}0102")))
        files = list(stored_files(store))
    bundle = Bundle(open_file, depth, title=heads["Subject"])
    lines = "\n".join(f"{name}: {heads[name]}" for name in HEADS if heads.get(name))
    bundle.add_text(own_text(lines, body.replace("\r\n", "\n")), "message")
    bundle.add_files((name, partial(bytes, data)) for name, data in files)
    return bundle


def stream(store: olefile.OleFileIO, folder: list[str], number: str) -> bytes:
    """Return a property's bytes; none where the mail has no such property."""
    place = [*folder, f"__substg1.0_{number}"]
    return bytes(store.openstream(place).read()) if store.exists(place) else b""


def first_text(store: olefile.OleFileIO, numbers: tuple[str, ...], folder: list[str] | None = None) -> str:
    """Return the first of some properties that has text."""
    for number in numbers:
        text = stream(store, folder or [], f"{number}001F").decode("utf-16-le", "replace")
        text = text or decode_text(stream(store, folder or [], f"{number}001E"))
        if text.strip("\0 "):
            return text.strip("\0 ")
    return ""


def stored_files(store: olefile.OleFileIO) -> Iterator[tuple[str, bytes]]:
    """Yield what is attached to an Outlook mail."""
    folders = {entry[0] for entry in store.listdir() if entry[0].startswith("__attach_version1.0_")}
    for folder in sorted(folders):
        data = stream(store, [folder], f"{FILE_DATA}0102")
        if data:
            yield first_text(store, FILE_NAMES, [folder]) or folder, data
