"""How fast a model reads and writes, by two questions of our own that take about five seconds together."""

import random
import time
from contextlib import aclosing
from dataclasses import dataclass

from langchain_core.messages import AIMessageChunk

from bot.engine.remote import RemoteChatModel

TASK = "Write these numbers once more, all of them, in the same order: "
TRIAL_NUMBERS, TRIAL_TOKENS = 20, 8  # 110 tokens read and 8 written: 2 seconds on two cores
PART_SECONDS = 1.5  # of reading, and of writing, in the second question
LONGEST_TRIAL_SECONDS = 3.0  # a machine that takes longer is judged by the trial
MOST_NUMBERS = 2000
TOKENS_A_NUMBER = 4  # three digits and a space, in most vocabularies: only the size of the question depends on it


@dataclass(frozen=True)
class Speed:
    """Tokens a second of one request with nothing beside it."""

    reading: float
    writing: float  # 0 where the answer had one token


@dataclass(frozen=True)
class _Run:
    prompt_tokens: int
    answer_tokens: int
    first_seconds: float  # until the first token
    seconds: float  # in all

    @property
    def speed(self) -> Speed:
        return Speed(
            self.prompt_tokens / self.first_seconds,
            max(0, self.answer_tokens - 1) / max(self.seconds - self.first_seconds, 1e-6),
        )


async def measure_speed(model: RemoteChatModel) -> Speed:
    """Ask a small question, then one as large as the time allows; raise EngineError where it is not answered."""
    trial = await _run(model, TRIAL_NUMBERS, TRIAL_TOKENS)
    if trial.seconds > LONGEST_TRIAL_SECONDS:
        return trial.speed
    prompt_tokens = min(trial.speed.reading * PART_SECONDS, model.context_tokens / 2)
    numbers = min(MOST_NUMBERS, max(TRIAL_NUMBERS, int(prompt_tokens / TOKENS_A_NUMBER)))
    answer_tokens = int(min(trial.speed.writing * PART_SECONDS, model.context_tokens / 4))
    return (await _run(model, numbers, max(TRIAL_TOKENS, answer_tokens))).speed


async def _run(model: RemoteChatModel, numbers: int, answer_tokens: int) -> _Run:
    """Time one answer; numbers drawn anew, so that nothing is remembered of them."""
    prompt = TASK + " ".join(str(random.randrange(100, 1000)) for _ in range(numbers))  # noqa: S311 - no secret
    began, first, whole = time.monotonic(), 0.0, AIMessageChunk(content="")
    stream = model.astream(prompt, max_tokens=answer_tokens, temperature=0.0, extra_body=_extra(model))
    pieces = 0
    async with aclosing(stream) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.content:
                first = first or time.monotonic() - began
                pieces += 1
            whole += chunk
    seconds = time.monotonic() - began
    usage = whole.usage_metadata
    return _Run(
        usage["input_tokens"] if usage else model.count_tokens(prompt),
        usage["output_tokens"] if usage else pieces,
        first or seconds,
        seconds,
    )


def _extra(model: RemoteChatModel) -> dict[str, object]:
    """Keep our own engine from ending the answer early; another server might refuse the option."""
    return {**(model.extra_body or {}), **({"ignore_eos": True} if model.served_device else {})}
