"""The smallest real model behind the real server, opened once for all tests of the engine."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.engine.remote import RemoteChatModel, connect
from bot.engine.served_model import ServedModel
from bot.engine.server import Address, Server
from bot.models.fetch import fetch_llm
from bot.settings import LlmSettings, Settings

SMALL = LlmSettings(slots=4, context_tokens=4096, threads=1)


@pytest.fixture(scope="session")
def small_model() -> Path:
    """Return the file of the 135M model."""
    return fetch_llm("preset:smollm2-135m", Settings({}).cache_dir)


@pytest.fixture(scope="session")
def served(small_model: Path) -> Iterator[ServedModel]:
    """Return the 135M model and its engine, to look at while it answers."""
    model = ServedModel(small_model, SMALL)
    yield model
    model.close()


@pytest.fixture(scope="session")
def socket(served: ServedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where a server with that model listens; it runs in a thread with an event loop of its own."""
    address = Address(tmp_path_factory.mktemp("engine") / "engine.sock")
    loop, server = asyncio.new_event_loop(), Server(lambda: served)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(address), loop).result(30)
    assert address.socket
    yield address.socket
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
async def chat_model(socket: Path) -> AsyncIterator[RemoteChatModel]:
    """Return what handlers use."""
    model = await connect(SMALL, socket)
    yield model
    await model.aclose()
