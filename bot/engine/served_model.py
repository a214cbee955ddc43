"""A model of this machine with its engine: a chat request becomes a sequence, the engine's events become an answer."""

import json
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from langchain_core.messages import convert_to_messages

from bot.engine.engine import Engine
from bot.engine.errors import TooLong
from bot.engine.grammar import grammar_of
from bot.engine.llama import Llama
from bot.engine.prompt import ChatTemplate, template_of
from bot.engine.protocol import BadRequest, ChatRequest, Json
from bot.engine.sequence import Likely, Sampling, Sequence
from bot.engine.stream import Ended, Event, TokenPiece
from bot.engine.suspects import Suspects
from bot.engine.tokenizer import Tokenizer
from bot.settings import LlmSettings

LEAST_ANSWER_TOKENS = 16  # a prompt that leaves room for less is refused
ANY_OBJECT: Json = {"type": "object"}
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")


class Completion:
    """One request on its way: what the engine has told, and what of it was passed on."""

    def __init__(self, prompt: str, sequence: Sequence, stops: tuple[str, ...]) -> None:
        self.prompt = prompt
        self.sequence = sequence
        self.stops = stops
        self.text: list[str] = []
        self._told = 0  # tokens whose likelihoods were passed on

    def news(self) -> list[list[Likely]] | None:
        """Return the likelihoods of the tokens since the last call; None where they were not asked for."""
        if self.sequence.sampling.logprobs is None:
            return None
        answer = len(self.sequence.tokens) - self.sequence.prompt  # the token that ends it is not told
        likely = self.sequence.logprobs[self._told : answer]
        self._told += len(likely)
        return likely


class ServedModel:
    """Answers chat requests; its words are tokenized in one thread, so that the event loop goes on meanwhile."""

    def __init__(self, path: Path, settings: LlmSettings, suspects: Suspects | None = None) -> None:
        """Load a GGUF file and start its engine; blocks. Raises Unavailable."""
        self.name = path.stem
        self.settings = settings
        self.suspects = suspects or Suspects(None)
        self.llama = Llama(path, settings)
        self.tokenizer = Tokenizer(self.llama.tokenize, self.llama.control_tokens(), self.llama.beginning())
        self.template = ChatTemplate(template_of(self.llama), self.llama.borders(), self.tokenizer.disarm)
        self.engine = Engine(
            self.llama,
            slots=settings.slots,
            waiting=settings.waiting,
            parked_bytes=settings.parked_bytes,
            suspects=self.suspects,
        )
        self.tokenizing = ThreadPoolExecutor(1, "words")
        self.engine.start()

    def close(self) -> None:
        """End all answers and free the model; blocks."""
        self.engine.close()
        self.tokenizing.shutdown()

    def about(self) -> Json:
        """Return what /v1/models tells: names of llama-server and vLLM, and the device."""
        device = {"device": self.llama.device(), "on_gpu": self.llama.is_on_gpu}
        meta = {"n_ctx": self.llama.longest, "n_vocab": self.llama.vocabulary, **device}
        return {"id": self.name, "object": "model", "created": 0, "owned_by": "folio",
                "max_model_len": self.llama.longest, "meta": {**meta, "n_slots": self.settings.slots}}  # fmt: skip

    def prepare(self, request: ChatRequest, key: str = "") -> Completion:
        """Write a request as a sequence, in the words thread; raise ValueError, TooLong, EngineDied."""
        alone = self.suspects.is_suspect(key)
        with self.suspects.at(key):
            prompt = self.template.render(convert_to_messages(request.messages))
            tokens = self.tokenizer.encode(prompt)
            grammar = grammar_in(request)
            allowed = request.answer_tokens or self.settings.answer_tokens
            least = self._least_tokens(grammar, allowed)
            room = self.llama.longest - len(tokens) + 1
        if room < least:
            raise TooLong(len(tokens), self.llama.longest - least + 1)
        sequence = Sequence(
            tokens,
            min(allowed, room),
            person=request.user or "",
            key=key,
            ends=not request.ignore_eos,
            alone=alone,
            sampling=sampling_of(request, grammar),
            deadline=time.monotonic() + self.settings.timeout_seconds,
        )
        return Completion(prompt, sequence, request.stops)

    async def events(self, completion: Completion) -> AsyncIterator[Event]:
        """Yield what happens to a request until its answer has ended; leaving early cancels it. Raises EngineError."""
        stream = self.engine.stream(completion.sequence, completion.stops)
        async with aclosing(stream) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, TokenPiece):
                    completion.text.append(event.text)
                if isinstance(event, Ended):
                    self.tokenizing.submit(self._remember, completion)
                yield event

    def tell(self, likely: list[list[Likely]] | None) -> list[Json] | None:
        """Return likelihoods in OpenAI's form."""
        return None if likely is None else [self._tell_one(each) for each in likely]

    def _tell_one(self, likely: list[Likely]) -> Json:
        chosen, *others = [
            {"token": piece.decode("utf-8", "replace"), "bytes": list(piece), "logprob": logprob}
            for piece, logprob in ((self.llama.piece(token), logprob) for token, logprob in likely)
        ]
        return {**chosen, "top_logprobs": others}

    def _remember(self, completion: Completion) -> None:
        """Let a follow-up begin with the very tokens of this answer; not so where a stop string was cut off."""
        sequence, text = completion.sequence, "".join(completion.text)
        tokens = sequence.tokens[sequence.prompt :]
        if b"".join(map(self.llama.piece, tokens)) == text.encode():
            self.tokenizer.remember_answer(completion.prompt, text, tokens)

    def _least_tokens(self, grammar: str, allowed: int) -> int:
        """Return how much room an answer needs; raise ValueError where the shortest one takes more than is allowed."""
        shortest = self.llama.check_grammar(grammar) if grammar else 0
        if shortest > allowed:
            raise ValueError(f"the shortest answer of this form has {shortest} tokens, max_tokens allows {allowed}")
        return max(shortest, LEAST_ANSWER_TOKENS)


def sampling_of(request: ChatRequest, grammar: str) -> Sampling:
    """Return how tokens are chosen: within a form always the likeliest, unless a temperature was asked for."""
    chosen: dict[str, Any] = {"temperature": 0.0} if grammar else {}
    chosen |= {name: value for name in SAMPLING if (value := getattr(request, name)) is not None}
    return Sampling(**chosen, grammar=grammar, logprobs=(request.top_logprobs or 0) if request.logprobs else None)


def grammar_in(request: ChatRequest) -> str:
    """Return the grammar that `grammar` or `response_format` asks for; raise BadRequest or ValueError."""
    form = request.response_format or {}
    match form.get("type"):
        case "json_schema":
            try:
                return grammar_of(json.dumps(form["json_schema"]["schema"]))
            except (KeyError, TypeError):
                raise BadRequest("response_format: json_schema.schema is missing") from None
        case "json_object":
            return grammar_of(json.dumps(ANY_OBJECT))
        case None | "text":
            return request.grammar or ""
    raise BadRequest("response_format: type must be text, json_object or json_schema")
