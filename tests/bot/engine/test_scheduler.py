"""What the scheduler and the slots promise, whatever happens: step by step over a model that counts its cells."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.engine.engine import Engine, Submission
from bot.engine.errors import Busy, DecodeFailed, EngineError, TimedOut, TooLong, Unavailable
from bot.engine.sequence import Sequence
from bot.engine.stream import Ended, Event, TokenPiece, Waiting
from tests.bot.engine.fake import FakeModel, answer

SLOTS, CELLS = 3, 160  # deliberately tight
SYSTEM = list(range(1, 40))  # what most prompts begin with


@dataclass
class Ear:
    """A sink that keeps everything."""

    events: list[Event] = field(default_factory=list)
    loop: None = None

    def put(self, event: Event) -> None:
        self.events.append(event)

    @property
    def words(self) -> list[int]:
        return [int(word) for event in self.events if isinstance(event, TokenPiece) for word in event.text.split()]

    @property
    def last(self) -> Event | None:
        return self.events[-1] if self.events else None


def engine_of(**options: int) -> Engine:
    """Return an engine without its thread: the tests turn the crank."""
    slots, cells = options.pop("slots", SLOTS), options.pop("cells", CELLS)
    model = FakeModel(slots=slots, cells=cells, batch_tokens=options.pop("batch_tokens", 32))
    return Engine(model, slots=slots, **({"parked_bytes": 10_000} | options))


def ask(
    engine: Engine, prompt: list[int], longest: int = 8, person: str = "", **options: float
) -> tuple[Submission, Ear]:
    ear = Ear()
    return engine.submit(Sequence(list(prompt), longest, person=person, **options), (), ear), ear


def run(engine: Engine, most: int = 2_000) -> None:
    """Turn the crank until nothing is left to do."""
    for _ in range(most):
        if not engine.step():
            return
    raise AssertionError("it never ends")


def nothing_is_left(engine: Engine) -> None:
    """Every slot came back, every cell is counted, nobody waits."""
    assert not engine.scheduler.running
    assert not engine.scheduler.line
    assert not engine._jobs
    assert not engine.model.open
    engine.check()
    assert engine.slots.used() == engine.model.held_cells()


prompts = st.builds(
    lambda shared, own: SYSTEM[:shared] + own,
    st.integers(0, len(SYSTEM)),
    st.lists(st.integers(1, 5), min_size=1, max_size=50),
)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), prompts, st.integers(1, 30), st.sampled_from("abc")),
        st.tuples(st.just("follow"), st.integers(0, 50), st.integers(1, 20)),
        st.tuples(st.just("return_to"), st.integers(0, 3), st.integers(70, 110), st.integers(1, 40)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("expire"), st.integers(0, 50)),
        st.tuples(st.just("fail")),
        st.tuples(st.just("step"), st.integers(1, 12)),
    ),
    max_size=60,
)


class Play:
    """Carries out random operations and knows what each asker must hear in the end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked: list[tuple[Submission, Ear, list[int], int]] = []
        self.disturbed: set[int] = set()
        self.failed = False

    def ask(self, prompt: list[int], longest: int, person: str) -> None:
        self.asked.append((*ask(self.engine, prompt, longest, person), prompt, longest))

    def follow(self, which: int, more: int) -> None:
        """Go on with a conversation: the prompt is all that was said, and a bit more."""
        if self.asked:
            _, ear, prompt, _ = self.asked[which % len(self.asked)]
            self.ask((prompt + ear.words + [7] * more)[:120], 10, "a")

    def return_to(self, thread: int, length: int, longest: int) -> None:
        """Go on with one of a few long threads, so that some are parked and come back."""
        self.ask([*[50 + thread, *range(1, 130)][:length], 9], longest, str(thread))

    def cancel(self, which: int) -> None:
        if self.asked:
            which %= len(self.asked)
            self.disturbed.add(which)
            self.engine.cancel(self.asked[which][0])

    def expire(self, which: int) -> None:
        if self.asked:
            which %= len(self.asked)
            self.disturbed.add(which)
            self.asked[which][0].sequence.deadline = time.monotonic() - 1

    def fail(self) -> None:
        self.failed = True
        self.engine.model.failures = 1

    def step(self, times: int) -> None:
        for _ in range(times):
            self.engine.step()

    def everyone_heard_the_right_thing(self) -> None:
        for number, (_, ear, prompt, longest) in enumerate(self.asked):
            alone = answer(prompt, longest)
            heard = ear.words
            assert heard == alone[: len(heard)], "company changed an answer"
            if isinstance(ear.last, Ended):
                assert heard == alone
            elif number not in self.disturbed:
                assert isinstance(ear.last, TooLong) or (self.failed and isinstance(ear.last, DecodeFailed))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations, st.sampled_from([0, 2_000, 100_000]))
