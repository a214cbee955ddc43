"""The engine's process: started, shared, started again, and gone with the process that leads it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from bot.engine import open_chat_model
from bot.engine.errors import EngineDied, Unavailable
from bot.engine.remote import RemoteChatModel, open_own
from bot.engine.supervisor import Supervisor
from bot.engine.suspects import Suspects
from bot.settings import LlmSettings
from tests.bot.conftest import eventually
from tests.bot.engine.conftest import SMALL
from tests.conftest import ROOT, clean_environ

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]
START_SECONDS = 90


@pytest.fixture
async def supervisor(tmp_path: Path, small_model: Path) -> AsyncIterator[Supervisor]:
    """An engine of this test only."""
    made = Supervisor(tmp_path / "engine", SMALL, small_model)
    await made.start()
    yield made
    await made.stop()


def engine_of(supervisor: Supervisor) -> psutil.Process:
    assert supervisor._process
    return psutil.Process(supervisor._process.pid)


async def test_workers_of_a_machine_share_one_and_another_takes_the_lead(
    supervisor: Supervisor, small_model: Path
) -> None:
    follower = Supervisor(supervisor._folder, SMALL, small_model)
    await follower.start()
    assert follower._process is None
    assert follower.socket == supervisor.socket
    before = engine_of(supervisor)
    await supervisor.stop()
    assert not before.is_running()
    await eventually(lambda: follower._process is not None and follower._up.is_set(), START_SECONDS)
    assert await follower.is_healthy()
    await follower.stop()
    assert not await follower.is_healthy()


async def test_one_that_was_killed_is_started_again_and_questions_wait_for_it(
    tmp_path: Path, small_model: Path
) -> None:
    model = await open_own(SMALL, small_model, tmp_path)
    assert model._supervisor
    before = engine_of(model._supervisor).pid
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: not psutil.pid_exists(before), 10)
    answer = await model.ainvoke("Say hello.", max_tokens=3)
    assert answer.usage_metadata and answer.usage_metadata["output_tokens"] == 3
    assert engine_of(model._supervisor).pid != before
    await model.aclose()


async def test_nothing_is_left_when_the_leader_is_killed(tmp_path: Path, small_model: Path) -> None:
    """The kernel ends the child, whatever state it is in."""
    script = (
        "import asyncio, sys; from pathlib import Path; from bot.engine.supervisor import Supervisor\n"
        "from bot.settings import LlmSettings\n"
        "async def main():\n"
        "    made = Supervisor(Path(sys.argv[1]), LlmSettings(slots=1, context_tokens=512), Path(sys.argv[2]))\n"
        "    await made.start()\n"
        "    print(made._process.pid, flush=True)\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    leader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), str(small_model),
        cwd=ROOT, env=clean_environ() | {"PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert leader.stdout
    engine = psutil.Process(int(await asyncio.wait_for(leader.stdout.readline(), START_SECONDS)))
    engine.suspend()
    leader.kill()
    await leader.wait()
    await eventually(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, 5)


@pytest.mark.parametrize(
    ("content", "settings", "sentence"),
    [
        (b"GGUF nonsense", LlmSettings(), "not a model that llama.cpp can load"),
        (b"", LlmSettings(), "not a GGUF file"),
        (None, LlmSettings(adapters="/no/such.gguf"), "an adapter can't be loaded"),
    ],
)
async def test_a_model_that_cannot_be_loaded_is_said_in_a_sentence(
    tmp_path: Path, small_model: Path, content: bytes | None, settings: LlmSettings, sentence: str
) -> None:
    path = small_model
    if content is not None:
        path = tmp_path / "no.gguf"
        path.write_bytes(content)
    with pytest.raises(Unavailable, match=sentence):
        await open_chat_model(settings, path, tmp_path / "engine")


async def test_an_engine_that_hangs_is_ended_and_started_again(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.supervisor.ANSWER_SECONDS", 4.0)
    before = engine_of(supervisor)
    before.suspend()
    await eventually(lambda: not before.is_running(), 30)
    await eventually(supervisor.is_healthy, START_SECONDS)
    assert engine_of(supervisor).pid != before.pid


async def test_a_request_that_ends_the_engine_twice_is_given_up_and_those_beside_it_are_answered(
    tmp_path: Path, small_model: Path
) -> None:
    """The guilty one is known by running alone after the first time."""
    model = await open_own(SMALL, small_model, tmp_path)
    guilty = model.bind(extra_headers={"X-Request-ID": "guilty"})
    beside = [model.bind(extra_headers={"X-Request-ID": f"beside {number}"}) for number in range(3)]

    async def bring_down() -> None:
        """Ask, and kill the process as soon as the request is worked on, as a fault of llama.cpp would."""
        stream = guilty.astream("Count to a thousand.", max_tokens=400)
        while not (await anext(stream)).text:  # its place in line comes first
            continue
        assert model._supervisor
        engine_of(model._supervisor).kill()
        with pytest.raises(Unavailable):
            async for _ in stream:
                pass

    async def insist(asked: object) -> str:
        """Ask again as the queue does."""
        for _ in range(5):
            try:
                return str((await asked.ainvoke("Count to ten.", max_tokens=40)).content)  # type: ignore[attr-defined]
            except Unavailable:
                await asyncio.sleep(0.2)
        raise AssertionError("never answered")

    answers = [asyncio.create_task(insist(each)) for each in beside]
    await bring_down()
    assert all(await asyncio.gather(*answers))
    answers = [asyncio.create_task(insist(each)) for each in beside]
    await bring_down()
    assert all(await asyncio.gather(*answers))
    with pytest.raises(EngineDied):
        await guilty.ainvoke("Count to a thousand.")
    assert await insist(beside[0])
    await model.aclose()


async def test_an_assistant_that_is_killed_again_and_again_gives_up_no_request(
    tmp_path: Path, small_model: Path
) -> None:
    """Its engine goes with it, in the middle of the same request each time."""
    for _ in range(2):
        Suspects(tmp_path / "requests", crashed=False).begin(Suspects.key("long"))
        model = await open_own(SMALL, small_model, tmp_path)
        await model.ainvoke("Hi", max_tokens=1, extra_headers={"X-Request-ID": "long"})
        await model.aclose()


async def test_the_childs_environment_has_no_secrets_of_others(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.engine.supervisor import _environ

    for name in ("SLACK_BOT_TOKEN", "QDRANT_API_KEY", "REDIS_URL", "LLM_API_KEY", "LLM_SLOTS"):
        monkeypatch.setenv(name, "63")
    environ = _environ(LlmSettings(slots=4), Path("m.gguf"))
    assert {name: value for name, value in environ.items() if name.startswith(("SLACK", "QDRANT", "REDIS", "LLM"))} == {
        "LLM_SLOTS": "4", "LLM_MODEL": "m.gguf",
    }  # fmt: skip


async def test_a_long_data_folder_is_no_trouble(tmp_path: Path, small_model: Path) -> None:
    folder = tmp_path / ("long" * 30) / "engine"
    model: RemoteChatModel = await open_chat_model(SMALL, small_model, folder)
    assert (await model.ainvoke("Hi", max_tokens=1)).content is not None
    assert model.count_tokens("hello world") == 2
    assert (await model.statistics())["answers"] == 1
    assert await model.is_healthy()
    await model.aclose()
