"""The assistant without its models: real gateway, queue, worker and Slack out; the handler says back what it was told.

Run as a process by the chaos tests: `python -m tests.chaos.echo_app API_URL DATA_DIR SECONDS [GGUF]`. With a model file
chats are answered by the real engine instead, as long as there is room for.
"""

import asyncio
import os
import signal
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import HumanMessage

from bot import gateway, log
from bot.access.gone import Gone
from bot.access.memberships import Memberships
from bot.access.reconcile import Reconciler
from bot.dispatcher import Dispatcher
from bot.engine import open_chat_model
from bot.limits import Limits
from bot.memory import ThreadMemory
from bot.queue.queue import Queue
from bot.queue.worker import Worker
from bot.redis_server import RedisServer, open_redis
from bot.settings import LlmSettings, SlackSettings
from bot.slack.connect import connect_slack
from bot.slack.quotes import Quotes
from bot.slack.talks import Talks
from handlers import ACTIONS
from handlers.context.generate import stream_reply
from handlers.pieces import Pieces, Progress, Text
from handlers.request import Request, Services
from indexing.audience import Audience
from indexing.document import Document, Share
from tests.handlers.fakes import no_services

ANSWER_TOKENS = 60


class NoLibrary:
    """A library without documents."""

    async def shares(self) -> list[Share]:
        return []

    async def documents(self, _: Audience) -> list[Document]:
        return []

    async def unshare(self, **_: str) -> int:
        return 0


def echo(seconds: float) -> Any:
    """Make a handler that takes so long to say its words back, in ten parts."""

    async def handler(request: Request, services: Services) -> Pieces:
        services.report(Progress("thinking"))
        yield Text(f"echo {request.text}:")
        for part in range(10):
            await asyncio.sleep(seconds / 10)
            yield Text(f" {part}")
        yield Text(" end")

    return handler


async def counted(request: Request, services: Services) -> Pieces:
    """Let the real model go on for ANSWER_TOKENS, whatever it means to say."""
    yield Text(f"{request.text}:")
    options: dict[str, Any] = {"max_tokens": ANSWER_TOKENS, "temperature": 0, "extra_body": {"ignore_eos": True}}
    async with aclosing(stream_reply(services, [HumanMessage(request.text)], "en", **options)) as words:
        async for more in words:
            yield Text(more)
    yield Text("\n\nend")


async def main(api_url: str, data_dir: Path, seconds: float, model: Path | None) -> None:
    """Run until SIGTERM; say `ready` when Slack is connected."""
    log.configure("json", "info")
    services, handlers = no_services(), dict.fromkeys(ACTIONS, echo(seconds))
    llm = None
    if model:
        llm = await open_chat_model(LlmSettings(context_tokens=4096), model, data_dir / "engine")
        services, handlers = replace(services, model=llm), handlers | {"chat": counted}
    server = RedisServer(data_dir)
    redis = open_redis(await server.start())
    settings = SlackSettings(bot_token="xoxb-sandbox", app_token="xapp-sandbox", api_url=api_url)  # type: ignore[arg-type]
    slack = await connect_slack(settings, loopback=True)
    async with Queue(redis, server.url) as queue:
        audiences, quotes = Memberships(slack.client, redis, slack.team_id), Quotes(slack.client, redis)
        library = cast(Any, NoLibrary())
        turns = Dispatcher(
            services=services,
            client=slack.client,
            redis=redis,
            queue=queue,
            audiences=audiences,
            limits=Limits(redis, 100_000, 100_000),
            upkeep=Reconciler(
                client=slack.client, redis=redis, library=library, memory=ThreadMemory(redis), quotes=quotes,
            ),
            handlers=handlers,
        )  # fmt: skip
        gateway.register(slack.app, queue, Gone(redis), Talks(redis), audiences=audiences)
        worker = asyncio.create_task(Worker(queue, turn=turns, lifelines=data_dir / "workers").run())
        await slack.start()
        print("ready", flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()
        await slack.stop()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    await redis.aclose()
    await server.stop()
    if llm:
        await llm.aclose()


if __name__ == "__main__":
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]) if sys.argv[4:] else None))
