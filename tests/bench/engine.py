"""How fast the engine is, each figure a ratio against a peer in the same run: `python -m bot bench engine [GGUF]`."""

import asyncio
import itertools
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.engine.protocol import ChatRequest
from bot.engine.remote import RemoteChatModel, connect
from bot.engine.served_model import ServedModel
from bot.engine.server import Address, Server
from bot.settings import LlmSettings, Settings
from indexing.cores import default_threads

CHATS, ANSWER_TOKENS, ROUNDS = 8, 64, 5
TOPICS = ("tides", "bread", "glass", "bees", "trains", "ink", "salt", "clocks")
SYSTEM = (
    "Run {nonce}. You are the assistant of a small team. Be brief and kind, answer in the language of the question, "
    "never invent facts, say so when you do not know, and end with one short suggestion of what to ask next. Do not "
    "repeat the question, do not greet, do not apologise, and do not use tables. When somebody asks for a list, give "
    "at most five points. When somebody asks for a number, give its unit as well."
)
QUESTION = (
    "I read something about {topic} today and would like to understand it. Explain how {topic} came to be, please."
)
WORDS = "the sea is wide and the night is long "
LONG, THREAD = 330, 215  # times that make 3,000 and 2,000 tokens
SERVER_TOKENS = 4096  # of each of the server's slots: it refuses longer prompts at once
SPEECH_TOKENS = 150  # of one who speaks while a long prompt comes in
Row = dict[str, Any]


def messages(nonce: str, topic: str) -> list[dict[str, str]]:
    """Return one chat of about 150 tokens, of which a hundred are common to all of the same run."""
    return [
        {"role": "system", "content": SYSTEM.format(nonce=nonce)},
        {"role": "user", "content": QUESTION.format(topic=topic)},
    ]


# Each contender answers eight chats and returns (seconds in all, seconds to the last one's first token).


class Ours:
    """The engine behind its server, all eight at once."""

    def __init__(self, path: Path, threads: int) -> None:
        self.settings = LlmSettings(threads=threads, context_tokens=8192)
        self.served = ServedModel(path, self.settings)
        self.folder = TemporaryDirectory()
        self.server = Server(lambda: self.served)
        self.model: RemoteChatModel

    async def open(self) -> "Ours":
        """Listen in this process, so that its parts can be timed; as a process of its own it is no slower."""
        socket = Path(self.folder.name) / "engine.sock"
        await self.server.start(Address(socket))
        self.model = await connect(self.settings, socket)
        return self

    async def close(self) -> None:
        """Free everything."""
        await self.model.aclose()
        await self.server.stop()
        self.folder.cleanup()

    async def chats(self, nonce: str) -> tuple[float, float]:
        began = time.perf_counter()
        firsts = await asyncio.gather(*(self.first(messages(nonce, topic), person=topic) for topic in TOPICS))
        return time.perf_counter() - began, max(firsts) - began

    async def first(self, chat: list[dict[str, str]], tokens: int = ANSWER_TOKENS, person: str = "") -> float:
        """Return when the first token came; read the rest. One person alone may not have all slots."""
        first = 0.0
        async for chunk in self.stream(chat, tokens, person):
            if chunk.content and not first:
                first = time.perf_counter()
        return first

    def stream(self, chat: list[dict[str, str]], tokens: int, person: str = "") -> AsyncIterator[Any]:
        """Let it say so many tokens, whatever it means to say."""
        return self.model.astream(chat, temperature=0, max_tokens=tokens, user=person, extra_body={"ignore_eos": True})

    def tokens(self, chat: list[dict[str, str]]) -> list[int]:
        """Return the prompt."""
        return self.served.prepare(ChatRequest(messages=chat)).sequence.tokens


class Serial:
    """llama-cpp-python's Llama, one after the other; it keeps what a prompt has in common with the one before."""

    def __init__(self, path: Path, threads: int) -> None:
        from llama_cpp import Llama

        self.llama = Llama(
            str(path), n_ctx=8192, n_threads=threads, n_threads_batch=threads, flash_attn=True, verbose=False
        )

    def chats(self, prompts: list[list[int]]) -> tuple[float, float]:
        self.llama.reset()
        began, first = time.perf_counter(), 0.0
        for prompt in prompts:
            answer = self.llama.generate(prompt, temp=0.0, top_k=1, repeat_penalty=1.0)
            for number in range(ANSWER_TOKENS):
                self.llama.detokenize([next(answer)])
                first = time.perf_counter() if number == 0 else first
        return time.perf_counter() - began, first - began


