"""The command `python -m bot engine`: settings become a server; the supervisor starts it too."""

import asyncio
import sys

from bot import log
from bot.engine.errors import Unavailable
from bot.engine.llama import supports_gpu
from bot.engine.served_model import ServedModel
from bot.engine.server import Address, Server, serve
from bot.engine.suspects import Suspects
from bot.errors import StartFailed
from bot.models.auto import for_this_machine
from bot.models.fetch import fetch_llm
from bot.models.memory import refuse_if_too_large
from bot.parent_death import end_with_parent
from bot.private_memory import keep_memory_private
from bot.settings import Settings

READY = "ready"  # said on standard output when the model is loaded; anything else is why it could not be


def main(settings: Settings, address: Address, *, parent: int, crashed: bool) -> None:
    """Serve until SIGTERM; raise StartFailed with what mends it."""
    keep_memory_private()
    api_key = "" if address.socket else settings.llm.api_key.get_secret_value()
    if not (api_key or address.is_private):
        raise StartFailed(
            f"Everybody who reaches {address.host} could use this engine: set LLM_API_KEY here and for those who ask "
            "it, or listen on 127.0.0.1."
        )
    if parent:
        end_with_parent(parent)
    log.configure(settings.bot.log, settings.bot.log_level)
    llm, _ = for_this_machine(settings.llm)
    suspects = Suspects(address.socket.parent / "requests" if address.socket else None, crashed=crashed)

    def load() -> ServedModel:
        path = fetch_llm(llm.model, settings.cache_dir)
        refuse_if_too_large(path, llm, gpu=supports_gpu())
        return ServedModel(path, llm, suspects)

    server = Server(load, api_key=api_key)
    try:
        asyncio.run(serve(server, address, lambda: _tell_parent(READY, parent)))
    except (Unavailable, StartFailed, OSError) as failure:
        _tell_parent(str(failure), parent)
        raise StartFailed(str(failure)) from failure


def _tell_parent(line: str, parent: int) -> None:
    if parent:
        print(line.replace("\n", " "), flush=True)  # noqa: T201 - the supervisor reads it
        sys.stdout.close()
