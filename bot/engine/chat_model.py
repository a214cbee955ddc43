"""The engine as a LangChain chat model."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, PrivateAttr

from bot.engine import sequence
from bot.engine.engine import Engine
from bot.engine.errors import TooLong
from bot.engine.grammar import grammar_of
from bot.engine.llama import Llama
from bot.engine.person import PERSON
from bot.engine.prompt import ChatTemplate, template_of
from bot.engine.stream import Ended, Event, TokenPiece, Waiting
from bot.engine.structured import structured
from bot.engine.tokenizer import Tokenizer

LEAST_ANSWER_TOKENS = 16  # a prompt that leaves room for less is refused
JSON_SCHEMA: dict[str, Any] = {"type": "object"}
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")


class EngineChatModel(BaseChatModel):
    """A model of this machine that answers many at once."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model_name: str = "local"
    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None
    max_tokens: int = 700
    stop: list[str] | None = None
    timeout: float = 600  # seconds, the time in line included
    engine: Engine
    llama: Llama
    _tokenizer: Tokenizer = PrivateAttr()
    _template: ChatTemplate = PrivateAttr()

    def model_post_init(self, _: Any) -> None:
        """Read what the model says of its words and its way to chat."""
        self._tokenizer = Tokenizer(self.llama.tokenize, self.llama.control_tokens(), self.llama.beginning())
        self._template = ChatTemplate(template_of(self.llama), self.llama.borders(), self._tokenizer.disarm)

    @property
    def _llm_type(self) -> str:
        return "folio-engine"

    @property
    def context_tokens(self) -> int:
        """Return the longest prompt and answer of one request together."""
        return self.llama.longest

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text takes."""
        return self._tokenizer.count(text)

    def get_num_tokens(self, text: str) -> int:
        """Return the same, under LangChain's name."""
        return self.count_tokens(text)

    def device(self) -> str:
        """Say what runs the layers."""
        return self.llama.device()

    def statistics(self) -> dict[str, float]:
        """Return counts since the start, and what is held now."""
        return self.engine.statistics()

    async def aclose(self) -> None:
        """End all answers and free the model."""
        await asyncio.to_thread(self.engine.close)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, method: str = "json_schema", **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answer in the form of a schema: a grammar lets through nothing else."""
        return structured(self, schema, include_raw=include_raw, method=method, **kwargs)

    # What LangChain calls.

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = Completion(self, messages, kwargs)
        for event in self.engine.stream_in_thread(answer.sequence, self._stop(stop)):
            chunk = answer.chunk(event)
            if run_manager and isinstance(event, TokenPiece):
                run_manager.on_llm_new_token(event.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = Completion(self, messages, kwargs)
        events = self.engine.stream(answer.sequence, self._stop(stop))
        try:
            async for event in events:
                chunk = answer.chunk(event)
                if run_manager and isinstance(event, TokenPiece):
                    await run_manager.on_llm_new_token(event.text, chunk=chunk)
                yield chunk
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # at once, not when it is collected

    def _stop(self, stop: Sequence[str] | None) -> tuple[str, ...]:
        return tuple(stop if stop is not None else self.stop or ())

    def _sequence(self, prompt: str, options: dict[str, Any]) -> sequence.Sequence:
        tokens = self._tokenizer.encode(prompt)
        grammar = grammar_in(options)
        allowed = int(options.get("max_tokens") or self.max_tokens)
        least = self._least_tokens(grammar, allowed)
        room = self.context_tokens - len(tokens) + 1
        if room < least:
            raise TooLong(len(tokens), self.context_tokens - least + 1)
        return sequence.Sequence(
            tokens,
            min(allowed, room),
            person=PERSON.get(),
            sampling=self._sampling(grammar, options),
            deadline=time.monotonic() + self.timeout,
        )

    def _least_tokens(self, grammar: str, allowed: int) -> int:
        """Return how much room an answer needs; raise ValueError where the shortest one takes more than is allowed."""
        shortest = self.llama.check_grammar(grammar) if grammar else 0
        if shortest > allowed:
            raise ValueError(f"the shortest answer of this form has {shortest} tokens, max_tokens allows {allowed}")
        return max(shortest, LEAST_ANSWER_TOKENS)

    def _sampling(self, grammar: str, options: dict[str, Any]) -> sequence.Sampling:
        """Return how tokens are chosen: within a form always the likeliest, unless a temperature was asked for."""
        chosen = {name: getattr(self, name) for name in SAMPLING}
        if grammar and "temperature" not in self.model_fields_set:
            chosen["temperature"] = 0.0
        chosen |= {name: options[name] for name in SAMPLING if name in options}
        logprobs = int(options.get("top_logprobs") or 0) if options.get("logprobs") else None
        return sequence.Sampling(**chosen, grammar=grammar, logprobs=logprobs)


class Completion:
    """One request on its way: the events of the engine become LangChain's chunks."""

    def __init__(self, model: EngineChatModel, messages: list[BaseMessage], options: dict[str, Any]) -> None:
        self._model = model
        self._prompt = model._template.render(messages)
        self._text: list[str] = []
        self.sequence = model._sequence(self._prompt, options)

    def chunk(self, event: Event) -> ChatGenerationChunk:
        """Return the chunk that says the same."""
        match event:
            case TokenPiece(text):
                self._text.append(text)
                return ChatGenerationChunk(message=AIMessageChunk(content=text))
            case Waiting(position, seconds):
                place = {"queue_position": position, "expected_wait_seconds": seconds}
                return ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata=place))
            case Ended():
                return self._last(event)
        raise event

    def _last(self, ended: Ended) -> ChatGenerationChunk:
        tokens = self.sequence.tokens[self.sequence.prompt :]
        text = "".join(self._text)
        if b"".join(map(self._model.llama.piece, tokens)) == text.encode():  # not so where a stop string was cut off
            self._model._tokenizer.remember_answer(self._prompt, text, tokens)
        usage = UsageMetadata(
            input_tokens=ended.prompt_tokens,
            output_tokens=ended.answer_tokens,
            total_tokens=ended.prompt_tokens + ended.answer_tokens,
            input_token_details=InputTokenDetails(cache_read=ended.reused_tokens),
        )
        about: dict[str, Any] = {"finish_reason": ended.reason, "model_name": self._model.model_name}
        if self.sequence.sampling.logprobs is not None:
            about["logprobs"] = {"content": [self._told(likely) for likely in self.sequence.logprobs[: len(tokens)]]}
        message = AIMessageChunk(content="", usage_metadata=usage, response_metadata=about, chunk_position="last")
        return ChatGenerationChunk(message=message)

    def _told(self, likely: list[sequence.Likely]) -> dict[str, Any]:
        """Return what is told of one token, in OpenAI's form."""
        chosen, *others = [
            {"token": piece.decode("utf-8", "replace"), "bytes": list(piece), "logprob": logprob}
            for piece, logprob in ((self._model.llama.piece(token), logprob) for token, logprob in likely)
        ]
        return {**chosen, "top_logprobs": others}


def grammar_in(options: dict[str, Any]) -> str:
    """Return the grammar that `grammar` or OpenAI's `response_format` asks for; raise ValueError."""
    form = options.get("response_format") or {}
    match form.get("type"):
        case "json_schema":
            return grammar_of(json.dumps(form["json_schema"]["schema"]))
        case "json_object":
            return grammar_of(json.dumps(JSON_SCHEMA))
    return str(options.get("grammar") or "")