class LlamaServer:
    """llama.cpp's own server in xllamacpp: eight slots, the same file, the same threads."""

    def __init__(self, path: Path, threads: int) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_parallel, parameters.n_ctx, parameters.verbosity = CHATS, CHATS * SERVER_TOKENS, -1
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        self.server = xllamacpp.Server(parameters)

    def chats(self, nonce: str) -> tuple[float, float]:
        began, firsts = time.perf_counter(), []
        readers = [
            threading.Thread(target=lambda topic=topic: firsts.append(self.first(messages(nonce, topic))[0]))
            for topic in TOPICS
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return time.perf_counter() - began, max(firsts) - began

    def first(self, chat: list[dict[str, str]], tokens: int = ANSWER_TOKENS) -> list[float]:
        """Return when each piece came."""
        times: list[float] = []
        request = {"messages": chat, "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True}
        self.server.handle_chat_completions(request, lambda _: times.append(time.perf_counter()) and None)
        return times[1:] or times  # the first only says who speaks


def row(work: str, model: str, ours: list[float], peer: str, peers: list[float], target: float) -> Row:
    """Compare medians."""
    mine, other = statistics.median(ours), statistics.median(peers)
    return {"work": work, "model": model, "ours_s": round(mine, 4), "peer": peer, "peer_s": round(other, 4),
            "ratio": round(mine / other, 3), "target": target}  # fmt: skip


async def eight_chats(path: Path, threads: int, rounds: int, big: bool) -> list[Row]:
    """Run the contenders alternately, cold and with every prompt cached."""
    ours, serial, server = await Ours(path, threads).open(), Serial(path, threads), LlamaServer(path, threads)
    seen: dict[str, list[float]] = {}

    def note(name: str, result: tuple[float, float]) -> None:
        seen.setdefault(name, []).append(result[0])
        seen.setdefault(name + " first", []).append(result[1])

    for number in range(rounds + 1):
        print(f"{path.stem}: round {number} of {rounds}", file=sys.stderr, flush=True)
        if number == 1:
            seen.clear()  # the first round warms up
        nonce = f"{number}-{time.time_ns()}"
        prompts = [ours.tokens(messages(nonce, topic)) for topic in TOPICS]
        note("ours cold", await ours.chats(nonce))
        note("server cold", await asyncio.to_thread(server.chats, nonce))
        note("serial", await asyncio.to_thread(serial.chats, prompts))
        note("ours cached", await ours.chats(nonce))
        note("server cached", await asyncio.to_thread(server.chats, nonce))
    print(f"{path.stem}: steps and gaps", file=sys.stderr, flush=True)
    shares = [await python_share(ours) for _ in range(rounds)]
    gaps = [await longest_gap(ours, server, number) for number in range(rounds)]
    cold = 0.55 if big else 0.45
    rows = [
        row("8 chats, cold", path.stem, seen["ours cold"], "Llama, serial", seen["serial"], cold),
        row("8 chats, cold", path.stem, seen["ours cold"], "xllamacpp server", seen["server cold"], cold),
        row("8 chats, cached", path.stem, seen["ours cached"], "xllamacpp server", seen["server cached"], 1.0),
        row("first token of the last, cold", path.stem, seen["ours cold first"], "Llama, serial",
            seen["serial first"], 0.10 if big else 0.12),
        row("longest gap beside a 3,000-token prompt", path.stem, [g[0] for g in gaps], "xllamacpp server",
            [g[1] for g in gaps], 0.5),
        row("Python's share of a step of 8", path.stem, [s[0] for s in shares], "the step",
            [s[1] for s in shares], 0.08),
    ]  # fmt: skip
    del server
    await ours.close()
    return rows


async def python_share(ours: Ours) -> tuple[float, float]:
    """Return the seconds of an average step outside llama_decode, and of the whole step."""
    spent = {"step": 0.0, "decode": 0.0}
    engine, llama = ours.served.engine, ours.served.llama
    with timed(engine, "step", spent, "step"), timed(llama, "decode", spent, "decode"):
        before = engine.counts.decodes
        await ours.chats(f"share {time.time_ns()}")
        steps = engine.counts.decodes - before
    return (spent["step"] - spent["decode"]) / steps, spent["step"] / steps


@contextmanager
def timed(thing: Any, name: str, spent: dict[str, float], key: str) -> Iterator[None]:
    """Add up the seconds that a method takes."""
    method: Callable[..., Any] = getattr(thing, name)

    def timing(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments)
        finally:
            spent[key] += time.perf_counter() - began

    setattr(thing, name, timing)
    yield
    delattr(thing, name)


async def longest_gap(ours: Ours, server: LlamaServer, number: int) -> tuple[float, float]:
    """Let one speak while a 3,000-token prompt comes in; return the longest silence, ours and the server's."""
    long = [{"role": "user", "content": f"{number} {time.time_ns()} " + WORDS * LONG}]
    speaker = messages(f"gap {time.time_ns()}", "tides")
    return await our_gap(ours, speaker, long), await asyncio.to_thread(servers_gap, server, speaker, long)


async def our_gap(ours: Ours, speaker: list[dict[str, str]], long: list[dict[str, str]]) -> float:
    times: list[float] = []
    speaks = asyncio.Event()

    async def speak() -> None:
        async for chunk in ours.stream(speaker, SPEECH_TOKENS):
            if chunk.content:
                times.append(time.perf_counter())
                speaks.set()

    talking = asyncio.create_task(speak())
    await speaks.wait()
    began = time.perf_counter()
    ended = await ours.first(long, 1)
    await talking
    return gap(times, began, ended)


def servers_gap(server: LlamaServer, speaker: list[dict[str, str]], long: list[dict[str, str]]) -> float:
    times: list[float] = []
    speaks = threading.Event()

    def hear(_: object) -> None:
        times.append(time.perf_counter())
        if len(times) > 2:  # the first only says who speaks
            speaks.set()

    request = {"messages": speaker, "max_tokens": SPEECH_TOKENS, "temperature": 0, "stream": True, "ignore_eos": True}
    talking = threading.Thread(target=server.server.handle_chat_completions, args=(request, hear))
    talking.start()
    speaks.wait()
    began = time.perf_counter()
    ended = server.first(long, 1)[0]
    talking.join()
    return gap(times, began, ended)


def gap(times: list[float], began: float, ended: float) -> float:
    """Return the longest silence between pieces of a stream, of those that touch the time given."""
    pairs = [pair for pair in itertools.pairwise(times) if pair[1] >= began and pair[0] <= ended]
    return max(later - earlier for earlier, later in pairs)


async def follow_up(path: Path, threads: int, rounds: int) -> Row:
    """Go on with a thread of 2,000 tokens after 20 others have spoken, against computing it again."""
    ours = await Ours(path, threads).open()
    back, again = [], []
    others = [[{"role": "user", "content": f"{topic} {n} and nothing else"}] for n in range(3) for topic in TOPICS][:20]
    for number in range(rounds):
        print(f"{path.stem}: follow-up {number + 1} of {rounds}", file=sys.stderr, flush=True)
        text = f"{number} " + WORDS * THREAD
        thread = [{"role": "user", "content": text}]
        began = time.perf_counter()
        again.append(await ours.first(thread, 1) - began)
        for other in others:
            await ours.first([{"role": "user", "content": f"{number} " + other[0]["content"] + " please" * 70}], 2)
        began = time.perf_counter()
        back.append(await ours.first([*thread, {"role": "user", "content": "And then?"}], 1) - began)
    await ours.close()
    return row("follow-up in a parked thread: first token", path.stem, back, "computing it again", again, 0.02)


def main(arguments: list[str]) -> None:
    """Run on the files named, or on the smallest preset and the default; print a table, and JSON on the last line."""
    from bot.models.fetch import fetch_llm

    presets = ("preset:smollm2-135m", "preset:qwen2.5-coder-1.5b")
    paths = [Path(name) for name in arguments] or [fetch_llm(name, Settings({}).cache_dir) for name in presets]
    threads = int(os.environ.get("BENCH_THREADS", "0")) or default_threads()
    rounds = int(os.environ.get("BENCH_ROUNDS", str(ROUNDS)))
    print(f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads, load {os.getloadavg()[0]:.1f}, "
          f"{datetime.now(UTC):%Y-%m-%d}")  # fmt: skip
    rows: list[Row] = []
    for path in paths:
        big = path.stat().st_size > 500_000_000
        rows += [*asyncio.run(eight_chats(path, threads, rounds, big)), asyncio.run(follow_up(path, threads, rounds))]
    print("| work | model | ours (s) | peer | peer (s) | ratio | target |\n| --- | --- | --- | --- | --- | --- | --- |")
    for each in rows:
        print("| " + " | ".join(str(value) for value in each.values()) + " |")
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1:])
