"""Documents that were in a channel before: read quietly when somebody says so, the rest told in one line."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.pieces import Choices, UserError
from handlers.request import FileRefused, Request, Services
from tests.handlers.conftest import HERE, Shown
from tests.handlers.fakes import Folder

Do = Callable[[Request], Awaitable[Shown]]


def lay(files: Folder, folder: Path, *names: str) -> None:
    """Share texts in the channel before the bot came."""
    for name in names:
        (folder / name).write_text(f"The document {name} says that the office opens at 7:30.")
        files.files[name] = folder / name


async def test_all_documents_are_read_with_one_line_about_them(
    do: Do, asked: Callable[..., Request], files: Folder, services: Services, tmp_path: Path
) -> None:
    lay(files, tmp_path, "a.txt", "b.txt", "c.txt")
    files.refused["c.txt"] = FileRefused("gone", name="c.txt")
    shown = await do(asked("read_here"))
    assert "2 of 3 documents" in shown.text
    assert "**c.txt**" in shown.text
    assert {one.name for one in await services.library.documents(HERE)} == {"a.txt", "b.txt"}
    assert len(shown.progress) == 3


async def test_what_an_earlier_try_read_is_not_read_again(
    do: Do, asked: Callable[..., Request], files: Folder, tmp_path: Path, shares: Any
) -> None:
    lay(files, tmp_path, "a.txt", "b.txt")
    await shares("a.txt", "Read already.")
    shown = await do(asked("read_here"))
    assert "1 of 1 documents" in shown.text
    with pytest.raises(UserError, match="know all documents"):
        await do(asked("read_here"))


async def test_many_documents_are_read_in_several_goes(
    do: Do, asked: Callable[..., Request], files: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.read_here.MOST_AT_ONCE", 1)
    lay(files, tmp_path, "a.txt", "b.txt")
    shown = await do(asked("read_here"))
    [more] = [piece for piece in shown.pieces if isinstance(piece, Choices)]
    assert more.choices[0].action == "read_here"
    assert "1 more" in more.markdown


async def test_a_document_keeps_the_message_that_shared_it(
    do: Do, asked: Callable[..., Request], files: Folder, services: Services, tmp_path: Path
) -> None:
    """It is forgotten when that message is deleted."""
    lay(files, tmp_path, "a.txt")
    await do(asked("read_here"))
    [document] = await services.library.documents(HERE)
    assert [(share.channel, share.ts) for share in document.shares] == [("C1", "0.0")]
