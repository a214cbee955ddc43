"""A disk without room: a name for the page's sentence, and nothing lost once there is room again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, store
from bot.sandbox.store import Store
from tests.conftest import wait_for

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
async def test_a_file_that_finds_no_room_is_told_and_can_be_sent_again(
    sandbox: Sandbox, alice: AsyncWebClient, tmp_path: Path
) -> None:
    ticket = await alice.files_getUploadURLExternal(filename="a.txt", length=5)
    path = tmp_path / "workspace" / "files" / str(ticket["file_id"])
    path.symlink_to(FULL)
    async with aiohttp.ClientSession() as session:
        async with session.post(str(ticket["upload_url"]), data=b"hello") as sent:
            assert (sent.status, await sent.json()) == (507, {"ok": False, "error": "disk_full"})
        path.unlink()
        async with session.post(str(ticket["upload_url"]), data=b"hello") as sent:
            assert sent.status == 200


async def test_what_could_not_be_written_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.05)
    rows, failures = Store(tmp_path / "rows.sqlite3"), 0

    def count(write: Callable[..., None]) -> Callable[..., None]:
        def counted(*batch: object) -> None:
            nonlocal failures
            try:
                write(*batch)
            except Exception:
                failures += 1
                raise

        return counted

    monkeypatch.setattr(rows, "_write", count(rows._write))
    rows._database.execute("PRAGMA max_page_count=4")
    writing = asyncio.create_task(rows.run())
    rows.put("message", "1", {"text": "long " * 5000})
    await asyncio.to_thread(wait_for, lambda: failures > 1, 10)
    rows.put("message", "2", {"text": "short"})
    rows._database.execute("PRAGMA max_page_count=1000000")
    await asyncio.to_thread(wait_for, lambda: not rows._changed, 10)
    writing.cancel()
    rows.close()
    again = Store(tmp_path / "rows.sqlite3")
    assert [key for key, _ in again.read("message")] == ["1", "2"]
    again.close()
