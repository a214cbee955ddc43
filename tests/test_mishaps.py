"""What people do wrong, from Slack to Slack: each gets a clear sentence in its own language, and nothing is harmed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfWriter

from tests.conftest import UPLOAD_BYTES
from tests.pdfs import make_pdf
from tests.people import Person

WEB_PAGE = b"<!doctype html><html><body>Sign in</body></html>"


def picture(path: Path) -> Path:
    """Write something that is no document."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    return path


def holding(content: bytes) -> Callable[[Path], Path]:
    """Return what writes these bytes."""

    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def truncated(path: Path) -> Path:
    """Write the beginning of a real PDF."""
    whole = make_pdf(path, ["Paid leave. Full-time employees get 27 days."] * 3).read_bytes()
    path.write_bytes(whole[:400])
    return path


def encrypted(path: Path) -> Path:
    """Write a PDF that opens with a password only."""
    writer = PdfWriter(clone_from=make_pdf(path, ["Paid leave. Full-time employees get 27 days."]))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(path)
    return path


def blank(path: Path) -> Path:
    """Write a PDF without text."""
    return make_pdf(path, ["", ""])


FILES: dict[str, tuple[Callable[[Path], Path], str, str]] = {  # name: what writes it, a word in English, in French
    "empty.pdf": (holding(b""), "is empty", "est vide"),
    "sign-in.pdf": (holding(WEB_PAGE), "a web page", "une page web"),
    "picture.png": (picture, "is damaged", "est endommagé"),
    "damaged.pdf": (holding(b"%PDF-1.7\n" + bytes(500)), "is damaged", "est endommagé"),
    "truncated.pdf": (truncated, "was cut off", "tronqué"),
    "encrypted.pdf": (encrypted, "a password", "un mot de passe"),
    "blank.pdf": (blank, "no text", "aucun texte"),
    "film.pdf": (holding(b"%PDF-1.7\n" + bytes(UPLOAD_BYTES)), "4 MB; I read at most 3 MB", "4 Mo ; j'en lis 3 Mo"),
}


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # slack_sdk's way of sending a file
@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_cannot_be_read_gets_its_sentence(
    alice: Person, carol: Person, bot: str, tmp_path: Path, name: str
) -> None:
    write, *words = FILES[name]
    for person, word in zip((alice, carol), words, strict=True):
        dm = await person.dm(bot)
        ts = await person.shares(dm, write(tmp_path / name))
        said = await person.reads(dm, ts)
        assert name in said
        assert word in said
        listed = await person.says(dm, "docs")
        assert name not in await person.reads(dm, listed)


DIGITS = "1 2 3 4 5 6 7 8 9 0 " * 1900
MESSAGES: list[tuple[str, str, str, str]] = [  # in English, what is answered, in French, what is answered
    ("ask", "Which question?", "ask", "Quelle question"),
    ("ask ???", "Which question?", "question ???", "Quelle question"),
    ("\N{GRINNING FACE}", "I read words", "\N{GRINNING FACE}", "Je lis des mots"),
    (":tada: :tada:", "I read words", ":tada:", "Je lis des mots"),
    ("ask " + "why so? " * 300, "I take at most 2000", "ask " + "pourquoi donc ? " * 300, "j'en accepte 2000 au plus"),
    (f"Add these: {DIGITS}", "too long for me", f"Ajoute ces nombres : {DIGITS}", "trop long pour moi"),
]


@pytest.mark.parametrize("texts", MESSAGES, ids=lambda texts: texts[0][:12])
async def test_a_message_that_cannot_be_answered_gets_its_sentence(
    alice: Person, carol: Person, bot: str, texts: tuple[str, str, str, str]
) -> None:
    for person, text, answer in ((alice, *texts[:2]), (carol, *texts[2:])):
        dm = await person.dm(bot)
        ts = await person.says(dm, text)
        assert answer in await person.reads(dm, ts)


COMMANDS = {  # what is missing: in English, in French
    "/ask": ("Which question?", "Quelle question"),
    "/sentiment": ("something to judge", "quelque chose à juger"),
    "/extract": ("which fields", "quels champs"),
    "/attention": ("a sentence", "une phrase"),
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_without_its_object_tells_that_person_what_is_missing(
    alice: Person, carol: Person, bot: str, command: str
) -> None:
    channel = await alice.channel([carol.id, bot])
    for person, words in zip((alice, carol), COMMANDS[command], strict=True):
        await person.commands(channel, command)
        assert words in await person.sees_alone(channel)
    assert not [message for message in await alice.history(channel) if "subtype" not in message]


@pytest.mark.parametrize("verb", ["ask What is the budget?", "summarize", "docs"])
async def test_without_a_document_it_says_how_to_share_one(guest: Person, bot: str, verb: str) -> None:
    dm = await guest.dm(bot)
    ts = await guest.says(dm, verb)
    assert "Drop a document" in await guest.reads(dm, ts)


@pytest.mark.parametrize("verb", ["summarize handbok.pdf", "docs remove handbok.pdf", "extract total from handbok.pdf"])
async def test_an_unknown_file_name_gets_the_nearest_one(alice: Person, bot: str, handbook: Path, verb: str) -> None:
    dm = await alice.dm(bot)
    shared = await alice.shares(dm, handbook)
    await alice.reads(dm, shared, lambda text: "passages" in text)
    ts = await alice.says(dm, verb)
    answer = await alice.reads(dm, ts)
    assert "no document named `handbok.pdf`" in answer
    assert "`handbook.pdf`" in answer
