"""PDFs for the tests: small real ones with sentences of our own, and damaged ones made of real ones."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from fpdf import FPDF

EXAMPLES = sorted((Path(__file__).parent.parent / "deploy" / "examples").glob("*.pdf"))
NUMBER = re.compile(rb"\b\d+\b")
WORD = re.compile(rb"/(?:FlateDecode|Length|Kids|Parent|Type|Font)\b|endobj|endstream|xref")
REFERENCE = re.compile(rb"\d+ 0 R")
ODD_NUMBERS = (b"0", b"-1", b"4294967296", b"99999999999999999999", b"1e9", b"null")


def make_pdf(path: Path, pages: Sequence[str]) -> Path:
    """Write one page for each text."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(0, 8, text.encode("latin-1", "replace").decode("latin-1"))
    pdf.output(str(path))
    return path


def readers() -> list[psutil.Process]:
    """Return the processes of ours that read files and have not ended."""
    children = psutil.Process().children()
    return [child for child in children if child.status() != "zombie" and "indexing.reading.process" in child.cmdline()]


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return a file's bytes with one to five accidents."""
    for _ in range(dice.randint(1, 5)):
        data = dice.choice(ACCIDENTS)(data, dice) or data
    return data


def flip(data: bytes, dice: random.Random) -> bytes:
    """Change single bytes."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 10, 100, 1000))):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut_off(data: bytes, dice: random.Random) -> bytes:
    """Lose the end, as a broken download does."""
    return data[: dice.randrange(len(data))]


def lose(data: bytes, dice: random.Random) -> bytes:
    """Lose a stretch inside."""
    start = dice.randrange(len(data))
    return data[:start] + data[start + dice.choice((1, 100, 5000)) :]


def double(data: bytes, dice: random.Random) -> bytes:
    """Repeat a stretch."""
    start = dice.randrange(len(data))
    return data[:start] + data[start : start + dice.choice((10, 1000, 20_000))] + data[start:]


def odd_number(data: bytes, dice: random.Random) -> bytes:
    """Give lengths, counts, offsets or object numbers a value that can't be."""
    return replace_one(data, NUMBER, dice.choice(ODD_NUMBERS), dice)


def wrong_reference(data: bytes, dice: random.Random) -> bytes:
    """Let one object point to another, to itself perhaps."""
    return replace_one(data, REFERENCE, dice.choice(REFERENCE.findall(data) or [b"1 0 R"]), dice)


def wrong_word(data: bytes, dice: random.Random) -> bytes:
    """Swap a word of the format for another, or for brackets without an end."""
    return replace_one(data, WORD, dice.choice((*WORD.findall(data), b"<<<<", b"[" * 2000)), dice)


def replace_one(data: bytes, pattern: re.Pattern[bytes], by: bytes, dice: random.Random) -> bytes:
    """Replace one of the places that match."""
    places = list(pattern.finditer(data))
    if not places:
        return data
    place = dice.choice(places)
    return data[: place.start()] + by + data[place.end() :]


ACCIDENTS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, cut_off, lose, double, odd_number, wrong_reference, odd_number, wrong_reference, wrong_word,
)  # fmt: skip
