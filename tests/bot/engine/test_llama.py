"""The engine on a real GGUF says what llama-cpp-python's own Llama says."""

import asyncio
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from langchain_core.messages import HumanMessage

from bot.engine.engine import Engine
from bot.engine.errors import EngineError
from bot.engine.llama import Llama, likeliest
from bot.engine.remote import RemoteChatModel
from bot.engine.sequence import Sampling, Sequence
from bot.engine.served_model import ServedModel
from bot.engine.stream import Ended, TokenPiece
from bot.settings import LlmSettings
from tests.conftest import wait_for

pytestmark = pytest.mark.model
GREEDY = Sampling(temperature=0)
QUESTIONS = ("What is the capital of France?", "Écris une phrase sur la mer.", "Count from one to ten.")


@pytest.fixture(scope="module")
def peer(small_model: Path) -> Iterator[llama_cpp.Llama]:
    model = llama_cpp.Llama(
        str(small_model), n_ctx=1024, n_threads=1, n_threads_batch=1, flash_attn=True, verbose=False
    )
    yield model
    model.close()


def prompt_of(model: ServedModel, question: str) -> list[int]:
    return model.tokenizer.encode(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n")


async def answer(engine: Engine, prompt: list[int], longest: int = 24) -> Sequence:
    sequence = Sequence(list(prompt), longest, sampling=GREEDY)
    async for _ in engine.stream(sequence):
        pass
    return sequence


def peers_answer(peer: llama_cpp.Llama, prompt: list[int], longest: int = 24) -> list[int]:
    peer.reset()
    tokens = []
    for token in peer.generate(prompt, temp=0.0, top_k=1, repeat_penalty=1.0):
        if llama_cpp.llama_vocab_is_eog(peer._model.vocab, token) or len(tokens) == longest:
            break
        tokens.append(token)
    return tokens


async def test_it_tells_how_likely_tokens_were(
    chat_model: RemoteChatModel, served: ServedModel, peer: llama_cpp.Llama
) -> None:
    """As OpenAI's API does, and with the numbers that Llama's own logits give, within the noise of another batch."""
    message = await chat_model.ainvoke(QUESTIONS[0], temperature=0, max_tokens=3, logprobs=True, top_logprobs=4)
    told = message.response_metadata["logprobs"]["content"]
    assert "".join(entry["token"] for entry in told) == message.text
    prompt = served.tokenizer.encode(served.template.render([HumanMessage(QUESTIONS[0])]))
    peer.reset()
    peer.eval(prompt)
    pointer = llama_cpp.llama_get_logits_ith(peer._ctx.ctx, -1)
    logits = np.ctypeslib.as_array(pointer, shape=(peer.n_vocab(),)).astype(np.float64)
    logprobs = np.sort(logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max())[::-1]
    assert [entry["logprob"] for entry in told[0]["top_logprobs"]] == pytest.approx(logprobs[:4].tolist(), abs=0.5)
    assert told[0]["logprob"] == told[0]["top_logprobs"][0]["logprob"]


def test_the_likeliest_tokens_are_told_best_first() -> None:
    logits = np.random.default_rng(0).normal(size=1000).astype(np.float32) * 5
    logprobs = logits - np.log(np.exp(logits.astype(np.float64)).sum())
    chosen, *top = likeliest(logits, 7, 5)
    assert chosen == (7, pytest.approx(float(logprobs[7]), abs=1e-4))
    best = np.argsort(logits)[::-1][:5]
    assert top == [(int(token), pytest.approx(float(logprobs[token]), abs=1e-4)) for token in best]
    assert likeliest(logits, 7, 0) == [chosen]


async def test_nothing_is_told_of_tokens_unless_asked(chat_model: RemoteChatModel) -> None:
    message = await chat_model.ainvoke(QUESTIONS[0], temperature=0, max_tokens=1)
    assert not message.response_metadata["logprobs"]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_alone_it_says_token_by_token_what_llama_says(
    served: ServedModel, peer: llama_cpp.Llama, question: str
) -> None:
    prompt = prompt_of(served, question)
    sequence = await answer(served.engine, prompt)
    assert sequence.tokens[len(prompt) :] == peers_answer(peer, prompt)


def test_prompts_are_tokenized_as_llama_does(served: ServedModel, peer: llama_cpp.Llama) -> None:
    text = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nÇa va ? 🙂  deux   espaces\n\n<|im_end|>\n"
    assert served.tokenizer.encode(text) == peer.tokenize(text.encode(), add_bos=False, special=True)


def test_company_changes_the_logits_only_by_noise(small_model: Path) -> None:
    """The same tokens forced on a sequence alone and beside two others."""
    model = Llama(small_model, LlmSettings(slots=3, context_tokens=1024, threads=1))
    forced = model.tokenize("The sea is wide and the night is long, said the old man to the boy.")
    alone = forced_logits(model, forced, company=[])
    for slot in range(3):
        model.trim(slot, 0)
    others = [model.tokenize("Bread is baked from flour, water and salt."), model.tokenize("One two three four five.")]
    together = forced_logits(model, forced, company=others)
    model.close()
    assert np.abs(alone - together).max() < 0.05 * np.abs(alone).max()
    assert (alone.argmax(axis=1) == together.argmax(axis=1)).mean() > 0.9


def forced_logits(model: Llama, forced: list[int], company: list[list[int]]) -> np.ndarray:
    rows = []
    sequences = [
        Sequence(list(tokens), 99, sampling=GREEDY, slot=slot) for slot, tokens in enumerate([forced, *company])
    ]
    for _ in range(len(forced)):
        work = [(each, 1) for each in sequences if each.todo]
        whole, sequences[0].tokens = sequences[0].tokens, sequences[0].tokens[: sequences[0].seen + 1]
        model.decode(work)
        rows.append(model._logits(1)[0].copy())
        sequences[0].tokens = whole
        for each, _ in work:
            each.seen += 1
    return np.stack(rows)


def test_a_parked_state_is_the_same_after_it_comes_back(small_model: Path) -> None:
    model = Llama(small_model, LlmSettings(slots=2, context_tokens=512, threads=1))
    tokens = model.tokenize("Once upon a time there was a king who had three daughters.")
    kept = Sequence(list(tokens), 9, sampling=GREEDY, slot=0)
    model.decode([(kept, len(tokens))])
    first = model._logits(1)[0].copy()
    state = model.save(0)
    assert model.load(1, state)
    assert model.held(1) == len(tokens)
    model.trim(1, len(tokens) - 1)
    back = Sequence(list(tokens), 9, sampling=GREEDY, slot=1, seen=len(tokens) - 1)
    model.decode([(back, 1)])
    again = model._logits(1)[0].copy()
    model.close()
    assert first.argmax() == again.argmax()
    assert np.abs(first - again).max() < 0.05 * np.abs(first).max()


def test_a_state_that_does_not_fit_is_refused(small_model: Path) -> None:
    model = Llama(small_model, LlmSettings(slots=2, context_tokens=512, threads=1))
    assert not model.load(0, b"")
    model.close()


async def test_streamed_is_whole(chat_model: RemoteChatModel) -> None:
    question = [("user", "Écris trois mots avec des accents et un émoji.")]
    whole = await chat_model.ainvoke(question, temperature=0, max_tokens=30)
    parts = [chunk.content async for chunk in chat_model.astream(question, temperature=0, max_tokens=30)]
    assert "".join(map(str, parts)) == whole.content
    assert "\ufffd" not in str(whole.content)


@pytest.mark.timeout(600)
async def test_a_thousand_random_operations_leave_nothing_behind(small_model: Path) -> None:
    """Ask, leave, let time run out: afterwards no cell is held by anyone, and no task is left."""
    model = Llama(small_model, LlmSettings(slots=4, context_tokens=1024, threads=1))
    engine = Engine(model, slots=4, waiting=16, parked_bytes=20_000_000)
    engine.start()
    dice = random.Random(7)
    before = asyncio.all_tasks()
    tasks: list[asyncio.Task[str]] = []
    for _ in range(1000):
        act = dice.random()
        if act < 0.5 or not tasks:
            tasks.append(asyncio.create_task(one(engine, model, dice)))
        else:
            dice.choice(tasks).cancel()
        if act > 0.9:
            await asyncio.sleep(0.02)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends} <= {str, asyncio.CancelledError} | set(EngineError.__subclasses__())
    await asyncio.to_thread(wait_for, lambda: not (engine._commands or engine._jobs), 60)
    engine.check()
    assert asyncio.all_tasks() == before
    assert not model._samplers
    engine.close()
    assert not any(thread.name == "engine" and thread is engine._thread for thread in threading.enumerate())


