"""Every kind of model answers as if it were alone: after other chats, from a parked state, side by side."""

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.engine.engine import Engine
from bot.engine.llama import Llama
from bot.engine.sequence import Sampling, Sequence
from bot.settings import LlmSettings
from tests.bot.engine.tiny_models import KINDS, write_model

GREEDY = Sampling(temperature=0)
BEGINNING = random.Random(1).choices(range(6, 262), k=82)  # the rules that all chats begin with
ANSWER_TOKENS = 12

CHATS = ((1, 170), (2, 150), (3, 100), (5, 60))  # seed, tokens

OpenEngine = Callable[..., Engine]


def chat(number: int, tokens: int = 40) -> list[int]:
    """Return a prompt: the beginning that all share, and what is this chat's own."""
    return BEGINNING + random.Random(100 + number).choices(range(6, 262), k=tokens)


async def answer(engine: Engine, prompt: list[int]) -> list[int]:
    """Return the tokens of an answer."""
    sequence = Sequence(list(prompt), ANSWER_TOKENS, sampling=GREEDY)
    async for _ in engine.stream(sequence):
        pass
    return sequence.tokens[len(prompt) :]


@pytest.fixture(params=sorted(KINDS))
def model_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One model of each kind."""
    return write_model(tmp_path / "tiny.gguf", request.param)


@pytest.fixture
def open_engine(model_path: Path) -> Iterator[OpenEngine]:
    """Start engines on the model."""
    engines: list[Engine] = []

    def start(slots: int, parked_bytes: int = 0, context_tokens: int = 1024) -> Engine:
        model = Llama(model_path, LlmSettings(slots=slots, context_tokens=context_tokens, threads=1))
        engine = Engine(model, slots=slots, parked_bytes=parked_bytes)
        engine.start()
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.close()


async def alone(open_engine: OpenEngine, *prompts: list[int]) -> list[list[int]]:
    """Return what a fresh engine answers to each prompt."""
    return [await answer(open_engine(1), prompt) for prompt in prompts]


async def test_it_answers_after_other_chats_as_if_alone(open_engine: OpenEngine) -> None:
    prompts = [chat(number, 140) for number in range(4)]
    expected = await alone(open_engine, *prompts)
    engine = open_engine(2)
    assert [await answer(engine, prompt) for prompt in [*prompts, prompts[0]]] == [*expected, expected[0]]


async def test_a_follow_up_goes_on_as_if_alone(open_engine: OpenEngine) -> None:
    engine = open_engine(2)
    first = chat(1)
    follow_up = [*first, *await answer(engine, first), *chat(9)[-20:]]
    await answer(engine, chat(2))
    assert [await answer(engine, follow_up)] == await alone(open_engine, follow_up)
    assert await answer(engine, first) == follow_up[len(first) : len(first) + ANSWER_TOKENS]


async def test_a_parked_chat_goes_on_as_if_alone(open_engine: OpenEngine) -> None:
    engine = open_engine(1, parked_bytes=50_000_000)
    first = chat(1, 120)
    said = await answer(engine, first)
    for number in range(2, 5):
        await answer(engine, chat(number, 120))
    follow_up, other = [*first, *said, *chat(9)[-20:]], [*first[:150], *chat(8)[-30:]]
    expected = await alone(open_engine, follow_up, other)
    assert [await answer(engine, follow_up), await answer(engine, other)] == expected


async def test_chats_side_by_side_do_not_disturb_each_other(open_engine: OpenEngine) -> None:
    prompts = [chat(number, 30 + 10 * number) for number in range(5)]
    expected = await alone(open_engine, *prompts)
    engine = open_engine(3)
    assert await asyncio.gather(*(answer(engine, prompt) for prompt in prompts)) == expected


async def test_no_chat_goes_on_from_cells_that_another_wrote_over(open_engine: OpenEngine) -> None:
    """Beginnings are shared and left in such an order that a window's forgotten cells are taken by other chats."""
    first, second, third, fourth = (random.Random(seed).choices(range(6, 262), k=length) for seed, length in CHATS)
    engine = open_engine(4, context_tokens=512)

    async def ask(prompt: list[int], seed: int, more: int = 20) -> list[int]:
        prompt = prompt + random.Random(seed).choices(range(6, 262), k=more)
        said = await answer(engine, prompt)
        assert [said] == await alone(open_engine, prompt)
        return prompt + said

    went_on = await ask(first, 11, 0)
    await ask(second, 12, 0)
    await ask(third, 13, 0)
    went_on = await ask(went_on, 14, 10)
    await ask(fourth, 15, 0)
    for prompt in (first[:100], first[:150], went_on, fourth[:55], third[:60], fourth[:50]):
        await ask(prompt, len(prompt))
