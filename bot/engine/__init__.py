"""Continuous batching on llama-cpp-python's low-level API, behind LangChain's chat model.

A request's life: its prompt is rendered and tokenized (prompt, tokenizer), waits in line (scheduler), gets the slot
that remembers most of it (slots, cells, parking), is decoded with all others, one step at a time (engine, llama),
becomes text (transcript), reaches its reader (mailbox), and leaves its slot behind for the follow-up.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import LlmSettings

if TYPE_CHECKING:
    from bot.engine.chat_model import EngineChatModel
    from bot.engine.remote import RemoteChatModel

# Read when libgomp is loaded: threads that wait must sleep, not spin, or a busy machine makes each step many times
# slower (measured with two threads on two busy cores: 644 ms spinning, 114 ms sleeping).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")


async def open_chat_model(settings: LlmSettings, path: Path | None) -> "EngineChatModel | RemoteChatModel":
    """Load the model at a path, or reach the server at LLM_URL; raise errors.Unavailable with what mends it."""
    if path is None:
        from bot.engine.remote import open_remote

        return await open_remote(settings)
    return await asyncio.to_thread(_open_local, settings, path)


def _open_local(settings: LlmSettings, path: Path) -> "EngineChatModel":
    from bot.engine.chat_model import EngineChatModel
    from bot.engine.engine import Engine
    from bot.engine.llama import Llama

    llama = Llama(path, settings)
    engine = Engine(llama, slots=settings.slots, waiting=settings.waiting, parked_bytes=settings.parked_bytes)
    engine.start()
    return EngineChatModel(
        model_name=path.stem,
        max_tokens=settings.answer_tokens,
        timeout=settings.timeout_seconds,
        engine=engine,
        llama=llama,
    )