async def one(engine: Engine, model: Llama, dice: random.Random) -> str:
    words = ["sea", "king", "bread", "night", "boy", "three", "daughters", "long", "old"]
    text = "You are kind and brief. " * 2 + " ".join(dice.choices(words, k=dice.randint(1, 30)))
    sampling = Sampling(temperature=dice.choice([0, 0.8]))
    deadline = asyncio.get_running_loop().time() + dice.choice([0.05, 60, 60])
    sequence = Sequence(model.tokenize(text), dice.randint(1, 6), sampling=sampling, deadline=deadline)
    said = ""
    async for event in engine.stream(sequence):
        if isinstance(event, TokenPiece):
            said += event.text
        if isinstance(event, Ended):
            assert event.prompt_tokens == sequence.prompt
    return said


def test_threads_that_ask_for_pieces_at_once_each_get_their_own(small_model: Path) -> None:
    """One buffer for all of them gave a token another's text now and then, and kept it until the restart."""
    model = Llama(small_model, LlmSettings(slots=1, context_tokens=512, threads=1))
    tokens = list(range(100, 2100))
    alone = [model.piece(token) for token in tokens]
    wrong: list[int] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def ask(first: int) -> None:
        for place in [*range(first, len(tokens), 4)] * 20:
            model._pieces.pop(tokens[place], None)
            if model.piece(tokens[place]) != alone[place]:
                wrong.append(tokens[place])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    model.close()
    assert not wrong
