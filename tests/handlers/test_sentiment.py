"""What a person sees who asks for sentiment."""

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handlers.pieces import Attachment, Picture, Progress, Text, UserError
from handlers.ports import HeadDoesNotFit
from handlers.request import ThreadMessage, unheard
from handlers.sentiment import SLICE, sentiment
from tests.handlers.fakes import FilesOfFolder, OneThread, WordClassifier, pieces_of, request

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def services(tmp_path: Path) -> Any:
    """What the handler may use."""
    (tmp_path / "incoming").mkdir()
    return SimpleNamespace(
        classifier=WordClassifier(),
        files=FilesOfFolder(tmp_path),
        messages=OneThread(),
        model=None,
        report=unheard,
        incoming=tmp_path / "incoming",
    )


def rows_of(attachment: Attachment) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(attachment.data.decode("utf-8-sig"))))


async def test_a_text_gets_one_sentence(services: Any) -> None:
    assert await pieces_of(sentiment(request("sentiment", "a good film"), services)) == [
        Text("**Positive** (90% sure).")
    ]


async def test_in_french_too(services: Any) -> None:
    asked = request("sentiment", "un mauvais film", language="fr")
    assert await pieces_of(sentiment(asked, services)) == [Text("**Négatif** (sûr à 90 %).")]


async def test_a_coin_toss_is_said_to_be_one(services: Any) -> None:
    (said,) = await pieces_of(sentiment(request("sentiment", "so-so"), services))
    assert "coin toss" in said.markdown  # type: ignore[union-attr]


async def test_a_table_gets_a_summary_a_picture_and_a_table(services: Any, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("id,text\n1,good\n2,bad\n3,so-so\n")
    asked = request("sentiment", "classify these", files=("reviews.csv",))
    text, picture, table = await pieces_of(sentiment(asked, services))
    assert isinstance(text, Text)
    assert "2 of 3 positive" in text.markdown
    assert isinstance(picture, Picture)
    assert picture.png.startswith(PNG)
    assert "2 positive, 1 negative" in picture.description
    assert isinstance(table, Attachment)
    assert table.name == "sentiment-reviews.csv"
    assert [(row["text"], row["label"]) for row in rows_of(table)] == [
        ("good", "positive"), ("bad", "negative"), ("so-so", "positive"),
    ]  # fmt: skip


async def test_a_thread_is_read_without_the_bot_and_the_question(services: Any) -> None:
    services.messages.said = [
        ThreadMessage("U1", "good", "1.0"),
        ThreadMessage("", "I am the bot", "2.0"),
        ThreadMessage("U2", "bad", "3.0"),
        ThreadMessage("U1", "sentiment", "9.0"),
    ]
    asked = request("sentiment", "of this thread", thread="1.0")
    *_, table = await pieces_of(sentiment(asked, services))
    assert isinstance(table, Attachment)
    assert [(row["text"], row["time"]) for row in rows_of(table)] == [
        ("good", "1970-01-01T00:00:01+00:00"), ("bad", "1970-01-01T00:00:03+00:00"),
    ]  # fmt: skip


async def test_a_shortcut_judges_its_message(services: Any) -> None:
    services.messages.said = [ThreadMessage("U1", "good", "1.0"), ThreadMessage("U2", "bad", "3.0")]
    asked = request("sentiment", message_ts="3.0", thread="1.0")
    (said,) = await pieces_of(sentiment(asked, services))
    assert said == Text("**Negative** (90% sure).")


async def test_many_rows_show_progress_and_the_limit_is_told(
    services: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.sentiment.MOST_ITEMS", 3 * SLICE)
    (tmp_path / "many.csv").write_text("text\n" + "good\n" * 1000)
    reports: list[Progress] = []
    services.report = reports.append
    pieces = await pieces_of(sentiment(request("sentiment", files=("many.csv",)), services))
    assert [report.done for report in reports] == [0, SLICE, 2 * SLICE]
    assert [len(texts) for texts in services.classifier.asked] == [SLICE] * 3
    said = next(piece.markdown for piece in pieces if isinstance(piece, Text))
    assert f"first {3 * SLICE}; {1000 - 3 * SLICE} more" in said


@pytest.mark.parametrize(
    ("name", "words"), [("numbers.csv", "no column with text"), ("gone.csv", "no longer"), ("empty.txt", "empty.txt")]
)
async def test_a_bad_file_gets_a_sentence(services: Any, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UserError, match=words):
        await pieces_of(sentiment(request("sentiment", files=(name,)), services))


async def test_a_table_in_the_thread_is_what_is_meant(services: Any, tmp_path: Path) -> None:
    """Someone drops a table, then says "classify these" below it."""
    (tmp_path / "avis.csv").write_bytes("\ufeffn°;avis\r\n1;bon\r\n2;mauvais\r\n".encode())
    services.messages.said = [
        ThreadMessage("U1", "here are the reviews", "1.0", ("avis.csv",)),
        ThreadMessage("U2", "good", "2.0"),
    ]
    *_, table = await pieces_of(sentiment(request("sentiment", "", thread="1.0"), services))
    assert isinstance(table, Attachment)
    assert [(row["text"], row["label"]) for row in rows_of(table)] == [("bon", "positive"), ("mauvais", "negative")]


@pytest.mark.parametrize("data", [b"%PDF-1.7\n%\xe2\xe3", b"PK\x03\x04\x14\0\x08\0xl/workbook.xml", b"\x89PNG\r\n\0\0"])
async def test_a_file_of_another_kind_is_not_judged_line_by_line(services: Any, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "book.xlsx").write_bytes(data)
    with pytest.raises(UserError, match=r"book\.xlsx is neither a table nor plain text"):
        await pieces_of(sentiment(request("sentiment", files=("book.xlsx",)), services))


async def test_a_head_for_another_model_is_explained(services: Any) -> None:
    class Unfit:
        async def classify(self, texts: Any) -> Any:
            raise HeadDoesNotFit

    services.classifier = Unfit()
    with pytest.raises(UserError, match="train-sentiment"):
        await pieces_of(sentiment(request("sentiment", "good"), services))


@pytest.mark.parametrize("text", ["", "this thread"])
async def test_nothing_to_judge_gets_a_sentence(services: Any, text: str) -> None:
    with pytest.raises(UserError, match="Give me something"):
        await pieces_of(sentiment(request("sentiment", text), services))
