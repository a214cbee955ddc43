"""Pictures and files into the thread, each once."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.markdown import safe
from bot.slack.posted import PostedMessages, thread_messages
from handlers.request import Request


class Uploads:
    """The files that one answer hands over."""

    def __init__(self, client: AsyncWebClient, ledger: PostedMessages, request: Request) -> None:
        self._client, self._ledger, self._request = client, ledger, request
        self._count = 0

    async def hand_over(self, name: str, data: bytes, description: str = "", *, channel: str = "") -> None:
        """Upload into the thread, or into another conversation; nothing if an earlier try did it."""
        name = safe(name)  # made of a document's own name, which a stranger chose
        number, self._count = self._count, self._count + 1
        files = self._ledger.record.files
        if number < len(files) and (files[number] == f"done {name}" or await self._is_there(name)):
            await self._note(number, f"done {name}")
            return
        await self._note(number, f"begun {name}")
        answer = await self._client.files_upload_v2(
            channel=channel or self._request.channel,
            thread_ts=None if channel else self._request.thread or None,
            filename=name,
            title=name,
            alt_txt=safe(description)[:1000] or None,
            content=data,
        )
        self._ledger.record.file_ids += [str(file["id"]) for file in answer.get("files") or []]
        await self._note(number, f"done {name}")

    async def _note(self, number: int, entry: str) -> None:
        self._ledger.record.files[number : number + 1] = [entry]
        await self._ledger.save()

    async def _is_there(self, name: str) -> bool:
        """Tell whether a killed process managed to hand it over: a file of ours of that name, after the question."""
        if not self._request.thread:
            return False
        bot = (await self._client.auth_test())["user_id"]
        messages = await thread_messages(self._client, self._request.channel, self._request.thread)
        asked_at = self._request.ts or self._request.thread
        later = [message for message in messages if message["ts"] > asked_at and message.get("user") == bot]
        names = [file.get("name") for message in later for file in message.get("files", [])]
        done = [entry for entry in self._ledger.record.files if entry == f"done {name}"]
        return names.count(name) > len(done)
