"""The only file that calls llama.cpp: a model, its KV cache, one decode at a time, and the choice of the next token."""

import ctypes
import logging
import re
import secrets
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as api

from bot.engine.errors import DecodeFailed, Unavailable
from bot.engine.forced_completion import Closer
from bot.engine.sequence import Likely, Sampling, Sequence
from bot.settings import LlmSettings
from indexing.cores import default_threads

KV_TYPES = {"f32": api.GGML_TYPE_F32, "f16": api.GGML_TYPE_F16, "q8_0": api.GGML_TYPE_Q8_0, "q4_0": api.GGML_TYPE_Q4_0}
BATCH_TOKENS = 512  # most tokens of one decode: larger ones are not faster on CPU, and newcomers would wait longer
GPU_BATCH_TOKENS = 2048
WARNING, ERROR = 3, 4  # ggml_log_level
MARKUP = re.compile(r"<\S+>|\[\S+\]|<｜.+｜>")
LONGEST_TOKEN = 512  # bytes of any token
LONGEST_PIECE = 32  # bytes of a token that an ending is spelt with
CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

_log = logging.getLogger(__name__)
_complaints: list[str] = []


@api.llama_log_callback  # type: ignore[untyped-decorator]
def _hear_log(level: int, text: bytes, _: object) -> None:
    if level in (WARNING, ERROR):
        line = text.decode("utf-8", "replace").strip()
        _complaints.append(line)
        del _complaints[:-20]
        _log.debug("llama.cpp: %s", line)


