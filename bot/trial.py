"""The first five minutes: a workspace on this machine, the assistant in it, and a check that it answers."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import running
from bot.errors import StartFailed
from bot.services import fetch_models
from bot.settings import Settings

EXAMPLES = Path(__file__).parent.parent / "deploy" / "examples"
QUESTION, ANSWER = "How many days of paid leave do full-time employees get each year?", "handbook.pdf, p. "
CHECK_SECONDS = 300  # for one answer on a slow machine
START_SECONDS = 30


def trial(*, port: int, data: Path | None, model: str, check: bool) -> None:
    """Run until interrupted, or until the check is done; raise StartFailed with what went wrong."""
    settings = _settings(port, data, model)
    fetch_models(settings)
    asyncio.run(_run(settings, port, check))


async def _run(settings: Settings, port: int, check: bool) -> None:
    async with _workspace(port, settings.data_dir / "workspace") as url, running(settings) as app:
        if check:
            await _check(settings.slack.api_url)
            return
        _print(f"\n  Open {url} in a browser and talk to the assistant.\n"
               f"  Ctrl-C ends it and keeps the data in {settings.data_dir}\n")  # fmt: skip
        await app.wait()


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the command is for


def _settings(port: int, data: Path | None, model: str) -> Settings:
    """Point the settings at the workspace on this machine, whatever the environment says of another one."""
    for name in [name for name in os.environ if name.startswith("SLACK_")]:
        del os.environ[name]
    os.environ |= {
        "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_APP_TOKEN": "xapp-sandbox",
    }
    if data:
        os.environ["DATA_DIR"] = str(data)
    if model:
        os.environ["LLM_MODEL"] = model
    return Settings()


@asynccontextmanager
async def _workspace(port: int, data: Path) -> AsyncIterator[str]:
    """Run the workspace as a process of its own; yield the address of its page."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise StartFailed(f"Port {port} is in use. Stop what runs there, or choose another with --port.")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--data", str(data), start_new_session=True
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
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            try:
                await client.auth_test()
                return
            except (SlackClientError, OSError):
                await asyncio.sleep(0.1)
    raise StartFailed("The workspace did not start; its message stands above.")


async def _check(api_url: str) -> None:
    """As alice: share the bundled handbook, ask about it, and look for an answer with a cited page."""
    alice = AsyncWebClient("xoxp-alice", base_url=api_url)
    channel = await _channel(alice, "general")
    await alice.files_upload_v2(channel=channel, file=str(EXAMPLES / "handbook.pdf"), filename="handbook.pdf")
    await _said(alice, channel, lambda text: "pages" in text and "passages" in text)
    await alice.api_call("chat.command", json={"channel": channel, "command": "/ask", "text": QUESTION})
    answer = await _said(alice, channel, lambda text: ANSWER in text)
    _print(f"\n{QUESTION}\n{answer}\n\nIt works.")


async def _channel(client: AsyncWebClient, name: str) -> str:
    listed = await client.conversations_list()
    return next(str(channel["id"]) for channel in listed["channels"] if channel["name"] == name)


async def _said(client: AsyncWebClient, channel: str, wanted: Callable[[str], bool]) -> str:
    """Wait until a reply in one of the channel's newest threads is what is wanted."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            while True:
                history = await client.conversations_history(channel=channel, limit=5)
                for message in history["messages"]:
                    replies = await client.conversations_replies(channel=channel, ts=message["ts"])
                    for reply in replies["messages"]:
                        if wanted(_text(reply)):
                            return _text(reply)
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise StartFailed(f"No such answer within {CHECK_SECONDS} seconds.") from None


def _text(message: dict[str, Any]) -> str:
    return "" if message.get("streaming_state") == "in_progress" else str(message.get("text", ""))
