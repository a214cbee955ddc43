"""What Slack forgets is forgotten: passages, memory and quotes, by events and by the nightly comparison."""

# ruff: noqa: F811 - fixtures of other folders

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.access import reconcile as reconcile_module
from bot.access.gone import Gone
from bot.access.reconcile import Reconciler, seconds_until_night
from bot.channel_settings import ChannelSettings
from bot.memory import ThreadMemory
from bot.queue.worker import TryAgain
from bot.slack.changes import CHANNEL_GONE, SlackChange
from bot.slack.quotes import Quotes
from bot.slack.talks import Talks
from handlers.request import Request
from indexing.audience import Audience
from indexing.document import Share
from indexing.library import Library
from indexing.stored import SLICES
from tests.bot.conftest import eventually
from tests.bot.slack.wire import Wire
from tests.indexing.conftest import embedder, encoder, library, shared  # noqa: F401 - fixtures
from tests.pdfs import make_pdf

EVERYWHERE = Audience(frozenset({"C1", "C2", "D1"}))
Made = Callable[..., Share]


@pytest.fixture
def memory(redis: Redis) -> ThreadMemory:
    """The threads' memory."""
    return ThreadMemory(redis)


@pytest.fixture
def quotes(client: AsyncWebClient, redis: Redis) -> Quotes:
    """Which messages quote what."""
    return Quotes(client, redis)


@pytest.fixture
def upkeep(
    client: AsyncWebClient,
    redis: Redis,
    library: Library,
    memory: ThreadMemory,
    quotes: Quotes,
) -> Reconciler:
    """The upkeep of all that."""
    return Reconciler(client=client, redis=redis, library=library, memory=memory, quotes=quotes)


@pytest.fixture
async def document(
    library: Library, shared: Made, memory: ThreadMemory, quotes: Quotes, wire: Wire, tmp_path: Path
) -> str:
    """The handbook, shared in C1 and C2, answered from and quoted in both."""
    path = make_pdf(tmp_path / "handbook.pdf", ["Full-time employees get 27 days of paid leave."])
    wire.answers["users.info"] = {"user": {"deleted": False}}
    receipt = await library.add(path, shared())
    await library.add(path, shared(channel="C2", file_id="F2", ts="2.0", user="U2"))
    for channel in ("C1", "C2"):
        said = {"user": "U1", "documents": [receipt.document.id], "shared_in": {receipt.document.id: [channel]}}
        turn = [HumanMessage("how many?", id=f"T1:{channel}:9.0:q", additional_kwargs={"user": "U1"}),
                AIMessage("27 [1]", id=f"T1:{channel}:9.0:a", additional_kwargs=said)]  # fmt: skip
        await memory.add(f"T1:{channel}:9.0", turn)
        wire._chat_postMessage({"channel": channel, "text": "27 days", "thread_ts": "9.0"})
        await quotes.record({receipt.document.id: {channel}}, channel, wire.said(channel)[0]["ts"])
    return str(receipt.document.id)


def event(kind: str, *, at: float = 1.0, **fields: Any) -> SlackChange:
    """Make what the gateway makes of one of Slack's events, of long ago."""
    return SlackChange(id=f"Ev:{kind}", kind=kind, team="T1", at=at, **fields)


async def channels(library: Library) -> set[str]:
    return {share.channel for share in await library.shares()}


async def remembered(memory: ThreadMemory, channel: str) -> bool:
    return bool(await memory.recall(f"T1:{channel}:9.0"))


def quoted(wire: Wire, channel: str) -> bool:
    return bool(wire.said(channel)[0]["text"] == "27 days")


async def test_a_deleted_file_is_gone_with_memory_and_quotes(
    upkeep: Reconciler,
    document: str,
    library: Library,
    memory: ThreadMemory,
    wire: Wire,
) -> None:
    await upkeep.handle(event("file_deleted", files=("F1",)))
    assert await channels(library) == {"C2"}
    assert (quoted(wire, "C1"), quoted(wire, "C2")) == (False, True)
    assert (await remembered(memory, "C1"), await remembered(memory, "C2")) == (False, True)
    await upkeep.handle(event("file_deleted", files=("F2",)))
    assert await channels(library) == set()
    assert not quoted(wire, "C2")
    assert not await remembered(memory, "C2")
    assert await library.search(["paid leave"], readable_by=EVERYWHERE) == []


