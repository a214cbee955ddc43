"""Files that are dropped: an honest receipt, a clear sentence for a bad one, and then what the message asked for."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handlers import HANDLERS
from handlers.context.ingest import left_out, page_list
from handlers.pieces import UserError
from handlers.ports import NoQuota
from handlers.request import FileRefused, Request, Services
from indexing.audience import Audience
from indexing.document import Share
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


async def test_where_a_channel_wants_no_receipts_only_trouble_is_told(
    handbook: str, files: Folder, do: Do, asked: Asked, services: Services
) -> None:
    files.refused["F2"] = FileRefused("gone", name="old.pdf")
    request = asked("upload", files=(handbook, "F2"), unasked=True, silent=True)
    shown = await do(request)
    assert "handbook.pdf" not in shown.text
    assert "old.pdf" in shown.text
    assert len(await services.library.documents(request.audience)) == 1


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
    model.says(*["- Full-time employees get 27 days of paid leave each year."] * 2)  # a section each
    shown = await do(asked("upload", "summarize this", files=(handbook,)))
    assert "Covers (p. 1-2 of 2)" in shown.text


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


async def test_a_file_that_others_share_elsewhere_comes_in_like_a_new_one(
    handbook: str, do: Do, asked: Asked, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guess of a secret document: neither words nor seconds tell that somebody shared it where one can't see."""
    await do(asked("upload", files=(handbook,), channel="C9", audience=Audience(frozenset({"C9"}))))
    monkeypatch.setattr(services.pace, "seconds", lambda passages: 0.2 * passages)
    started = time.monotonic()
    receipt = (await do(asked("upload", files=(handbook,)))).text
    assert "knew" not in receipt
    assert time.monotonic() - started >= 0.4
    assert "0.4 s" in receipt or "0.5 s" in receipt


async def test_a_file_stays_its_owners_whoever_has_it_summarized(
    handbook: str, asked: Asked, do: Do, services: Services, model: ScriptedModel
) -> None:
    """Bob presses *Summarize* on the file of U1; what bob lets go of later is not hers."""
    first = asked("upload", files=(handbook,))
    await do(first)
    model.says(*["A handbook."] * 2)  # a section each
    await do(asked("summarize", user="UBOB", files=(handbook,), message_ts=first.ts, ts="", thread=""))
    [document] = await services.library.documents(first.audience)
    assert {share.user for share in document.shares} == {"U1"}
    await services.library.forget_person("UBOB")
    assert await services.library.documents(first.audience)


@pytest.mark.parametrize(("language", "words"), [("en", "again tomorrow"), ("fr", "de nouveau demain")])
async def test_who_had_files_read_for_long_enough_is_told(
    handbook: str, asked: Asked, services: Services, language: str, words: str
) -> None:
    class Spent(NoQuota):
        async def is_spent(self, user: str) -> bool:
            return True

    request = asked("upload", files=(handbook,), language=language)
    pieces = HANDLERS["upload"](request, replace(services, quota=Spent()))
    assert words in Shown([piece async for piece in pieces]).text
    assert await services.library.documents(request.audience) == []


async def test_the_seconds_of_reading_count_for_the_person_also_when_it_fails(
    handbook: str, files: Folder, tmp_path: Path, asked: Asked, services: Services
) -> None:
    spent: list[tuple[str, float]] = []

    class Counting(NoQuota):
        async def spend(self, user: str, seconds: float) -> None:
            spent.append((user, seconds))

    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + bytes(500))
    files.files["F2"] = tmp_path / "damaged.pdf"
    request = asked("upload", files=("F2", handbook))
    async for _ in HANDLERS["upload"](request, replace(services, quota=Counting())):
        pass
    assert [user for user, _ in spent] == ["U1", "U1"]
    assert all(seconds > 0 for _, seconds in spent)


NOTES = [
    ("struck", ""), ("hidden", ""), ("pictures", "3"), ("pictures_read", "2 3"), ("pictures_unread", "5"),
    ("charts", "1"), ("diagrams", "1"), ("objects", "2"),
    ("attached", "b.pdf"), ("attachments", "a.pdf"), ("xfa", ""), ("invisible", "2 3"), ("watermark", "1"),
    ("hard_to_read", "4"), ("hidden_slides", "3"), ("hidden_sheets", "Old"), ("hidden_cells", "Costs!B:B"),
    ("uncomputed", "12"), ("long_page", "7"),
]  # fmt: skip  # what the readers name


async def test_whatever_was_not_read_is_a_sentence_of_the_receipt(
    handbook: str, services: Services, files: Folder
) -> None:
    share = Share(channel="C1", file_id=handbook, user="U1", ts="1.0", permalink="", name="handbook.pdf")
    receipt = replace(await services.library.add(files.files[handbook], share), notes=tuple(NOTES))
    for language in ("en", "fr"):
        sentences = left_out(receipt, language)
        assert len(sentences) == len(NOTES)
        for sentence, (_, about) in zip(sentences, NOTES, strict=True):
            assert "{" not in sentence
            assert sentence.endswith(".")
            numbers = tuple(int(word) for word in about.split() if word.isdigit())
            assert (page_list(numbers) if len(numbers) > 1 else about) in sentence
