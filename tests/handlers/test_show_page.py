"""A source's page as a picture: only for who may still read the document, and only of the file that was read."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.pieces import Picture, Source, UserError
from handlers.request import Request
from handlers.show_page import choice, wish_of
from indexing.audience import Audience
from indexing.document import IMPORTED, Passage, Share
from indexing.library import Library
from tests.handlers.conftest import Shown
from tests.handlers.fakes import Folder
from tests.pdfs import make_pdf

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
LEAVE = "Full-time employees get 27 days of paid leave each year."


@pytest.fixture
async def handbook(library: Library, files: Folder, tmp_path: Path) -> str:
    """A document of two pages in C1, that Slack still has."""
    path = make_pdf(tmp_path / "handbook.pdf", ["The office opens at 7:30.", LEAVE])
    files.files["F1"] = path
    share = Share(channel="C1", file_id="F1", user="U1", ts="1.0", permalink="https://x/F1", name="handbook.pdf")
    return (await library.add(path, share)).document.id


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "p. 2, with the words marked"), ("fr", "p. 2, le passage est surligné")]
)
async def test_the_page_is_shown_with_its_words_marked(
    asked: Asked, do: Do, handbook: str, language: str, sentence: str
) -> None:
    shown = await do(asked("show_page", f"1 2 {LEAVE}", document=handbook, language=language))
    assert sentence in shown.text
    [picture] = [piece for piece in shown.pieces if isinstance(piece, Picture)]
    assert (picture.name, picture.png[:4]) == ("handbook-2.png", b"\x89PNG")
    assert [source.passage.document_id for source in shown.sources] == [handbook]  # it is taken back with it


@pytest.mark.parametrize(("language", "sentence"), [("en", "may not read it"), ("fr", "ne pouvez plus le lire")])
async def test_who_may_not_read_the_document_sees_nothing(
    asked: Asked, do: Do, handbook: str, language: str, sentence: str
) -> None:
    elsewhere = Audience(frozenset({"C2"}))
    with pytest.raises(UserError, match=sentence):
        await do(asked("show_page", f"2 2 {LEAVE}", document=handbook, audience=elsewhere, language=language))


async def test_a_document_that_went_while_it_was_drawn_is_not_shown(
    asked: Asked, do: Do, handbook: str, library: Library, files: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = files.fetch

    async def fetch_and_go(file_id: str, into: Path) -> object:
        file = await fetch(file_id, into)
        await library.unshare(file_id=file_id)
        return file

    monkeypatch.setattr(files, "fetch", fetch_and_go)
    with pytest.raises(UserError, match="may not read it"):
        await do(asked("show_page", f"2 2 {LEAVE}", document=handbook))


async def test_a_file_that_has_changed_is_not_shown_as_what_was_read(
    asked: Asked, do: Do, handbook: str, files: Folder, tmp_path: Path
) -> None:
    files.files["F1"] = make_pdf(tmp_path / "newer.pdf", ["Something else.", "28 days."])
    with pytest.raises(UserError, match="has changed"):
        await do(asked("show_page", f"2 2 {LEAVE}", document=handbook))


async def test_nothing_of_the_file_or_the_picture_is_kept(asked: Asked, do: Do, handbook: str, tmp_path: Path) -> None:
    await do(asked("show_page", f"2 2 {LEAVE}", document=handbook))
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_a_document_from_a_folder_says_so(asked: Asked, do: Do, library: Library, tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "rules.pdf", [LEAVE])
    share = Share(channel="C1", file_id=f"{IMPORTED}rules", user="", ts="1.0", permalink="", name="rules.pdf")
    document = (await library.add(path, share)).document.id
    with pytest.raises(UserError, match="from a folder"):
        await do(asked("show_page", f"1 1 {LEAVE}", document=document))


@pytest.mark.parametrize("text", ["", "2", "0 0 x", "1 99 x", "a b c", "-1 1 x"])
def test_an_odd_button_shows_nothing(text: str) -> None:
    assert wish_of(text) is None


def test_a_button_stands_at_pdf_pages_with_words_alone() -> None:
    def source(name: str, quote: str) -> Source:
        passage = Passage(
            id="c", document_id="d", document=name, text="", page=2, last_page=9, heading="", permalink="", score=1.0,
            relevance=1.0,
        )  # fmt: skip
        return Source(1, passage, quote)

    button = choice(source("handbook.pdf", LEAVE), "en")
    assert button
    assert (button.action, button.document, button.text) == ("show_page", "d", f"2 4 {LEAVE}")
    assert choice(source("handbook.docx", LEAVE), "en") is None
    attached = source("handbook.pdf", LEAVE)
    assert choice(replace(attached, passage=replace(attached.passage, label="rates.pdf, p. 1")), "en") is None
    assert choice(replace(attached, passage=replace(attached.passage, label="p. 1 (scan)")), "en") is not None
    assert choice(source("handbook.pdf", ""), "en") is None
