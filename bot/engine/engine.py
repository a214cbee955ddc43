"""The thread that turns the crank: all running answers in one decode after another, each reader told of its own."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.engine.detokenizer import Detokenizer
from bot.engine.errors import Busy, DecodeFailed, EngineError, TimedOut, TooLong, Unavailable
from bot.engine.prefill_budget import PrefillBudget
from bot.engine.scheduler import Scheduler
from bot.engine.sequence import Sequence
from bot.engine.slots import Cache, Slots
from bot.engine.stream import AsyncStream, Ended, Event, EventSink, TokenPiece, Waiting
from bot.engine.suspects import Suspects

PIECE_SECONDS = 0.1  # nobody reads faster; single tokens of a small model would keep server and reader busy
NOTICE_SECONDS = 1.0  # between two notices of a place in line
FIRST_GUESS_SECONDS = 10.0  # of an answer, until one has been seen

logger = structlog.get_logger()


class Model(Cache, Protocol):
    """What computes: llama.cpp's model, or the one of a test."""

    cells: int
    batch_tokens: int

    def decode(self, work: list[tuple[Sequence, int]]) -> None:
        """Compute the next tokens of each sequence; raise DecodeFailed."""

    def choose(self, sequences: list[Sequence]) -> list[int | DecodeFailed]:
        """Return the next token of each sequence that the last decode brought to its end, or why it has none."""

    def finish(self, sequence: Sequence) -> None:
        """Free what a sequence's sampling needed."""

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for."""

    def is_end(self, token: int) -> bool:
        """Tell whether a token ends the answer."""

    def held(self, slot: int) -> int:
        """Return how many tokens a slot really holds."""

    def close(self) -> None:
        """Free everything."""


@dataclass(eq=False)
class Submission:
    """A sequence, its text, and who listens."""

    sequence: Sequence
    transcript: Detokenizer
    sink: EventSink
    unsent: str = ""
    sent_at: float = 0.0
    began_at: float = 0.0
    notice: Waiting | None = None
    noticed_at: float = 0.0


@dataclass
class Counts:
    """What the engine has done since it started."""

    answers: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    answer_tokens: int = 0
    decodes: int = 0
    decode_seconds: float = 0.0
    failed: int = 0


class Engine:
    """Runs a model for many readers at once."""

    def __init__(
        self, model: Model, *, slots: int, waiting: int = 64, parked_bytes: int = 0, suspects: Suspects | None = None
    ) -> None:
        self.model = model
        self.suspects = suspects or Suspects(None)
        self.slots = Slots(slots, model.cells, model, parked_bytes)
        self.scheduler = Scheduler(self.slots, slot_count=slots, waiting=waiting)
        self.prefill_budget = PrefillBudget(model.batch_tokens)
        self.counts = Counts()
        self._slot_count = slots
        self._jobs: dict[Sequence, Submission] = {}
        self._commands: deque[Callable[[], None]] = deque()
        self._post: list[tuple[Submission, Event]] = []
        self._answer_seconds = FIRST_GUESS_SECONDS
        self._wake = threading.Event()
        self._closing = False
        self._broken = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """End all answers and free the model; blocks until the last decode is over."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    async def stream(self, sequence: Sequence, stop: tuple[str, ...] = ()) -> AsyncIterator[Event]:
        """Yield what happens to a sequence until its answer has ended; leaving early cancels it. Raises EngineError."""
        sink = AsyncStream()
        job = self.submit(sequence, stop, sink)
        try:
            async for event in sink.read():
                yield event
        finally:
            self.cancel(job)

    def submit(self, sequence: Sequence, stop: tuple[str, ...], sink: EventSink) -> Submission:
        """Ask for an answer; what becomes of it comes to the sink."""
        job = Submission(sequence, Detokenizer(stop), sink)
        self._send(lambda: self._add(job))
        if (
            self._closing or self._broken
        ):  # asked only now: whoever is too late for the last _drain_commands must hear it
            raise Unavailable("the model has been closed")
        return job

    def cancel(self, job: Submission) -> None:
        """End an answer before the next decode; harmless when it has ended."""
        self._send(lambda: self._drop(job.sequence))

    def is_alive(self) -> bool:
        """Tell whether anything that is asked will be answered."""
        return self._thread.is_alive() and not self._closing

    def statistics(self) -> dict[str, float]:
        """Return counts since the start, and what is held now."""
        counts = self.counts
        return {
            "running": len(self.scheduler.running),
            "waiting": len(self.scheduler.line),
            "answers": counts.answers,
            "failed": counts.failed,
            "prompt_tokens": counts.prompt_tokens,
            "reused_tokens": counts.reused_tokens,
            "answer_tokens": counts.answer_tokens,
            "decodes": counts.decodes,
            "decode_seconds": counts.decode_seconds,
            "cells": self.model.cells,
            "cells_used": self.slots.used(),
            "parked_bytes": self.slots.kv_offload.bytes,
            "restored": self.slots.restored,
        }

    def _send(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._wake.set()

    # The thread.

    def _run(self) -> None:
        try:
            while not self._closing:
                self._run_step()
            self._drain_commands()
            self._fail_all(Unavailable("the model has been closed"))
        except Exception:  # forgetting has not helped: the supervisor sees it by is_alive, and starts another process
            self._break()
            return
        self.model.close()

    def _break(self) -> None:
        """Tell every reader that nothing more comes, touching neither slots nor model."""
        logger.exception("the engine is broken")
        self._broken = True
        self._post = [(job, Unavailable("the engine is broken")) for job in self._jobs.values()]
        self._jobs.clear()
        self._drain_commands()
        self._deliver()

    def _run_step(self) -> None:
        try:
            if not self.step():
                self._wake.wait()
                self._wake.clear()
        except Exception as failure:  # the outermost loop: nobody may be left waiting for ever
            logger.exception("the engine failed")
            self._fail_all(DecodeFailed(type(failure).__name__))
            self.slots.forget()

    def step(self) -> bool:
        """Run commands, admit, decode once, deliver events; return False when there is nothing to do."""
        self._drain_commands()
        self._expire()
        self._admit()
        work = self._next_batch() if self.scheduler.running else []
        if work:
            self._decode(work)
        self._deliver()
        if not work and not self._commands:
            self.check()
        return bool(work)

    def _next_batch(self) -> list[tuple[Sequence, int]]:
        """Return what the next decode computes, at most as many tokens as one can take."""
        answers = sum(sequence.is_decoding for sequence in self.scheduler.running)
        prompts = self.prefill_budget.room(decoding=answers > 0)
        return self.scheduler.next_batch(min(prompts, self.model.batch_tokens - answers))

    def check(self) -> None:
        """Count all cells when idle; raise if llama.cpp and the slots disagree."""
        self.slots.check()
        for slot, tokens in enumerate(self.slots.contents()):
            if self.model.held(slot) != tokens:
                raise AssertionError(f"slot {slot} holds {self.model.held(slot)} tokens, not {tokens}")

    def _drain_commands(self) -> None:
        while self._commands:
            self._commands.popleft()()

    def _add(self, job: Submission) -> None:
        if self._broken:
            self._post.append((job, Unavailable("the engine is broken")))
            return
        self._jobs[job.sequence] = job
        try:
            self.scheduler.add(job.sequence)
        except Busy as refusal:
            self._fail(job.sequence, Busy(refusal.waiting, math.ceil(self._answer_seconds)))
        except TooLong as refusal:
            self._fail(job.sequence, refusal)

    def _expire(self) -> None:
        now = time.monotonic()
        for sequence in [sequence for sequence in self._jobs if sequence.deadline <= now]:
            self._fail(sequence, TimedOut("no full answer within the time allowed"))

    def _admit(self) -> None:
        for sequence in self.scheduler.admit():
            self._jobs[sequence].began_at = time.monotonic()
            self.suspects.begin(sequence.key)
        for position, sequence in enumerate(self.scheduler.in_order(), 1):
            self._notify_waiting(self._jobs[sequence], position)

    def _notify_waiting(self, job: Submission, position: int) -> None:
        """Tell a waiting reader its place when it has changed, but not all the time."""
        now = time.monotonic()
        notice = Waiting(position, math.ceil(self._answer_seconds * position / self._slot_count))
        if notice != job.notice and now - job.noticed_at >= NOTICE_SECONDS:
            job.notice, job.noticed_at = notice, now
            self._post.append((job, notice))

    def _decode(self, work: list[tuple[Sequence, int]]) -> None:
        began = time.perf_counter()
        try:
            self.model.decode(work)
        except DecodeFailed as failure:
            for sequence, _ in work:
                self._fail(sequence, failure, spoilt=True)
            return
        ended = []
        prompt_tokens = 0
        for sequence, count in work:
            if not sequence.is_decoding:
                prompt_tokens += count
            self.slots.grow(sequence, count)
            if sequence.seen == len(sequence.tokens):
                ended.append(sequence)
        tokens = self.model.choose(ended) if ended else []
        seconds = time.perf_counter() - began
        self.prefill_budget.note(prompt_tokens, seconds)
        self.counts.decodes += 1
        self.counts.decode_seconds += seconds
        now = time.monotonic()
        for sequence, token in zip(ended, tokens, strict=True):
            self._accept_token(self._jobs[sequence], token, now)

    def _accept_token(self, job: Submission, token: int | DecodeFailed, now: float) -> None:
        sequence = job.sequence
        if isinstance(token, DecodeFailed):
            self._fail(sequence, token)
            return
        if sequence.ends and self.model.is_end(token):
            self._end(job, "length" if sequence.cut else "stop")
            return
        sequence.tokens.append(token)
        job.unsent += job.transcript.add(self.model.piece(token))
        if job.transcript.stopped:
            self._end(job, "stop")
        elif not sequence.room:
            self._end(job, "length")
        elif job.unsent and now - job.sent_at >= PIECE_SECONDS:
            self._post.append((job, TokenPiece(job.unsent)))
            job.unsent, job.sent_at = "", now

    def _end(self, job: Submission, reason: str) -> None:
        sequence, counts = job.sequence, self.counts
        text = job.unsent + job.transcript.end()
        if text:
            self._post.append((job, TokenPiece(text)))
        answer = len(sequence.tokens) - sequence.prompt
        self._post.append((job, Ended(reason, sequence.prompt, answer, sequence.reused)))
        counts.answers += 1
        counts.prompt_tokens += sequence.prompt
        counts.reused_tokens += sequence.reused
        counts.answer_tokens += answer
        self._answer_seconds += 0.2 * (time.monotonic() - job.began_at - self._answer_seconds)
        self._drop(sequence)

    def _fail(self, sequence: Sequence, error: EngineError, *, spoilt: bool = False) -> None:
        self.counts.failed += 1
        self._post.append((self._jobs[sequence], error))
        self._drop(sequence, spoilt=spoilt)

    def _fail_all(self, error: EngineError) -> None:
        for sequence in list(self._jobs):
            self._fail(sequence, error, spoilt=True)
        self._deliver()

    def _drop(self, sequence: Sequence, *, spoilt: bool = False) -> None:
        """Take a sequence out, ended or not; harmless twice."""
        if job := self._jobs.pop(sequence, None):
            if job.began_at:
                self.suspects.end(sequence.key)
            self.scheduler.remove(sequence, spoilt=spoilt)
            self.model.finish(sequence)

    def _deliver(self) -> None:
        """Hand out what this step brought, waking each event loop once."""
        post, self._post = self._post, []
        loops: dict[asyncio.AbstractEventLoop, list[tuple[Submission, Event]]] = {}
        for job, event in post:
            if job.sink.loop is None:
                job.sink.put(event)
            else:
                loops.setdefault(job.sink.loop, []).append((job, event))
        for loop, news in loops.items():
            try:
                loop.call_soon_threadsafe(_put_all, news)
            except RuntimeError:  # the loop is closed: its readers have left
                for job, _ in news:
                    self._drop(job.sequence)


def _put_all(news: list[tuple[Submission, Event]]) -> None:
    for job, event in news:
        job.sink.put(event)
