"""The study's parts as they are: the real embedding model once a session; what Slack holds stands at its edge."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.settings import Settings
from handlers.request import FileRefused, Piece, Pieces, Request, Said, SharedFile
from handlers.study import Numbers


@pytest.fixture(scope="session")
def embedding_model() -> Any:
    """The sentence-transformers model that the bot uses, fetched like the bot does."""
    from bot.weights import fetch_embeddings
    from indexing.embedder import TorchEncoder

    settings = Settings()
    folder = fetch_embeddings(settings.embeddings.model, settings.cache_dir)
    return TorchEncoder(folder, "cpu", 16, 1)


class WordClassifier:
    """Knows six words; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def classify(self, texts: Sequence[str]) -> Numbers:
        self.asked.append(list(texts))
        good = {"good": 0.9, "bon": 0.9, "fine": 0.8, "bad": 0.1, "mauvais": 0.1, "so-so": 0.52}
        return np.array([next((good[w] for w in text.lower().split() if w in good), 0.7) for text in texts], np.float32)


class FilesOfFolder:
    """Slack's files as a folder; an id is a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def fetch(self, file_id: str, into: Path) -> SharedFile:
        path = self.folder / file_id
        if not path.exists():
            raise FileRefused("gone", name=file_id)
        size = path.stat().st_size
        return SharedFile(id=file_id, name=file_id, path=path, size_bytes=size, permalink="https://x/f", user="U1")


class OneThread:
    """Slack's messages: the same thread everywhere."""

    def __init__(self, said: Sequence[Said] = ()) -> None:
        self.said = list(said)

    async def thread(self, channel: str, thread: str) -> list[Said]:
        return self.said


def request(action: str, text: str = "", **values: Any) -> Request:
    """Make a request by one person."""
    base = {"id": "T:C:9.0", "team": "T", "channel": "C", "user": "U1", "ts": "9.0"}
    return Request(action=action, text=text, **(base | values))


async def pieces_of(pieces: Pieces) -> list[Piece]:
    """Collect what a handler yields."""
    return [piece async for piece in pieces]
