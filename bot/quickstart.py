"""The first five minutes: a workspace on this machine, the assistant in it, and a check that it answers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import running
from bot.data_folder import locked, prepare
from bot.errors import StartFailed
from bot.models.auto import DEFAULT, for_this_machine
from bot.services import fetch_models
from bot.settings import Settings
from bot.tcp_ports import holder, is_free, next_free

ELSEWHERE = ("SLACK_", "REDIS_URL", "QDRANT_", "LLM_URL", "LLM_API_KEY", "LLM_EXTRA")  # of other machines
EXAMPLES = Path(__file__).parent.parent / "deploy" / "examples"
QUESTION = "How many hours does the full working week have?"
ANSWER = ("37.5 hours", "handbook.pdf, p. 2")  # a refusal names pages too, those that come nearest
PORT = 4100
CHECK_SECONDS = 300  # for one answer on a slow machine
START_SECONDS = 30


def quickstart(*, port: int | None, data: Path | None, model: str, check: bool) -> None:
    """Run until interrupted, or until the check is done; raise StartFailed with what went wrong."""
    port = next_free(PORT) if port is None else port
    settings = _settings(port, data, model)
    prepare(settings.data_dir)
    with locked(settings.data_dir, "try.lock"):
        if not is_free(port):
            raise StartFailed(f"Port {port} is in use{holder(port)}. Stop that, or choose another with --port.")
        settings = _fetched(settings)
        _print("Loading the models ...")
        try:
            asyncio.run(_run(settings, port, check))
        except asyncio.CancelledError:
            if check:
                raise StartFailed("The check was ended before there was an answer.") from None


async def _run(settings: Settings, port: int, check: bool) -> None:
    _end_with_the_terminal()
    async with _workspace(port, settings.data_dir / "workspace") as url, running(settings) as app:
        if check:
            await _check(settings.slack.api_url)
            return
        _print(f"\n  Open {url} in a browser and talk to the assistant.\n"
               f"  Ctrl-C ends it and keeps the data in {settings.data_dir}\n")  # fmt: skip
        await app.wait()


def _end_with_the_terminal() -> None:
    """End in order, while the models load too, when this is killed or its window closed; not under nohup."""
    task = asyncio.current_task()
    for sign in (signal.SIGTERM, signal.SIGHUP):
        if task and signal.getsignal(sign) is signal.SIG_DFL:
            asyncio.get_running_loop().add_signal_handler(sign, task.cancel)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the command is for


def _settings(port: int, data: Path | None, model: str) -> Settings:
    """Point the settings at this machine alone, whatever the environment says of a real workspace and its servers.

    The data lie apart from a real workspace's, too: two assistants with one queue would answer each other's requests.
    """
    if os.environ.get("LLM_URL"):
        os.environ.pop("LLM_MODEL", None)  # what that server calls its model
    for name in [name for name in os.environ if name.startswith(ELSEWHERE)]:
        del os.environ[name]
    os.environ |= {
        "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_APP_TOKEN": "xapp-sandbox",
    }
    os.environ["DATA_DIR"] = str((data or Settings().data_dir / "try").absolute())
    os.environ["LLM_MODEL"] = model or os.environ.get("LLM_MODEL") or "auto"
    return Settings()


def _fetched(settings: Settings) -> Settings:
    """Fetch the models; where the one that was chosen for the card can't be had, the default is taken."""
    llm, reason = for_this_machine(settings.llm)
    if reason:
        _print(f"Language model: {reason}")
    try:
        fetch_models(settings)
    except StartFailed as failure:
        if not reason or llm.model == DEFAULT:
            raise
        _print(f"{failure} Taking {DEFAULT} instead.")
        os.environ["LLM_MODEL"] = DEFAULT
        settings = Settings()
        fetch_models(settings)
    return settings


@asynccontextmanager
async def _workspace(port: int, data: Path) -> AsyncIterator[str]:
    """Run the workspace as a process of its own; yield the address of its page."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--data", str(data), "--until-closed"),
        stdin=asyncio.subprocess.PIPE,  # the kernel closes it when this process dies, however it dies
        start_new_session=True,
    )
    try:
        await _answering(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _answering(port: int, process: asyncio.subprocess.Process) -> None:
    client = AsyncWebClient("xoxb-sandbox", base_url=f"http://127.0.0.1:{port}/api/")
    end = time.monotonic() + START_SECONDS
    while process.returncode is None and time.monotonic() < end:
        try:
            await client.auth_test()
            return
        except (SlackClientError, OSError):
            await asyncio.sleep(0.1)
    raise StartFailed("The workspace did not start; if it said why, its message stands above.")


async def _check(api_url: str) -> None:
    """As alice: share the bundled handbook, ask about it, and look for the right answer with its page."""
    alice = AsyncWebClient("xoxp-alice", base_url=api_url)
    channel = await _channel(alice, "general")
    since = await _newest(alice, channel)
    await alice.files_upload_v2(channel=channel, file=str(EXAMPLES / "handbook.pdf"), filename="handbook.pdf")
    await _said(alice, channel, since, lambda text: "pages" in text and "passages" in text)
    since = await _newest(alice, channel)
    await alice.api_call("chat.command", json={"channel": channel, "command": "/ask", "text": QUESTION})
    answer = await _said(alice, channel, since, is_right)
    _print(f"\n{QUESTION}\n{answer}\n\nIt works.")


def is_right(text: str) -> bool:
    """Tell whether a text answers the question and names its page."""
    return all(part in text for part in ANSWER)


async def _channel(client: AsyncWebClient, name: str) -> str:
    listed = await client.conversations_list()
    return next(str(channel["id"]) for channel in listed["channels"] if channel["name"] == name)


async def _newest(client: AsyncWebClient, channel: str) -> str:
    """Return the ts of a channel's last message: an earlier check's answers do not count."""
    history = await client.conversations_history(channel=channel, limit=1)
    return next((str(message["ts"]) for message in history["messages"]), "0")


async def _said(client: AsyncWebClient, channel: str, since: str, is_wanted: Callable[[str], bool]) -> str:
    """Wait until a reply to something newer is what is wanted."""
    last, end = "nothing", time.monotonic() + CHECK_SECONDS
    while time.monotonic() < end:
        for text in await _replies(client, channel, since):
            if is_wanted(text):
                return text
            last = text or last
        await asyncio.sleep(0.5)
    raise StartFailed(f"No such answer within {CHECK_SECONDS} seconds. Last was said: {last}")


async def _replies(client: AsyncWebClient, channel: str, since: str) -> list[str]:
    texts: list[str] = []
    for message in (await client.conversations_history(channel=channel, oldest=since))["messages"]:
        thread = await client.conversations_replies(channel=channel, ts=message["ts"])
        texts += [_text(reply) for reply in thread["messages"][1:]]
    return texts


def _text(message: dict[str, Any]) -> str:
    return "" if message.get("streaming_state") == "in_progress" else str(message.get("text", ""))
