"""Small stand-ins for what handlers are given: a memory in a dictionary, files from a folder, an encoder of words."""

import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage

from handlers.pieces import Piece, Pieces
from handlers.request import ChannelTalk, FileRefused, ListedFile, Place, Request, Services, SharedFile, ThreadMessage
from indexing.sparse import tokens
from indexing.vectors import Vectors


@dataclass
class Remembered:
    """A Memory that lasts as long as the test."""

    threads: dict[str, dict[str, BaseMessage]] = field(default_factory=dict)

    async def recall(self, conversation: str) -> list[BaseMessage]:
        return list(self.threads.get(conversation, {}).values())

    async def add(self, conversation: str, messages: Sequence[BaseMessage]) -> None:
        self.threads.setdefault(conversation, {}).update({message.id or "": message for message in messages})

    async def forget(self, conversation: str) -> int:
        return len(self.threads.pop(conversation, {}))

    async def forget_person(self, user: str) -> int:
        count = 0
        for thread in self.threads.values():
            for key in [key for key, message in thread.items() if message.additional_kwargs.get("user") == user]:
                del thread[key]
                count += 1
        return count


@dataclass
class Folder:
    """Files of the test's folder as if they came from Slack."""

    files: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, FileRefused] = field(default_factory=dict)

    async def fetch(self, file_id: str, into: Path) -> SharedFile:
        if file_id in self.refused:
            raise self.refused[file_id]
        source = self.files[file_id]
        path = Path(shutil.copy(source, into / file_id))
        return SharedFile(
            id=file_id, name=source.name, path=path, size_bytes=source.stat().st_size,
            permalink=f"https://example.slack.com/files/{file_id}", user="U1",
        )  # fmt: skip

    async def shared_in(self, channel: str) -> list[ListedFile]:
        return [
            ListedFile(file_id, path.name, f"{number}.0") for number, (file_id, path) in enumerate(self.files.items())
        ]


class NoFiles:
    """No file at all."""

    async def shared_in(self, channel: str) -> list[ListedFile]:
        return []

    async def fetch(self, file_id: str, into: Path) -> SharedFile:
        raise FileRefused("gone")


class NoMessages:
    """No message at all."""

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        return []

    async def name(self, user: str) -> str:
        return user

    async def place(self, channel: str) -> Place:
        kind: Any = {"D": "direct", "P": "private"}.get(channel[0], "public")
        return Place(channel.lower(), kind, 3)

    async def utc_offset_seconds(self, user: str) -> int:
        return 0


class WordEncoder:
    """Vectors of the words a text has, with the cosines of multilingual-e5: 0.75 for nothing in common."""

    dimensions = 256
    COMMON = 0.75

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for place, text in enumerate(texts):
            for word in tokens(text):
                vectors[place, 1 + zlib.crc32(word.encode()) % (self.dimensions - 1)] += 1
            own = np.linalg.norm(vectors[place])
            vectors[place] *= np.sqrt(1 - self.COMMON) / own if own else 0
            vectors[place, 0] = np.sqrt(self.COMMON) if own else 1
        return vectors


class WordClassifier:
    """Knows six words; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def classify(self, texts: Sequence[str]) -> Vectors:
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

    def __init__(self, said: Sequence[ThreadMessage] = ()) -> None:
        self.said = list(said)

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        return self.said

    async def since(self, channel: str, oldest: float, most: int) -> ChannelTalk:
        said = [message for message in self.said if float(message.ts) >= oldest]
        return ChannelTalk("team", said[-most:], is_all=len(said) <= most)

    async def permalink(self, channel: str, ts: str) -> str:
        return f"https://example.slack.com/archives/{channel}/p{ts.replace('.', '')}"

    async def utc_offset_seconds(self, user: str) -> int:
        return 3600

    async def name(self, user: str) -> str:
        return next((message.name for message in self.said if message.user == user), user)


def request(action: str, text: str = "", **values: Any) -> Request:
    """Make a request by one person."""
    base = {"id": "T:C:9.0", "team": "T", "channel": "C", "user": "U1", "ts": "9.0"}
    return Request(action=action, text=text, **(base | values))


async def pieces_of(pieces: Pieces) -> list[Piece]:
    """Collect what a handler yields."""
    return [piece async for piece in pieces]


def no_services() -> Services:
    """Return services for handlers that use nothing but the report; their model says yes."""
    nothing: Any = None
    return Services(
        model=FakeListChatModel(responses=["yes"]),
        count_tokens=nothing, context_tokens=0, memory=nothing, library=nothing, files=nothing,
        messages=nothing, classifier=nothing, encoder=nothing, data_dir=Path(),
    )  # fmt: skip
