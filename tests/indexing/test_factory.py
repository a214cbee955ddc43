"""What an index was made with: another model is refused, `reindex` mends it, older formats are raised."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from indexing import factory
from indexing.audience import Audience
from indexing.document import Share
from indexing.factory import LibrarySettings, open_library, reindex
from indexing.index_card import OtherModel
from indexing.reading.pool import ReadingLimits
from indexing.stored import id_of
from indexing.vector_store import Point
from tests.indexing.conftest import WordEncoder

C1 = Audience(frozenset({"C1"}))
MakeShare = Callable[..., Share]


class WideEncoder(WordEncoder):
    """Another model, of other dimensions."""

    dimensions = 96


@pytest.fixture
def knobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Make the settings for one of two models, each a folder with its weights."""

    def of(name: str) -> dict[str, Any]:
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_bytes(name.encode())  # of one size: the size says nothing
        return {"folder": tmp_path / "library", "embeddings": folder, "limits": ReadingLimits(processes=1),
                "cache_dir": tmp_path / "cache"}  # fmt: skip

    def load(settings: LibrarySettings) -> WordEncoder:
        return WideEncoder() if settings.embeddings.name == "wide" else WordEncoder()

    monkeypatch.setattr(factory.LibrarySettings, "load", load)
    return of


@pytest.fixture
async def filled(knobs: Callable[[str], dict[str, Any]], shared: MakeShare, tmp_path: Path) -> AsyncIterator[None]:
    """Two documents under the first model."""
    library = await open_library(**knobs("word"))
    for number in range(2):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"Rule {number}.\n\nEverybody gets {20 + number} days of paid leave.")
        await library.add(path, shared(f"{number}.txt", file_id=f"F{number}"))
    await library.aclose()
    yield


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("other", ["wide", "wird"])
async def test_another_model_is_refused_and_reindexing_mends_it(
    other: str, knobs: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(OtherModel):
        await open_library(**knobs(other))
    told: list[tuple[int, int]] = []
    assert await reindex(lambda *done: told.append(done), **knobs(other)) == 2
    assert told == [(1, 2), (2, 2)]
    library = await open_library(**knobs(other))
    assert await library.statistics() == {"documents": 2, "chunks": 2}
    passages = await library.search(["paid leave"], readable_by=C1)
    assert {passage.document for passage in passages} == {"0.txt", "1.txt"}
    assert [page.number for page in await library.pages(passages[0].document_id, readable_by=C1)] == [1]
    assert len(await library.unshare(file_id="F0")) == 1
    await library.aclose()
    with pytest.raises(OtherModel):
        await open_library(**knobs("word"))
    assert await reindex(lambda *_done: None, **knobs(other)) == 0


@pytest.mark.usefixtures("filled")
async def test_reindexing_that_was_cut_short_goes_on(knobs: Callable[[str], dict[str, Any]]) -> None:
    def killed(done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await reindex(killed, **knobs("wide"))
    library = await open_library(**knobs("word"))
    await library.unshare(file_id="F0")
    await library.aclose()
    assert await reindex(lambda *_done: None, **knobs("wide")) == 1
    library = await open_library(**knobs("wide"))
    assert [document.name for document in await library.documents(C1)] == ["1.txt"]
    assert await library.statistics() == {"documents": 1, "chunks": 1}
    await library.aclose()


async def test_records_of_the_first_version_are_brought_up(
    knobs: Callable[[str], dict[str, Any]], shared: MakeShare
) -> None:
    library = await open_library(**knobs("word"))
    await library.aclose()
    settings = LibrarySettings(**knobs("word"))
    index = await factory.open_index(settings, "documents", 64)
    share = {"channel": "C1", "file_id": "F1", "user": "U1", "ts": "1.0", "permalink": "", "name": "a.pdf"}
    old = {"kind": "document", "document_id": "d", "title": "", "pages": 1, "pages_with_text": 1, "chunks": 1,
           "language": "en", "added_at": 1.0, "complete": True, "scanned": [], "ocr": [], "failed": [],
           "shares": [share], "channels": ["C1"], "file_ids": ["F1"], "users": ["U1"]}  # fmt: skip
    page = {"kind": "page", "document_id": "d", "number": 1, "text": "Paid leave."}
    chunk = {"kind": "chunk", "document_id": "d", "position": 0, "text": "Paid leave.", "page": 1, "last_page": 1,
             "heading": "", "channels": ["C1"], "language": "en"}  # fmt: skip
    vector = WordEncoder().encode(["paid leave"])[0]
    await index.put([
        Point(id=id_of("d", "document"), payload=old), Point(id=id_of("d", "page", 1), payload=page),
        Point(id=id_of("d", "chunk", 0), payload=chunk, dense=vector),
    ])  # fmt: skip
    await index.aclose()
    library = await open_library(**knobs("word"))
    assert [one.id for one in await library.documents(C1, limit=5)] == ["d"]
    assert [page.text for page in await library.pages("d", readable_by=C1)] == ["Paid leave."]
    assert await library.search(["paid leave"], readable_by=C1)
    await library.unshare(file_id="F1")
    assert await library.statistics() == {"documents": 0, "chunks": 0}
    await library.aclose()


async def test_other_weights_of_one_size_are_other_weights(knobs: Callable[[str], dict[str, Any]]) -> None:
    """The export was kept by the file's size: a fine-tuned model got the old one's."""
    from indexing.weights import weights_hash

    one, other = knobs("word"), knobs("wird")
    hashes = {weights_hash(each["embeddings"], each["cache_dir"]) for each in (one, other)}
    assert len(hashes) == 2
    assert weights_hash(one["embeddings"], one["cache_dir"]) in hashes
