"""Bytes of a text file as text: whatever wrote it, one bad byte must not spoil the rest."""

import codecs
import re
from itertools import chain

from charset_normalizer import from_bytes

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
HIGH = re.compile(rb"[\x80-\xff]")
CUT_SHORT = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
GUESSED_BYTES = 64_000  # enough for a guess
GUESSES = ["cp1252", "mac_roman", "cp850"]  # what old programs in western Europe wrote
LIKELIEST = "cp1252"
SIGNATURES = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")
FEW_CONTROL, MOST_CONTROL = 2, 0.01  # of a text's bytes; more are a program or a picture
HALF_ZERO = 0.3  # of the bytes at even or at odd places: UTF-16 of a language with Latin letters


def decode_text(data: bytes) -> str:
    """Decode by the mark if there is one, as UTF-16 where every other byte is zero, else line by line."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(f"{encoding}-sig" if encoding == "utf-8" else encoding, "replace")
    if encoding := unmarked_utf16(data):
        return data.decode(encoding, "replace").replace("\0", "")
    data = CUT_SHORT.sub(b"", data.replace(b"\0", b""))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(decoded_lines(data))


def unmarked_utf16(data: bytes) -> str:
    """Return which UTF-16 a text without a mark is in; "" for none."""
    beginning = data[:GUESSED_BYTES]
    half = len(beginning) // 2
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    if half and odd > HALF_ZERO * half and even < 0.1 * odd:
        return "utf-16-le"
    return "utf-16-be" if half and even > HALF_ZERO * half and odd < 0.1 * even else ""


def decoded_lines(data: bytes) -> list[str]:
    """Decode each line as UTF-8 where that fits at least in part; the others as the likeliest old encoding."""
    lines = data.splitlines(keepends=True)
    old = [line for line in lines if not mostly_utf8(line)]
    encoding = likeliest(b"".join(old)[:GUESSED_BYTES]) if old else LIKELIEST
    return [decoded_mixed(line) if mostly_utf8(line) else line.decode(encoding, "replace") for line in lines]


def mostly_utf8(line: bytes) -> bool:
    """Tell whether a line has at least as many letters in UTF-8 as bytes that can't be."""
    sequences = SEQUENCE.findall(line)
    return len(sequences) >= len(HIGH.findall(line)) - sum(map(len, sequences))


def decoded_mixed(line: bytes) -> str:
    """Decode UTF-8, and the bytes between that are none as Windows-1252."""
    parts = chain.from_iterable(
        (line[before:start].decode(LIKELIEST, "replace"), line[start:end].decode("utf-8", "replace"))
        for before, start, end in spans(line)
    )
    return "".join(parts)


def spans(line: bytes) -> list[tuple[int, int, int]]:
    """Return for each letter in UTF-8 where what precedes it begins, and where it begins and ends."""
    ends, found = 0, []
    for match in SEQUENCE.finditer(line):
        found.append((ends, match.start(), match.end()))
        ends = match.end()
    return [*found, (ends, len(line), len(line))]


def likeliest(data: bytes) -> str:
    """Return the encoding in which bytes look most like a language."""
    best = from_bytes(data, cp_isolation=GUESSES).best()
    return best.encoding if best else LIKELIEST


def is_plain_text(beginning: bytes) -> bool:
    """Tell a text from programs and pictures by the first bytes."""
    if beginning.startswith(SIGNATURES):
        return False
    if any(beginning.startswith(mark) for mark, _ in MARKS) or unmarked_utf16(beginning):
        return not CONTROL.search(decode_text(beginning).encode("utf-8", "replace")[:GUESSED_BYTES].replace(b"\0", b""))
    return len(CONTROL.findall(beginning)) <= max(FEW_CONTROL, MOST_CONTROL * len(beginning))
