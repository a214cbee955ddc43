"""The language model: a server of our own with continuous batching, and the one way to it or to any other.

A request's life: it comes to the server (server, protocol), its prompt is rendered and tokenized (served_model, prompt,
tokenizer), waits in line (scheduler), gets the slot that remembers most of it (slots, cells, kv_offload), is decoded
with all others, one step at a time (engine, llama), becomes text (detokenizer), reaches its reader (stream), and leaves
its slot behind for the follow-up. On the other side of the socket: supervisor starts the process, remote asks it.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import LlmSettings

if TYPE_CHECKING:
    from bot.engine.remote import RemoteChatModel

# Read when libgomp is loaded: threads that wait must sleep, not spin, or a busy machine makes each step many times
# slower (measured with two threads on two busy cores: 644 ms spinning, 114 ms sleeping).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")


async def open_chat_model(settings: LlmSettings, path: Path | None, folder: Path | None = None) -> "RemoteChatModel":
    """Start the engine for the model at a path, or reach the server at LLM_URL.

    The processes that name the same folder share one engine; without a folder it is this process's own.
    Raises errors.Unavailable with what mends it.
    """
    from bot.engine.remote import open_own, open_remote

    return await (open_remote(settings) if path is None else open_own(settings, path, folder))