def test_whatever_happens_answers_are_right_and_nothing_is_left(play: list[tuple], parked_bytes: int) -> None:
    engine = engine_of(parked_bytes=parked_bytes)
    played = Play(engine)
    for name, *arguments in play:
        getattr(played, name)(*arguments)
    engine.model.failures = 0
    run(engine)
    played.everyone_heard_the_right_thing()
    nothing_is_left(engine)
    assert engine.slots.kv_offload.bytes <= parked_bytes


def test_a_common_beginning_is_computed_once_for_prompts_that_come_together() -> None:
    engine = engine_of(slots=8, cells=1000, batch_tokens=64)
    ears = [ask(engine, [*SYSTEM, 100 + number, 101], person=str(number))[1] for number in range(6)]
    run(engine)
    assert all(isinstance(ear.last, Ended) for ear in ears)
    alone = len(SYSTEM) + 6 * 2
    spoken = sum(len(ear.words) for ear in ears)
    assert engine.model.computed <= alone + spoken


def test_a_follow_up_computes_only_what_is_new() -> None:
    engine = engine_of(slots=2, cells=1000)
    first = [*SYSTEM, 3, 4, 5]
    _, ear = ask(engine, first)
    run(engine)
    before = engine.model.computed
    _, ear = ask(engine, [*first, *ear.words, 9, 9], longest=1)
    run(engine)
    assert engine.model.computed - before <= 3
    assert isinstance(ear.last, Ended)
    assert ear.last.reused_tokens >= len(first)


def test_a_thread_that_fell_out_of_the_slots_comes_back_from_host_memory() -> None:
    engine = engine_of(slots=2, cells=500, parked_bytes=100_000)
    thread = [77, *range(1, 150)]
    ask(engine, thread, longest=1)
    run(engine)
    for other in range(6):
        ask(engine, [100 + other, *range(1, 120)], longest=1)
        run(engine)
    before = engine.model.computed
    _, _ear = ask(engine, [*thread, 8], longest=1)
    run(engine)
    assert engine.slots.restored == 1
    assert engine.model.computed - before <= 2
    nothing_is_left(engine)


def test_those_who_speak_speak_in_every_step_while_a_long_prompt_comes_in() -> None:
    engine = engine_of(slots=3, cells=600, batch_tokens=32)
    ask(engine, [1, 2, 3], longest=30, person="speaker")
    engine.step()
    speaker = engine.scheduler.running[0]
    ask(engine, [5] * 400, longest=2, person="reader")
    while speaker in engine.scheduler.running:
        engine.step()
        assert any(sequence is speaker for sequence, _ in engine.model.batches[-1])


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    engine = engine_of(slots=3, cells=900, batch_tokens=32)
    ask(engine, [5] * 600, longest=2)
    engine.step()
    _, ear = ask(engine, [6] * 10, longest=1)
    for _ in range(3):
        engine.step()
    assert isinstance(ear.last, Ended)


def test_a_long_prompt_goes_on_while_short_ones_keep_coming() -> None:
    engine = engine_of(slots=4, cells=900, batch_tokens=32)
    _, ear = ask(engine, [5] * 300, longest=1, person="long")
    for number in range(40):
        ask(engine, [6 + number] * 31, longest=1, person=f"short{number}")
        engine.step()
    assert isinstance(ear.last, Ended)


def test_one_persons_summary_does_not_starve_the_others() -> None:
    engine = engine_of(slots=4, cells=2000, waiting=64)
    for part in range(30):
        ask(engine, [part + 1] * 20, longest=20, person="summarizer")
    engine.step()
    _, ear = ask(engine, [9] * 10, longest=5, person="chatter")
    for _ in range(12):
        engine.step()
    assert isinstance(ear.last, Ended), "a place was kept free for somebody else"


def test_the_line_goes_round_the_people() -> None:
    engine = engine_of(slots=1, cells=200)
    ends: list[str] = []
    for person in "aaab":
        _job, ear = ask(engine, [3, 4], longest=3, person=person)
        ear.put = lambda event, who=person: ends.append(who) if isinstance(event, Ended) else None  # type: ignore[method-assign]
    run(engine)
    assert ends.index("b") == 1


def test_nobody_waits_for_ever() -> None:
    """A big request is let in although small ones keep coming."""
    engine = engine_of(slots=3, cells=100)
    _, big = ask(engine, [1] * 80, longest=15, person="big")
    for number in range(200):
        ask(engine, [2, 3], longest=4, person=f"small{number % 5}")
        engine.step()
        if isinstance(big.last, Ended):
            return
        while len(engine.scheduler.line) > 20:
            engine.step()
    raise AssertionError("starved")


def test_a_prompt_that_can_never_fit_is_refused_with_its_length() -> None:
    engine = engine_of(cells=100)
    _, ear = ask(engine, [1] * 120, longest=5)
    run(engine)
    assert isinstance(ear.last, TooLong)
    assert (ear.last.tokens, ear.last.limit) == (120, 96)


