"""What handlers are given in tests: a real library, a memory, and a model that says what the test tells it."""

import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from handlers import HANDLERS
from handlers.answering.answerability import YES_AND_NO
from handlers.answering.prompt import STATES
from handlers.calibration import Card
from handlers.pieces import Pieces, Progress, Sources, Text
from handlers.request import Request, Services
from indexing.audience import Audience
from indexing.document import Share
from indexing.edge import EdgeIndex
from indexing.embedder import Embedder
from indexing.library import Library, Receipt
from indexing.reading.pool import ReadingLimits
from tests.handlers.fakes import Folder, NoMessages, Remembered, WordEncoder

HERE = Audience(frozenset({"C1"}))
DOUBT_ALONE = Card(coefficients={"odds": 1.0, "coverage": 2.0}, threshold=0.5)  # the model's doubt decides


class ScriptedModel(BaseChatModel):
    """Says its lines one after the other, three characters at a time, and remembers what it was asked."""

    lines: list[str] = Field(default_factory=list)
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    options: list[dict[str, Any]] = Field(default_factory=list)
    doubt: float | None = 0.05  # how likely it finds that it can't answer; None: it does not tell
    weighed: list[list[BaseMessage]] = Field(default_factory=list)  # where it was asked for no more than that
    waits: int = 0  # chunks that say "in line" before the first word
    broken: bool = False
    closed: int = 0  # streams that were ended early

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def says(self, *lines: str) -> None:
        self.lines.extend(lines)

    def _doubts(self, messages: list[BaseMessage]) -> dict[str, Any]:
        if self.doubt is None:
            return {}
        yes, no = YES_AND_NO["fr" if messages[-1].text.endswith(STATES["fr"]) else "en"]
        likely = {yes: 1 - self.doubt, no: self.doubt}
        told = [{"token": token, "logprob": math.log(p)} for token, p in likely.items()]
        return {"logprobs": {"content": [{**told[0], "top_logprobs": told}]}}

    def _next(self, messages: list[BaseMessage], options: dict[str, Any]) -> str:
        self.asked.append(messages)
        self.options.append(options)
        if self.broken:
            raise RuntimeError("the model broke")
        return self.lines.pop(0)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **options: Any,
    ) -> ChatResult:  # fmt: skip
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self._next(messages, options)))])

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None, **options: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:  # fmt: skip
        for place in range(self.waits, 0, -1):
            wait = {"queue_position": place, "expected_wait_seconds": 2 * place}
            yield ChatGenerationChunk(message=AIMessageChunk("", response_metadata=wait))
        if options.get("logprobs"):
            self.weighed.append(messages)
            yield ChatGenerationChunk(message=AIMessageChunk("The", response_metadata=self._doubts(messages)))
            return
        line = self._next(messages, options)
        ended = False
        try:
            for at in range(0, len(line), 3):
                yield ChatGenerationChunk(message=AIMessageChunk(line[at : at + 3]))
            ended = True
        finally:
            self.closed += not ended


@pytest.fixture
def model() -> ScriptedModel:
    """The model, with nothing to say yet."""
    return ScriptedModel()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """An empty library on Qdrant's engine."""
    embedder = Embedder(WordEncoder, query="query: ", passage="passage: ")
    await embedder.start()
    made = Library(
        await EdgeIndex.open(tmp_path / "index", WordEncoder.dimensions), embedder, ReadingLimits(processes=1)
    )
    yield made
    await made.aclose()


@pytest.fixture
def files() -> Folder:
    """Slack's files: none yet."""
    return Folder()


@pytest.fixture
def services(model: ScriptedModel, library: Library, files: Folder, tmp_path: Path) -> Services:
    """Everything that a handler may use."""
    return Services(
        model=model, count_tokens=lambda text: len(text.split()), context_tokens=2048, memory=Remembered(),
        library=library, files=files, messages=NoMessages(), classifier=None, encoder=None,  # type: ignore[arg-type]
        data_dir=tmp_path, card=DOUBT_ALONE,
    )  # fmt: skip


@pytest.fixture
def asked() -> Callable[..., Request]:
    """Make a request: in channel C1 by U1, each in a thread of its own."""
    numbers = itertools.count(1)

    def make(action: str, text: str = "", **fields: Any) -> Request:
        ts = f"{1_700_000_000 + next(numbers)}.0"
        usual = {"team": "T", "channel": "C1", "user": "U1", "ts": ts, "thread": ts, "audience": HERE}
        return Request(action=action, text=text, **({"id": f"T:C1:{ts}"} | usual | fields))

    return make


@pytest.fixture
def shares(library: Library, tmp_path: Path) -> Callable[..., Awaitable[Receipt]]:
    """Share a text in a conversation."""

    async def share(name: str, text: str, channel: str = "C1", user: str = "U1", ts: str = "1.0") -> Receipt:
        path = tmp_path / name
        path.write_text(text)
        link = f"https://example.slack.com/files/{name}"
        return await library.add(
            path, Share(channel=channel, file_id=name, user=user, ts=ts, permalink=link, name=name)
        )

    return share


class Shown:
    """What a person sees of an answer."""

    def __init__(self, pieces: list[Any], reports: Sequence[Progress] = ()) -> None:
        self.pieces = pieces
        self.text = "".join(piece.markdown for piece in pieces if isinstance(piece, Text))
        self.progress = [report.text for report in reports]
        self.sources = [source for piece in pieces if isinstance(piece, Sources) for source in piece.sources]


@pytest.fixture
def do(services: Services) -> Callable[[Request], Awaitable[Shown]]:
    """Run a request's handler to its end."""

    async def run(request: Request) -> Shown:
        reports: list[Progress] = []
        pieces: Pieces = HANDLERS[request.action](request, replace(services, report=reports.append))
        return Shown([piece async for piece in pieces], reports)

    return run