class Llama:
    """A GGUF file in memory with room for many sequences in one unified KV cache."""

    def __init__(self, path: Path, settings: LlmSettings) -> None:
        api.llama_log_set(_hear_log, None)
        api.llama_backend_init()
        self.threads = settings.threads or default_threads()
        self._model = self._load(path, settings.gpu_layers)
        self._layers = api.llama_model_n_layer(self._model)
        self._vocab = api.llama_model_get_vocab(self._model)
        self.vocabulary = api.llama_vocab_n_tokens(self._vocab)
        self._context = self._open(settings)
        self._memory = api.llama_get_memory(self._context)
        self.cells = api.llama_n_ctx(self._context)
        self._recurrent = api.llama_model_is_recurrent(self._model) or api.llama_model_is_hybrid(self._model)
        self._window = api.llama_model_n_swa(self._model)  # tokens; 0 for none
        self.whole_only = bool(self._recurrent or self._window)
        self.longest: int = min(self.cells, api.llama_model_n_ctx_train(self._model))
        self._adapt(settings.adapters)
        self._batch = Batch(self.batch_tokens)
        self._candidates = Candidates(self.vocabulary)
        self._samplers: dict[Sequence, Sampler] = {}
        self._pieces: dict[int, bytes] = {}
        self._closed = False
        self._vocab_lock = (
            threading.Lock()
        )  # askers tokenize in their own threads, also while the model is being closed
        self._ends: dict[int, bool] = {}

    def _load(self, path: Path, gpu_layers: int) -> Any:
        parameters = api.llama_model_default_params()
        self.offloaded = gpu_layers if supports_gpu() else 0
        parameters.n_gpu_layers = self.offloaded
        self.batch_tokens = GPU_BATCH_TOKENS if self.offloaded else BATCH_TOKENS
        model = api.llama_model_load_from_file(str(path).encode(), parameters)
        if not model:
            raise Unavailable(f"{path} is not a model that llama.cpp can load: {' '.join(_complaints[-3:])}")
        if api.llama_model_has_encoder(model):
            api.llama_model_free(model)
            raise Unavailable(f"{path} is an encoder-decoder model (T5 and its like), which can't chat")
        return model

    def _open(self, settings: LlmSettings) -> Any:
        parameters = api.llama_context_default_params()
        parameters.n_ctx = settings.context_tokens
        parameters.n_batch = parameters.n_ubatch = max(self.batch_tokens, settings.slots)
        parameters.n_ubatch = min(parameters.n_batch, 512)
        parameters.n_seq_max = settings.slots
        parameters.n_outputs_max = settings.slots
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.flash_attn_type = (
            api.LLAMA_FLASH_ATTN_TYPE_AUTO if settings.flash_attention else api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        parameters.type_k = parameters.type_v = KV_TYPES[settings.kv_type]
        parameters.kv_unified = True  # without it sharing a beginning aborts the process
        context = api.llama_init_from_model(self._model, parameters)
        if not context:
            raise Unavailable(f"no room for {settings.context_tokens} tokens: {' '.join(_complaints[-3:])}")
        return context

    def _adapt(self, adapters: str) -> None:
        """Lay LoRA adapters over the model: `path` or `path=scale`, separated by commas."""
        named = [entry.strip().rpartition("=") if "=" in entry else (entry.strip(), "", "1") for entry in
                 adapters.split(",") if entry.strip()]  # fmt: skip
        if not named:
            return
        loaded = [api.llama_adapter_lora_init(self._model, path.encode()) for path, _, _ in named]
        if not all(loaded):
            raise Unavailable(f"an adapter can't be loaded: {adapters}: {' '.join(_complaints[-3:])}")
        pointers = (api.llama_adapter_lora_p_ctypes * len(loaded))(*loaded)
        scales = (ctypes.c_float * len(loaded))(*(float(scale) for _, _, scale in named))
        if api.llama_set_adapters_lora(self._context, pointers, len(loaded), scales):
            raise Unavailable(f"the adapters do not fit the model: {adapters}")

    def close(self) -> None:
        """Free everything."""
        for sequence in list(self._samplers):
            self.finish(sequence)
        with self._vocab_lock:
            self._closed = True
            api.llama_free(self._context)
            api.llama_model_free(self._model)

    # One step.

    def decode(self, work: list[tuple[Sequence, int]]) -> None:
        """Compute the next tokens of each sequence; raise DecodeFailed with nothing usable left in their slots."""
        self._batch.fill(work)
        status = api.llama_decode(self._context, self._batch.struct)
        if status:
            raise DecodeFailed(f"llama_decode returned {status}")

    def choose(self, sequences: list[Sequence]) -> list[int | DecodeFailed]:
        """Return the next token of each sequence whose last token was in the last decode, in its order."""
        logits = self._logits(len(sequences))
        greedy = [not sequence.sampling.temperature and not sequence.sampling.grammar for sequence in sequences]
        best = logits.argmax(axis=1).tolist() if any(greedy) else []
        chosen = [
            best[row] if greedy[row] and sequence.sampling.repeat_penalty == 1
            else self._sampled(sequence, logits[row])
            for row, sequence in enumerate(sequences)
        ]  # fmt: skip
        for row, (sequence, token) in enumerate(zip(sequences, chosen, strict=True)):
            if sequence.sampling.logprobs is not None and isinstance(token, int):
                sequence.logprobs.append(likeliest(logits[row], token, sequence.sampling.logprobs))
        return chosen

    def _sampled(self, sequence: Sequence, logits: npt.NDArray[np.float32]) -> int | DecodeFailed:
        """Return the next token, or what went wrong: the others of the same decode go on."""
        try:
            sampler = self._sampler(sequence)
            token = sampler.choose(logits, sequence.room)
            sequence.cut = sampler.cut
        except (DecodeFailed, ValueError) as failure:
            return DecodeFailed(str(failure))
        return token

    def finish(self, sequence: Sequence) -> None:
        """Free what a sequence's sampling needed."""
        sampler = self._samplers.pop(sequence, None)
        if sampler:
            sampler.close()

    def _logits(self, rows: int) -> npt.NDArray[np.float32]:
        address: Any = ctypes.cast(api.llama_get_logits(self._context), ctypes.c_void_p).value
        array = (ctypes.c_float * (rows * self.vocabulary)).from_address(address)
        return np.frombuffer(array, np.float32).reshape(rows, self.vocabulary)

    def _sampler(self, sequence: Sequence) -> "Sampler":
        if sequence not in self._samplers:
            closer = self.closer(grammar) if (grammar := sequence.sampling.grammar) else None
            self._samplers[sequence] = Sampler(self._vocab, self._candidates, sequence.sampling, closer)
        return self._samplers[sequence]

    # The KV cache: see slots.Cache.

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Let an empty slot share the first tokens of another."""
        api.llama_memory_seq_cp(self._memory, source, target, 0, tokens)

    def trim(self, slot: int, tokens: int) -> None:
        """Keep only the first tokens of a slot."""
        api.llama_memory_seq_rm(self._memory, slot, tokens, -1)

    def reusable(self, slot: int, tokens: int) -> bool:
        """Tell whether the first tokens of a slot can be gone on from, in it or in a copy.

        A recurrent state knows its last token only. Of a sliding window the cells that no token looks at any more may
        hold another chat by now, wherever they lie (llama.cpp tells only the first position that is left), so that a
        slot which has gone beyond its window can be gone on from at its end alone.
        """
        length = self.held(slot)
        return not self.whole_only or tokens == length or (not self._recurrent and length <= self._window)

    def save(self, slot: int) -> bytes:
        """Return what a slot holds."""
        size = api.llama_state_seq_get_size(self._context, slot)
        state = bytearray(size)
        view = (ctypes.c_uint8 * size).from_buffer(state)
        written = api.llama_state_seq_get_data(self._context, view, size, slot)
        return bytes(state) if written == size else b""

    def load(self, slot: int, state: bytes) -> bool:
        """Put saved state into an empty slot; False if the cache can't take it."""
        data = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))
        return bool(state) and api.llama_state_seq_set_data(self._context, data, len(state), slot) > 0

    def held(self, slot: int) -> int:
        """Return how many tokens llama.cpp itself says a slot holds."""
        return int(api.llama_memory_seq_pos_max(self._memory, slot)) + 1

    # Words.

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of a text; nothing in it is read as a control token."""
        data = text.encode()
        tokens = (api.llama_token * (len(data) + 8))()
        with self._vocab_lock:
            self._refuse_if_closed()
            count = api.llama_tokenize(self._vocab, data, len(data), tokens, len(tokens), False, False)
        return tokens[:count]

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for; control tokens are silent. Several threads may ask at once."""
        if token not in self._pieces:
            self._pieces[token] = self._bytes_of(token, ctypes.create_string_buffer(LONGEST_TOKEN))
        return self._pieces[token]

    def _bytes_of(self, token: int, buffer: Any) -> bytes:
        size = api.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
        return bytes(buffer.raw[: max(0, size)])

    @cached_property
    def _spelling(self) -> dict[bytes, int]:
        """Return every token by the bytes that it says; those that end an answer say nothing."""
        buffer = ctypes.create_string_buffer(LONGEST_TOKEN)
        tokens = (token for token in range(self.vocabulary) if not api.llama_vocab_is_eog(self._vocab, token))
        return {self._bytes_of(token, buffer): token for token in tokens}

    def spell(self, text: bytes) -> list[int]:
        """Return tokens that say exactly these bytes, the longest that fit one after the other."""
        tokens, offset = [], 0
        while offset < len(text):
            ends = range(min(len(text), offset + LONGEST_PIECE), offset, -1)
            end = next((end for end in ends if text[offset:end] in self._spelling), None)
            if end is None:
                raise ValueError(f"this model has no token for the byte {text[offset]:#x}")
            tokens.append(self._spelling[text[offset:end]])
            offset = end
        return tokens

    def closer(self, grammar: str) -> Closer:
        """Return what ends an answer within a grammar in time; raise ValueError for a grammar not understood."""
        end = api.llama_vocab_eos(self._vocab)
        return Closer(grammar, self, end if end >= 0 else api.llama_vocab_eot(self._vocab))

    def is_end(self, token: int) -> bool:
        """Tell whether a token ends the answer."""
        if token not in self._ends:
            self._ends[token] = bool(api.llama_vocab_is_eog(self._vocab, token))
        return self._ends[token]

    def control_tokens(self) -> dict[str, int]:
        """Return the text and number of every token that llama.cpp would read in a text as markup.

        A vocabulary may list markup as words of the user's, beside pieces of plain text such as two spaces.
        """
        marks: dict[str, int] = {}
        for number in range(self.vocabulary):
            kind = api.llama_vocab_get_attr(self._vocab, number)
            if kind & (api.LLAMA_TOKEN_ATTR_CONTROL | api.LLAMA_TOKEN_ATTR_USER_DEFINED):
                text = self.text_of(number)
                if kind & api.LLAMA_TOKEN_ATTR_CONTROL or MARKUP.fullmatch(text):
                    marks[text] = number
        return marks

    def text_of(self, token: int) -> str:
        """Return a control token's text, as a chat template writes it; "" for none."""
        return api.llama_vocab_get_text(self._vocab, token).decode() if token >= 0 else ""

    def beginning(self) -> int | None:
        """Return the token that every prompt must begin with, if there is one."""
        return api.llama_vocab_bos(self._vocab) if api.llama_vocab_get_add_bos(self._vocab) else None

    def borders(self) -> tuple[str, str]:
        """Return the texts of the tokens that begin and end a text."""
        return self.text_of(api.llama_vocab_bos(self._vocab)), self.text_of(api.llama_vocab_eos(self._vocab))

    def template(self) -> str:
        """Return the chat template that came with the model, or ""."""
        found = api.llama_model_chat_template(self._model, None)
        return found.decode() if found else ""

    def check_grammar(self, grammar: str) -> int:
        """Return how many tokens the shortest answer takes; raise ValueError for a grammar that can't be followed."""
        with self._vocab_lock:
            self._refuse_if_closed()
            Sampler(self._vocab, self._candidates, Sampling(grammar=grammar), None).close()
            return self.closer(grammar).least_tokens()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("the model has been closed")

    @property
    def is_on_gpu(self) -> bool:
        """Tell whether a card runs all layers."""
        return bool(self._gpu_layers == self._layers)

    @property
    def _gpu_layers(self) -> int:
        layers: int = self._layers
        return layers if self.offloaded < 0 else min(self.offloaded, layers)

    def device(self) -> str:
        """Say in words what runs the layers."""
        if not self.offloaded:
            return f"CPU, {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"GPU, {self._gpu_layers} of {self._layers} layers"