async def test_a_document_that_is_gone_is_not_quoted_anywhere(
    upkeep: Reconciler, document: str, quotes: Quotes, wire: Wire
) -> None:
    """Somebody was answered from it in a direct message, where it was never shared."""
    wire._chat_postMessage({"channel": "D7", "text": "27 days", "thread_ts": "8.0"})
    await quotes.record({document: {"C1", "C2"}}, "D7", wire.said("D7")[0]["ts"])
    await upkeep.handle(event("file_deleted", files=("F1",)))
    assert quoted(wire, "D7")
    await upkeep.handle(event("file_deleted", files=("F2",)))
    assert not quoted(wire, "D7")


async def test_what_is_shown_in_a_third_channel_goes_with_the_share_that_allowed_it(
    upkeep: Reconciler, document: str, quotes: Quotes, memory: ThreadMemory, wire: Wire
) -> None:
    """All of #team may read #general (C1) and not #finance (C2): quote, memory and table go with C1's share."""
    wire._chat_postMessage({"channel": "C7", "text": "27 days", "thread_ts": "8.0"})
    await quotes.record({document: {"C1"}}, "C7", wire.said("C7")[0]["ts"])
    await quotes.record_file({document: {"C1"}}, "FTABLE")
    said = {"user": "U1", "documents": [document], "shared_in": {document: ["C1"]}}
    await memory.add("T1:C7:9.0", [AIMessage("27 [1]", id="T1:C7:9.0:a", additional_kwargs=said)])
    await upkeep.handle(event("file_deleted", files=("F2",)))
    assert quoted(wire, "C7")
    await upkeep.handle(event("file_deleted", files=("F1",)))
    assert not quoted(wire, "C7")
    assert not await remembered(memory, "C7")
    assert [a["file"] for method, a in wire.calls if method == "files.delete"] == ["FTABLE"]


async def test_a_channel_with_a_new_id_keeps_what_is_shown(
    upkeep: Reconciler, document: str, library: Library, memory: ThreadMemory, quotes: Quotes, wire: Wire
) -> None:
    """The messages are there still, under the new id; only then the file is deleted."""
    await upkeep.handle(event("channel_id_changed", channel="C1", new_channel="C5"))
    wire.messages["C5"] = wire.messages["C1"]
    await upkeep.tidy()
    assert quoted(wire, "C5")
    assert await remembered(memory, "C5")
    await upkeep.handle(event("file_deleted", files=("F1",)))
    assert not quoted(wire, "C5")
    assert not await remembered(memory, "C5")


async def test_an_unshared_file_is_gone_where_slack_does_not_show_it(
    upkeep: Reconciler,
    document: str,
    library: Library,
    wire: Wire,
) -> None:
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": [], "groups": ["C1"], "ims": []}}
    await upkeep.handle(event("file_unshared", files=("F1",)))
    assert await channels(library) == {"C1", "C2"}
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": [], "groups": [], "ims": []}}
    await upkeep.handle(event("file_unshared", files=("F1",)))
    assert await channels(library) == {"C2"}


@pytest.mark.parametrize("name", sorted(CHANNEL_GONE))
async def test_a_channel_that_is_gone_takes_its_documents_along(
    name: str,
    upkeep: Reconciler,
    document: str,
    library: Library,
    memory: ThreadMemory,
) -> None:
    await upkeep.handle(event(name, channel="C1"))
    assert await channels(library) == {"C2"}
    assert (await remembered(memory, "C1"), await remembered(memory, "C2")) == (False, True)


async def test_nobody_elses_leaving_takes_documents_along(upkeep: Reconciler, document: str, library: Library) -> None:
    await upkeep.handle(event("member_left", channel="C1", user="U1"))
    assert await channels(library) == {"C1", "C2"}


async def test_only_the_channel_that_a_file_left_forgets_it(
    upkeep: Reconciler, document: str, library: Library, shared: Made, wire: Wire, tmp_path: Path
) -> None:
    """Soon after an upload Slack does not list yet where else the file is."""
    await library.add(tmp_path / "handbook.pdf", shared(channel="D1", file_id="F1", ts="3.0"))
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": ["C9"]}}
    await upkeep.handle(event("file_unshared", files=("F1",), channel="C1"))
    assert await channels(library) == {"C2", "D1"}


