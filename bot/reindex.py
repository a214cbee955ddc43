"""`python -m bot reindex`: all documents under the embedding model that is set now."""

import asyncio
import sys

from bot.errors import StartFailed
from bot.models.fetch import fetch_embeddings
from bot.services import Models, library_knobs
from bot.settings import Settings
from indexing.factory import reindex as reindex_library


def reindex(settings: Settings) -> None:
    """Embed every document anew beside the old index, then use the new one; may be cut short and begun again."""
    models = Models(None, fetch_embeddings(settings.embeddings.model, settings.cache_dir))
    try:
        count = asyncio.run(reindex_library(_say_progress, **library_knobs(settings, models)))
    except RuntimeError as error:  # Qdrant's engine has no narrower one for a folder that is in use
        raise StartFailed(
            f"The index in {settings.data_dir} can't be opened. Stop the assistant first ({error})."
        ) from None
    _say(f"\n{count} documents are embedded with {models.embeddings.name} now." if count else "Nothing is to be done.")


def _say_progress(done: int, total: int) -> None:
    _say(f"\r{done} of {total} documents", end="")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201 - the command's answer