def supports_gpu() -> bool:
    """Tell whether llama.cpp was compiled for a card and finds one."""
    return bool(api.llama_supports_gpu_offload())


def likeliest(logits: npt.NDArray[np.float32], chosen: int, count: int) -> list[Likely]:
    """Return the chosen token and the `count` likeliest, each with the logarithm of its probability."""
    whole = np.logaddexp.reduce(logits)
    top = np.argpartition(logits, -count)[-count:] if count else np.empty(0, np.intp)
    tokens = [chosen, *top[np.argsort(logits[top])[::-1]].tolist()]
    return [(token, float(logits[token] - whole)) for token in tokens]


class Batch:
    """The one llama_batch, filled again for each decode."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, np.int32)
        self._position = np.zeros(size, np.int32)
        self._sequences = np.ones(size, np.int32)
        self._slot = np.zeros(size, np.int32)
        self._wanted = np.zeros(size, np.int8)
        first = self._slot.ctypes.data
        self._slots = np.arange(first, first + 4 * size, 4, dtype=np.uint64)
        self.struct = api.llama_batch()
        for field, array in (("token", self._token), ("pos", self._position), ("n_seq_id", self._sequences),
                             ("seq_id", self._slots), ("logits", self._wanted)):  # fmt: skip
            kind: Any = type(getattr(self.struct, field))
            setattr(self.struct, field, ctypes.cast(array.ctypes.data, kind))

    def fill(self, work: list[tuple[Sequence, int]]) -> None:
        """Write each sequence's next tokens; the last one of each that has no more is asked for its logits."""
        at = 0
        for sequence, count in work:
            seen, end, slot = sequence.seen, at + count, sequence.slot or 0
            if count == 1:
                self._token[at] = sequence.tokens[seen]
                self._position[at] = seen
                self._slot[at] = slot
            else:
                self._token[at:end] = sequence.tokens[seen : seen + count]
                self._position[at:end] = np.arange(seen, seen + count)
                self._slot[at:end] = slot
                self._wanted[at:end] = 0
            self._wanted[end - 1] = seen + count == len(sequence.tokens)
            at = end
        self.struct.n_tokens = at


