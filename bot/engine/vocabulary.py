"""Counts tokens exactly, from the vocabulary of a GGUF file alone: the weights stay in the engine's process."""

from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as api

from bot.engine.errors import Unavailable


class Vocabulary:
    """The words of a model."""

    def __init__(self, path: Path) -> None:
        """Read the file's vocabulary; raise Unavailable."""
        parameters = api.llama_model_default_params()
        parameters.vocab_only = True
        parameters.n_gpu_layers = 0
        api.llama_log_set(_silence, None)
        self._model: Any = api.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise Unavailable(f"{path} is not a model that llama.cpp can load")
        self._vocab = api.llama_model_get_vocab(self._model)

    def count(self, text: str) -> int:
        """Return how many tokens a text takes; nothing in it is read as a control token."""
        data = text.encode()
        return -int(api.llama_tokenize(self._vocab, data, len(data), None, 0, False, False))

    def close(self) -> None:
        """Free the vocabulary."""
        if self._model:
            api.llama_model_free(self._model)
            self._model = None


@api.llama_log_callback  # type: ignore[untyped-decorator]
def _silence(_: int, __: bytes, ___: object) -> None:
    """Say nothing: the engine's process says it."""
