"""Files that are dropped: an honest receipt, a clear sentence for a bad one, and then what the message asked for."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from handlers.context.ingest import page_list
from handlers.pieces import UserError
from handlers.request import FileRefused, Request, Services
from tests.handlers.conftest import ScriptedModel, Shown
from tests.handlers.fakes import Folder
from tests.pdfs import make_pdf

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
LEAVE = "Paid leave. Full-time employees get 27 days of paid leave each year."


@pytest.fixture
def handbook(tmp_path: Path, files: Folder) -> str:
    """A PDF of two pages in Slack."""
    files.files["F1"] = make_pdf(tmp_path / "handbook.pdf", [LEAVE, "Travel. A hotel room may cost at most 140 euros."])
    return "F1"


async def test_a_receipt_counts_what_was_read(handbook: str, do: Do, asked: Asked, services: Services) -> None:
    request = asked("upload", files=(handbook,))
    shown = await do(request)
    assert "handbook.pdf" in shown.text
    assert "2 pages, 2 with text" in shown.text
    assert "passages" in shown.text
    (document,) = await services.library.documents(request.audience)
    assert (document.shares[0].ts, document.shares[0].user) == (request.ts, "U1")


async def test_a_bad_file_gets_its_sentence_and_the_others_come_in(
    handbook: str, files: Folder, tmp_path: Path, do: Do, asked: Asked
) -> None:
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + bytes(500))
    files.files["F2"] = tmp_path / "damaged.pdf"
    files.refused["F3"] = FileRefused("too_big", name="film.pdf", megabytes=300, limit_megabytes=200)
    shown = await do(asked("upload", files=("F2", "F3", handbook)))
    damaged, big, good = shown.text.split("\n\n")
    assert "damaged.pdf" in damaged
    assert "damaged or was cut off" in damaged
    assert big.startswith("**film.pdf**: ")
    assert "2 pages" in good


async def test_a_file_shared_twice_is_known(handbook: str, do: Do, asked: Asked) -> None:
    await do(asked("upload", files=(handbook,)))
    assert "knew this file already" in (await do(asked("upload", files=(handbook,)))).text


async def test_a_question_with_the_file_is_answered_after_the_receipt(
    handbook: str, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    model.says("Full-time employees get 27 days of paid leave each year [1].")
    text = "How many days of paid leave do full-time employees get each year?"
    shown = await do(asked("upload", text, files=(handbook,)))
    assert shown.text.index("2 pages") < shown.text.index("27 days")
    assert shown.sources


async def test_summarize_with_the_file_summarises_it(handbook: str, do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("- Full-time employees get 27 days of paid leave each year.")
    shown = await do(asked("upload", "summarize this", files=(handbook,)))
    assert "pages 1-2 of 2" in shown.text


async def test_a_plain_remark_with_the_file_costs_no_model_call(
    handbook: str, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await do(asked("upload", "here is the new handbook", files=(handbook,)))
    assert not model.asked


async def test_a_question_in_the_files_thread_is_answered_from_it(
    handbook: str, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    upload = asked("upload", files=(handbook,))
    await do(upload)
    model.says("A hotel room may cost at most 140 euros [1].")
    shown = await do(asked("chat", "What may a hotel room cost at most?", thread=upload.thread))
    assert shown.sources


async def test_an_upload_without_a_file_says_so(do: Do, asked: Asked) -> None:
    with pytest.raises(UserError, match="no file"):
        await do(asked("upload"))


def test_page_numbers_are_written_as_ranges() -> None:
    assert page_list((3, 5, 6, 7, 9)) == "3, 5–7, 9"
    assert page_list(tuple(range(1, 60, 2))).endswith(", …")