class Sampler:
    """How one sequence chooses its tokens: a chain of llama.cpp's samplers, and a grammar asked only when needed."""

    def __init__(self, vocab: Any, candidates: "Candidates", sampling: Sampling, closer: Closer | None) -> None:
        self._vocab = vocab
        self._closer = closer
        self._greedy = not sampling.temperature
        self._candidates = candidates
        self._grammar = None
        if sampling.grammar:
            self._grammar = api.llama_sampler_init_grammar(vocab, sampling.grammar.encode(), b"root")
            if not self._grammar:
                raise ValueError("llama.cpp can't read this grammar")
        self._chain = _chain(len(candidates.all), sampling)

    def close(self) -> None:
        """Free the samplers."""
        api.llama_sampler_free(self._chain)
        if self._grammar:
            api.llama_sampler_free(self._grammar)

    @property
    def cut(self) -> bool:
        """Tell whether the answer had to be ended."""
        return self._closer is not None and self._closer.cut

    def choose(self, logits: npt.NDArray[np.float32], room: int) -> int:
        """Return the next token, of `room` that may still come, and remember that it was chosen."""
        token = self._apply(logits, restrained=False)
        if self._grammar and not self._allows(token):
            token = self._apply(logits, restrained=True)
        if self._closer and not api.llama_vocab_is_eog(self._vocab, token):
            token = self._closer.within_room(token, room)
        if self._grammar and not self._allows(token):  # llama.cpp would end the process
            raise DecodeFailed("no token fits the grammar")
        if not api.llama_vocab_is_eog(self._vocab, token):
            api.llama_sampler_accept(self._chain, token)
            if self._grammar:
                api.llama_sampler_accept(self._grammar, token)
        return token

    def _apply(self, logits: npt.NDArray[np.float32], *, restrained: bool) -> int:
        array = self._candidates.fill(logits)
        if restrained:
            api.llama_sampler_apply(self._grammar, ctypes.byref(array))
        api.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        """Ask the grammar about one token, which is much faster than asking it about all."""
        candidate = np.array([(token, 1.0, 0.0)], CANDIDATE)
        api.llama_sampler_apply(self._grammar, ctypes.byref(_array(candidate)))
        return bool(np.isfinite(candidate["logit"][0]))


