"""People in the workspace: what they do through slack_sdk, and what they then see."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

ANSWER_SECONDS = 180  # for one answer of the small model on two busy cores

Message = dict[str, Any]


@dataclass
class Person:
    """One person's hands and eyes."""

    client: AsyncWebClient
    id: str

    @classmethod
    async def named(cls, name: str, api_url: str) -> "Person":
        """Come in with the token of the workspace on localhost."""
        return await cls.named_by_token(f"xoxp-{name}", api_url)

    @classmethod
    async def named_by_token(cls, token: str, api_url: str) -> "Person":
        """Come in with any token."""
        client = AsyncWebClient(token, base_url=api_url)
        return cls(client, (await client.auth_test())["user_id"])

    async def dm(self, bot: str) -> str:
        """Open the direct message with the bot."""
        return str((await self.client.conversations_open(users=bot))["channel"]["id"])

    async def channel(self, members: Sequence[str], *, private: bool = False) -> str:
        """Make a channel with these people in it."""
        made = await self.client.conversations_create(name=f"story-{uuid.uuid4().hex[:8]}", is_private=private)
        channel = str(made["channel"]["id"])
        await self.client.conversations_invite(channel=channel, users=",".join(members))
        return channel

    async def says(self, channel: str, text: str, thread: str | None = None) -> str:
        """Post a message and return its ts."""
        return str((await self.client.chat_postMessage(channel=channel, text=text, thread_ts=thread))["ts"])

    async def shares(self, channel: str, path: Path, text: str = "", thread: str | None = None) -> str:
        """Drop a file into a conversation and return the ts of its message."""
        await self.client.files_upload_v2(
            channel=channel, file=str(path), filename=path.name, initial_comment=text, thread_ts=thread
        )
        return (await self._wait(lambda: self._carrier(channel, path.name, thread)))["ts"]

    async def sees_file(self, channel: str, name: str, thread: str) -> None:
        """Wait for a file in a thread."""
        await self._wait(lambda: self._carrier(channel, name, thread))

    async def commands(self, channel: str, command: str, text: str = "") -> None:
        """Run a slash command."""
        await self.client.api_call("chat.command", json={"channel": channel, "command": command, "text": text})

    async def _carrier(self, channel: str, name: str, thread: str | None) -> Message | None:
        for message in await (self.thread(channel, thread) if thread else self.history(channel)):
            if any(file.get("name") == name for file in message.get("files", [])):
                return message
        return None

    async def history(self, channel: str) -> list[Message]:
        """Read the conversation, newest first."""
        return list((await self.client.conversations_history(channel=channel, limit=50))["messages"])

    async def thread(self, channel: str, ts: str) -> list[Message]:
        """Read a thread, its first message included."""
        return list((await self.client.conversations_replies(channel=channel, ts=ts, limit=200))["messages"])

    async def reads(self, channel: str, ts: str, wanted: Callable[[str], bool] = bool, count: int = 1) -> str:
        """Wait for the bot's finished reply in the thread (the count-th one that is wanted); return its text."""

        async def finished() -> Message | None:
            said = [m for m in (await self.thread(channel, ts))[1:] if m.get("bot_id") and is_finished(m)]
            fitting = [m for m in said if wanted(visible(m))]
            return fitting[count - 1] if len(fitting) >= count else None

        return visible(await self._wait(finished))

    async def sees_alone(self, channel: str, wanted: Callable[[str], bool] = bool) -> str:
        """Wait for what the bot shows to this person only; return its text."""

        async def shown() -> Message | None:
            seen = (await self.client.api_call("chat.ephemerals", json={"channel": channel}))["messages"]
            return next((message for message in seen if wanted(visible(message))), None)

        return visible(await self._wait(shown))

    async def presses_alone(self, channel: str, row: str) -> None:
        """Press the button beside a row that the bot shows to this person only."""

        async def shown() -> Message | None:
            seen = (await self.client.api_call("chat.ephemerals", json={"channel": channel}))["messages"]
            rows = [(message, block) for message in seen for block in message.get("blocks", []) if "accessory" in block]
            return next(({"ts": m["ts"], **b["accessory"]} for m, b in rows if row in visible({"blocks": [b]})), None)

        pressed = {
            name: value for name, value in (await self._wait(shown)).items() if name in {"ts", "action_id", "value"}
        }
        await self.client.api_call("chat.press", json={"channel": channel, **pressed})

    async def root(self, channel: str, containing: str) -> str:
        """Wait for a message of the bot in the channel itself; return its ts."""

        async def posted() -> Message | None:
            return next((m for m in await self.history(channel) if m.get("bot_id") and containing in visible(m)), None)

        return str((await self._wait(posted))["ts"])

    async def _wait(self, look: Callable[[], Any]) -> Message:
        last: Any = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while not (last := await look()):  # noqa: ASYNC110 - it happens in another process
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError("nothing came that was waited for") from None
        return dict(last)


def is_finished(message: Message) -> bool:
    """Tell whether a message is no longer streamed or a mere sign of progress."""
    return message.get("streaming_state") != "in_progress" and not message.get("metadata", {}).get("progress")


def visible(message: Message) -> str:
    """Return everything a person reads in a message: its text and its blocks."""
    return "\n".join([message.get("text", ""), *_texts(message.get("blocks", []))])


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in _texts(value)]
    return [text for item in node for text in _texts(item)] if isinstance(node, list) else []