def test_a_full_line_refuses_the_newcomer() -> None:
    engine = engine_of(slots=1, waiting=2)
    ears = [ask(engine, [1, 2])[1] for _ in range(4)]
    engine._drain_commands()
    engine._deliver()
    assert [type(ear.last) for ear in ears] == [type(None), type(None), Busy, Busy]


def test_who_waits_is_told_the_place() -> None:
    engine = engine_of(slots=1)
    ears = [ask(engine, [1, 2], longest=5)[1] for _ in range(3)]
    engine.step()
    assert not any(isinstance(event, Waiting) for event in ears[0].events)
    assert [ear.events[0].position for ear in ears[1:] if isinstance(ear.events[0], Waiting)] == [1, 2]


def test_a_cancelled_answer_is_out_of_the_next_decode() -> None:
    engine = engine_of()
    job, ear = ask(engine, [1, 2, 3], longest=50)
    engine.step()
    engine.cancel(job)
    engine.step()
    assert (
        all(sequence is not job.sequence for sequence, _ in engine.model.batches[-1]) or len(engine.model.batches) == 1
    )
    nothing_is_left(engine)
    assert not isinstance(ear.last, EngineError)


def test_an_answer_that_takes_too_long_is_ended() -> None:
    engine = engine_of()
    _, ear = ask(engine, [1, 2, 3], longest=50, deadline=time.monotonic() - 1)
    run(engine)
    assert isinstance(ear.last, TimedOut)
    nothing_is_left(engine)


def test_a_failed_decode_fails_those_in_it_and_the_engine_goes_on() -> None:
    engine = engine_of()
    _, first = ask(engine, [1, 2, 3])
    engine.step()
    engine.model.failures = 1
    engine.step()
    assert isinstance(first.last, DecodeFailed)
    _, second = ask(engine, [1, 2, 3])
    run(engine)
    assert second.words == answer([1, 2, 3], 8)
    nothing_is_left(engine)


def test_lost_cells_are_noticed_when_idle() -> None:
    engine = engine_of()
    ask(engine, [1, 2, 3])
    run(engine)
    engine.model.memory[0].pop()
    with pytest.raises(AssertionError):
        engine.check()


def test_a_sequence_for_which_no_token_fits_fails_alone() -> None:
    engine = engine_of()
    (stuck, first), (_, second) = ask(engine, [1, 2, 3]), ask(engine, [4, 5, 6])
    engine.model.stuck.add(stuck.sequence)
    run(engine)
    assert isinstance(first.last, DecodeFailed)
    assert second.words == answer([4, 5, 6], 8)
    nothing_is_left(engine)


async def spoken(engine: Engine, prompt: list[int]) -> list[int]:
    events = [event async for event in engine.stream(Sequence(prompt, 8)) if isinstance(event, TokenPiece)]
    return [int(word) for event in events for word in event.text.split()]


async def test_after_a_lost_cell_all_is_forgotten_and_the_engine_goes_on() -> None:
    """It used to find the same fault again and again, as fast as it could."""
    engine = engine_of()
    ask(engine, [1, 2, 3])
    run(engine)
    engine.model.memory[0].append((object(), 9))
    with capture_logs() as lines:
        engine.start()
        heard = [await spoken(engine, prompt) for prompt in ([7, 8], [1, 2, 3])]
    engine.close()
    assert heard[-1] == answer([1, 2, 3], 8)
    assert [line["event"] for line in lines] == ["the engine failed"]
    nothing_is_left(engine)


@pytest.mark.parametrize("part", ["take", "grow", "check"])
async def test_an_engine_that_breaks_for_good_says_so_and_leaves_nobody_waiting(part: str) -> None:
    """Its thread died inside its own `except`, everybody waited for ever, and nobody was told."""
    engine = engine_of()

    def broken(*_: object, **__: object) -> None:
        raise AssertionError("cells are lost")

    for name in {part, "forget"}:
        setattr(engine.slots, name, broken)
    with capture_logs() as lines:
        engine.start()
        with pytest.raises((Unavailable, DecodeFailed)):
            async with asyncio.timeout(5):
                await spoken(engine, [1, 2, 3])
        await asyncio.to_thread(engine._thread.join, 5)
    assert not engine.is_alive()
    assert "the engine is broken" in [line["event"] for line in lines]
    with pytest.raises(Unavailable):
        await spoken(engine, [1, 2, 3])


def test_one_that_must_be_alone_runs_beside_nobody_and_everybody_is_answered() -> None:
    """What may end the process must not take others with it."""
    engine = engine_of()
    ears = [ask(engine, [number, 2, 3], person=str(number), alone=number == 3)[1] for number in range(1, 6)]
    beside: set[int] = set()
    while engine.step():
        running = engine.scheduler.running
        if any(sequence.alone for sequence in running):
            beside.add(len(running))
    assert beside == {1}
    assert [ear.words for ear in ears] == [answer([number, 2, 3], 8) for number in range(1, 6)]
    nothing_is_left(engine)