class Candidates:
    """The whole vocabulary with its logits, in the form that samplers reorder; one for all sequences."""

    def __init__(self, vocabulary: int) -> None:
        self.all = np.zeros(vocabulary, CANDIDATE)
        self._numbers = np.arange(vocabulary, dtype=np.int32)

    def fill(self, logits: npt.NDArray[np.float32]) -> Any:
        """Return the llama_token_data_array of these logits."""
        self.all["id"] = self._numbers
        self.all["logit"] = logits
        return _array(self.all)


def _array(candidates: npt.NDArray[Any]) -> Any:
    data = ctypes.cast(candidates.ctypes.data, api.llama_token_data_p)
    return api.llama_token_data_array(data, len(candidates), -1, False)


def _chain(vocabulary: int, sampling: Sampling) -> Any:
    chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
    if sampling.repeat_penalty != 1:
        penalty = api.llama_sampler_init_penalties(vocabulary, 64, sampling.repeat_penalty, 0.0, 0.0)
        api.llama_sampler_chain_add(chain, penalty)
    if not sampling.temperature:
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_greedy())
        return chain
    seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
    for sampler in (
        api.llama_sampler_init_top_k(sampling.top_k),
        api.llama_sampler_init_top_p(sampling.top_p, 1),
        api.llama_sampler_init_min_p(sampling.min_p, 1),
        api.llama_sampler_init_temp(sampling.temperature),
        api.llama_sampler_init_dist(seed),
    ):
        api.llama_sampler_chain_add(chain, sampler)
    return chain