async def test_an_empty_list_of_shares_is_asked_for_again(
    upkeep: Reconciler, document: str, library: Library, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    unshared = event("file_unshared", files=("F1",), channel="C1", at=now)
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": []}}
    with pytest.raises(TryAgain) as later:
        await upkeep.handle(unshared)
    assert 50 < later.value.after_seconds <= 60
    assert await channels(library) == {"C1", "C2"}
    monkeypatch.setattr("time.time", lambda: now + 61)
    await upkeep.handle(unshared)
    assert await channels(library) == {"C2"}


async def test_a_file_that_is_shown_there_still_is_not_hidden_any_more(
    upkeep: Reconciler, document: str, library: Library, wire: Wire, redis: Redis
) -> None:
    """It was shared twice in a channel and one message went."""
    unshared = event("file_unshared", files=("F1",), channel="C1", at=time.time())
    await Gone(redis).note(unshared)
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": ["C1"]}}
    await upkeep.handle(unshared)
    assert await channels(library) == {"C1", "C2"}
    assert await Gone(redis).among(await library.shares()) == frozenset()


async def test_a_file_taken_out_of_a_message_is_gone_from_that_message_only(
    upkeep: Reconciler, document: str, library: Library, shared: Made, tmp_path: Path
) -> None:
    await library.add(tmp_path / "handbook.pdf", shared(ts="8.0"))
    await upkeep.handle(event("file_unshared", files=("F1",), channel="C1", ts="1.0"))
    assert {(share.channel, share.ts) for share in await library.shares()} == {("C1", "8.0"), ("C2", "2.0")}


async def test_the_same_bytes_stay_where_another_file_shows_them(
    upkeep: Reconciler, document: str, library: Library, shared: Made, wire: Wire, tmp_path: Path
) -> None:
    await library.add(tmp_path / "handbook.pdf", shared(file_id="F9", ts="8.0"))
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": ["C9"]}}
    await upkeep.handle(event("file_unshared", files=("F1",), channel="C1"))
    assert {share.file_id for share in await library.shares()} == {"F2", "F9"}
    assert quoted(wire, "C1")


@pytest.mark.parametrize(
    "change",
    [
        event("file_deleted", files=("F1",)),
        event("channel_left", channel="C1"),
        event("message_deleted", channel="C1", ts="1.0"),
        event("file_unshared", files=("F1",), channel="C1", ts="1.0"),
    ],
    ids=lambda change: change.kind,
)
async def test_a_forgetting_that_was_cut_short_is_finished_by_the_next_try(
    upkeep: Reconciler, document: str, library: Library, memory: ThreadMemory, wire: Wire,
    monkeypatch: pytest.MonkeyPatch, change: SlackChange,
) -> None:  # fmt: skip
    """Whatever step fails, the quote and the memory do not outlive the share, and the next try finds the rest."""
    for part, step in ((upkeep.quotes, "withdraw"), (memory, "forget_document"), (library, "unshare")):
        with monkeypatch.context() as broken:
            broken.setattr(part, step, failing_after(getattr(part, step)))
            with pytest.raises(ConnectionError):
                await upkeep.handle(change)
        assert "C1" in await channels(library) or not quoted(wire, "C1")
    await upkeep.handle(change)
    assert await channels(library) == {"C2"}
    assert (quoted(wire, "C1"), quoted(wire, "C2")) == (False, True)
    assert (await remembered(memory, "C1"), await remembered(memory, "C2")) == (False, True)


def failing_after(step: Callable[..., Any]) -> Callable[..., Any]:
    """Do it, and die before anybody hears of it."""

    async def fails(*given: Any, **named: Any) -> None:
        await step(*given, **named)
        raise ConnectionError

    return fails


async def test_a_channel_with_a_new_id_keeps_what_is_known_of_it(
    upkeep: Reconciler, document: str, library: Library, memory: ThreadMemory
) -> None:
    await upkeep.handle(event("channel_id_changed", channel="C1", new_channel="C7"))
    assert await channels(library) == {"C2", "C7"}
    assert await library.search(["paid leave"], readable_by=Audience(frozenset({"C7"})))
    assert (await remembered(memory, "C1"), await remembered(memory, "C7")) == (False, True)
    await upkeep.handle(event("message_deleted", channel="C7", ts="9.0"))
    assert not await remembered(memory, "C7")


async def test_a_channel_with_a_new_id_keeps_its_threads_and_its_wishes(upkeep: Reconciler, redis: Redis) -> None:
    """Else nobody would be answered in a thread that is ours, and a channel that wants quiet would be spoken in."""
    talks, settings = Talks(redis), ChannelSettings(redis)
    asked = Request(id="T1:C1:9.0", action="chat", team="T1", channel="C1", user="U1", thread="9.0", ts="9.0")
    await talks.ours(asked, addressed=True)
    await settings.change("T1", "C1", "receipts", "off")
    await upkeep.handle(event("channel_id_changed", channel="C1", new_channel="C7"))
    assert (await talks.of(replace(asked, channel="C7"))).partners == {"U1"}
    assert not (await settings.of("T1", "C7")).receipts
    assert not (await talks.of(asked)).is_ours


async def test_a_deleted_message_takes_its_file_and_its_turn_along(
    upkeep: Reconciler,
    document: str,
    library: Library,
    memory: ThreadMemory,
) -> None:
    await upkeep.handle(event("message_deleted", channel="C1", ts="1.0"))
    assert await channels(library) == {"C2"}
    await upkeep.handle(event("message_deleted", channel="C2", ts="9.0"))
    assert not await remembered(memory, "C2")


async def test_somebody_who_left_the_company_is_forgotten(
    upkeep: Reconciler,
    document: str,
    library: Library,
    shared: Made,
    memory: ThreadMemory,
    wire: Wire,
    tmp_path: Path,
) -> None:
    await library.add(tmp_path / "handbook.pdf", shared(channel="D1", file_id="F3", ts="3.0"))
    await upkeep.handle(event("user_changed", user="U1"))
    assert await remembered(memory, "C1")
    await upkeep.handle(event("user_left", user="U1"))
    assert not await remembered(memory, "C1")
    assert await channels(library) == {"C1", "C2"}


async def test_the_night_catches_what_no_event_told(
    upkeep: Reconciler,
    document: str,
    library: Library,
    memory: ThreadMemory,
    wire: Wire,
) -> None:
    """F1 was deleted, C2 archived, and nobody said so; what Slack does not tell now stays until tomorrow."""

    def file(arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["file"] == "F1":
            raise LookupError("file_not_found")
        return {"file": {"id": "F2", "channels": ["C2"]}}

    wire.answers["files.info"] = file
    wire.faults["files.info"] = ["internal_error"]
    wire.answers["conversations.info"] = {"channel": {"id": "C2", "is_member": True}}
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == {"C1", "C2"}
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == {"C2"}
    wire.answers["conversations.info"] = {"channel": {"id": "C2", "is_archived": True}}
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == set()
    assert not quoted(wire, "C2")
    assert not await remembered(memory, "C2")


async def test_a_night_that_is_too_short_goes_on_where_it_ended(
    upkeep: Reconciler, document: str, library: Library, wire: Wire, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each night has its slices; none asks which of all documents were not compared for longest."""
    wire.answers["files.info"] = {"file": {"id": "F1", "channels": []}}
    wire.answers["conversations.info"] = {"channel": {"id": "C1", "is_member": True}}
    monkeypatch.setattr(reconcile_module, "NIGHT_SECONDS", -1)
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == {"C1", "C2"}
    monkeypatch.setattr(reconcile_module, "NIGHT_SECONDS", 600)
    await redis.set(reconcile_module.NEXT_SLICE, SLICES - 1, ex=60)
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == set()
    assert int(await redis.get(reconcile_module.NEXT_SLICE)) == SLICES - 1


async def test_after_the_night_no_file_has_the_forgotten_words(
    upkeep: Reconciler, library: Library, shared: Made, memory: ThreadMemory, wire: Wire, redis: Redis, tmp_path: Path
) -> None:
    """Whoever gets hold of the disk reads what was deleted, until the index and Redis' file are written anew."""
    path = tmp_path / "code.txt"
    path.write_text("The password is xylophone.")
    receipt = await library.add(path, shared())
    path.unlink()
    said = {"user": "U1", "documents": [receipt.document.id], "shared_in": {receipt.document.id: ["C1"]}}
    await memory.add("T1:C1:9.0", [AIMessage("It is xylophone.", id="T1:C1:9.0:a", additional_kwargs=said)])
    await eventually(lambda: len(files_with(tmp_path, b"xylophone")) > 1)
    wire.answers["conversations.info"] = {"channel": {"id": "C1", "is_member": True}}
    wire.answers["users.info"] = {"user": {"deleted": False}}
    await upkeep.handle(event("file_deleted", files=("F1",)))
    await upkeep.reconcile(pause_seconds=0)
    await eventually(lambda: not files_with(tmp_path, b"xylophone"))


def files_with(folder: Path, word: bytes) -> list[Path]:
    """Return the files that hold a word; what is written meanwhile may be renamed."""
    having = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            having += [path] if path.is_file() and word in path.read_bytes() else []
    return having


async def test_the_night_catches_who_left_and_talk_in_channels_that_are_gone(
    upkeep: Reconciler, library: Library, memory: ThreadMemory, wire: Wire
) -> None:
    """Nothing was shared there, and no event told: a closed account, a deleted channel, an open one."""
    for user, channel in (("U1", "C1"), ("U2", "C2"), ("U2", "C3")):
        said = HumanMessage("hello", id=f"T1:{channel}:9.0:q", additional_kwargs={"user": user})
        await memory.add(f"T1:{channel}:9.0", [said])

    def channel_(arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["channel"] == "C2":
            raise LookupError("channel_not_found")
        return {"channel": {"id": arguments["channel"], "is_member": True}}

    wire.answers["conversations.info"] = channel_
    wire.answers["users.info"] = lambda a: {"user": {"id": a["user"], "deleted": a["user"] == "U1"}}
    wire.faults["users.info"] = ["broken"] * 9
    await upkeep.reconcile(pause_seconds=0)
    assert [await remembered(memory, channel) for channel in ("C1", "C2", "C3")] == [True, False, True]
    wire.faults["users.info"] = []
    await upkeep.reconcile(pause_seconds=0)
    assert [await remembered(memory, channel) for channel in ("C1", "C2", "C3")] == [False, False, True]


async def test_a_night_that_fails_does_not_end_the_assistant(
    upkeep: Reconciler, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights: list[int] = []

    async def fails() -> None:
        nights.append(1)
        await redis.flushall()  # it is the next night
        raise ConnectionError("my salary is 91,250")

    monkeypatch.setattr(reconcile_module, "seconds_until_night", lambda _: 0.01)
    monkeypatch.setattr(upkeep, "reconcile", fails)
    with capture_logs() as lines:
        running = asyncio.create_task(upkeep.run())
        await eventually(lambda: len(nights) == 3)
        running.cancel()
        await asyncio.wait([running])
    assert {line["event"] for line in lines} == {"not reconciled"}


async def test_what_is_older_than_the_retention_is_forgotten(
    upkeep: Reconciler,
    document: str,
    library: Library,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire.answers["files.info"] = {"file": {"channels": ["C1", "C2"]}}
    wire.answers["conversations.info"] = {"channel": {"is_member": True}}
    upkeep.retention_days = 30
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == {"C1", "C2"}
    monkeypatch.setattr("time.time", lambda: datetime.now(UTC).timestamp() + 31 * 86400)
    await upkeep.reconcile(pause_seconds=0)
    assert await channels(library) == set()
    assert not quoted(wire, "C1")


async def test_what_a_handler_removed_is_tidied_up(
    upkeep: Reconciler,
    document: str,
    library: Library,
    memory: ThreadMemory,
    wire: Wire,
) -> None:
    await library.unshare(document_id=document)
    await upkeep.tidy()
    assert not quoted(wire, "C1")
    assert not await remembered(memory, "C2")


async def test_what_a_handler_removed_from_one_place_is_tidied_up_there(
    upkeep: Reconciler, document: str, library: Library, memory: ThreadMemory, wire: Wire
) -> None:
    """`/forget-me` and `/docs remove` of one who shared it, while somebody else shares it elsewhere."""
    removals = await library.forget_person("U1")
    await upkeep.settle(removal.document_id for removal in removals)
    assert (quoted(wire, "C1"), quoted(wire, "C2")) == (False, True)
    assert (await remembered(memory, "C1"), await remembered(memory, "C2")) == (False, True)


def test_the_night_is_at_three() -> None:
    assert seconds_until_night(datetime(2026, 11, 24, 2, 0, tzinfo=UTC)) == 3600
    assert seconds_until_night(datetime(2026, 11, 24, 3, 0, tzinfo=UTC)) == 86400
