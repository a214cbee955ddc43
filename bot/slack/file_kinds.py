"""What a file is, from what Slack tells of it, without its bytes: a document, or nothing that can be read."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

DOCUMENTS = frozenset({  # read unasked
    "pdf", "docx", "docm", "md", "markdown", "txt", "text", "rst", "pptx", "xlsx", "xlsm", "odt", "ods", "odp", "rtf",
    "epub", "eml", "email", "msg",
})  # fmt: skip
HOSTED = frozenset({"", "hosted", "file_access"})  # modes of what people upload; snippets, canvases, links are others
MEDIA = ("video/", "audio/")
UNREADABLE = frozenset({
    "gif", "webp", "bmp", "svg", "mp4", "mov", "webm", "avi", "mkv",
    "m4v", "mp3", "m4a", "wav", "ogg", "flac", "aac", "gzip", "tar", "rar", "7z", "sketch", "psd", "figma",
})  # fmt: skip

File = Mapping[str, Any]


def documents_among(files: object) -> list[File]:
    """Return the files of a message that are documents, which are read without being asked for."""
    listed = files if isinstance(files, list) else []
    return [file for file in listed if isinstance(file, Mapping) and is_document(file)]


def is_document(file: File) -> bool:
    """Tell whether a file is a document; a stub without a name (Slack Connect) may be one."""
    if str(file.get("mode") or "") not in HOSTED or file.get("is_external"):
        return False
    kinds = {str(file.get("filetype") or "").lower(), extension(file)} - {""}
    return not kinds or not DOCUMENTS.isdisjoint(kinds)


def is_unreadable(file: File) -> bool:
    """Tell whether a file is surely nothing to read: a clip, a sound, a drawing."""
    return (
        str(file.get("mimetype") or "").startswith(MEDIA)
        or str(file.get("filetype") or "").lower() in UNREADABLE
        or extension(file) in UNREADABLE
    )


def is_canvas(file: File) -> bool:
    """Tell whether a file is a canvas, as huddle notes are."""
    return "quip" in {file.get("filetype"), file.get("mode")} or file.get("mode") == "canvas"


def extension(file: File) -> str:
    """Return the extension of a file's name, without its dot."""
    return PurePath(str(file.get("name") or "")).suffix.lstrip(".").lower()
