"""The app is told what happens, over a real socket and Bolt, and told again until it says that it knows."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.people import BOT_USER
from tests.bot.sandbox.conftest import Listener, channel_named, wait_until

Enter = Callable[[str], AsyncWebClient]


async def test_a_mention_comes_as_message_and_as_mention(
    listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    ts = (await alice.chat_postMessage(channel=general, text=f"<@{BOT_USER}> hello"))["ts"]
    await wait_until(lambda: len(listener.heard) == 2)
    message, mention = listener.events("message")[0], listener.events("app_mention")[0]
    assert message["ts"] == mention["ts"] == ts
    assert message["channel_type"] == "channel"
    assert len({body["event_id"] for body in listener.heard}) == 2
    assert listener.heard[0]["authorizations"][0]["user_id"] == BOT_USER


async def test_a_direct_message_is_no_mention(listener: Listener, alice: AsyncWebClient) -> None:
    dm = (await alice.conversations_open(users=BOT_USER))["channel"]["id"]
    await alice.chat_postMessage(channel=dm, text=f"<@{BOT_USER}> hello")
    await alice.chat_postMessage(channel=dm, text="again")
    await wait_until(lambda: len(listener.heard) == 2)
    assert [event["channel_type"] for event in listener.events("message")] == ["im", "im"]


async def test_edits_and_deletions_tell_what_was_before(
    listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    ts = (await alice.chat_postMessage(channel=general, text="one"))["ts"]
    await alice.chat_update(channel=general, ts=ts, text="two")
    await alice.chat_delete(channel=general, ts=ts)
    await wait_until(lambda: listener.events("message_deleted") and listener.events("message_changed"))
    changed, deleted = listener.events("message_changed")[0], listener.events("message_deleted")[0]
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("one", "two")
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (ts, "two")


async def test_a_deleted_message_with_replies_leaves_a_stone(
    listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    ts = (await alice.chat_postMessage(channel=general, text="root"))["ts"]
    await alice.chat_postMessage(channel=general, text="reply", thread_ts=ts)
    await alice.chat_delete(channel=general, ts=ts)
    await wait_until(lambda: listener.events("message_changed"))
    assert listener.events("message_changed")[0]["message"]["subtype"] == "tombstone"
    assert len((await alice.conversations_replies(channel=general, ts=ts))["messages"]) == 2


async def test_coming_and_going_is_told_where_the_app_is(
    listener: Listener, alice: AsyncWebClient, enter: Enter
) -> None:
    channel = (await alice.conversations_create(name="new"))["channel"]["id"]
    carol = (await enter("xoxp-carol").auth_test())["user_id"]
    await alice.conversations_invite(channel=channel, users=BOT_USER)
    await alice.conversations_invite(channel=channel, users=carol)
    await alice.conversations_kick(channel=channel, user=carol)
    await alice.conversations_archive(channel=channel)
    await wait_until(lambda: listener.events("channel_archive"))
    assert [event["user"] for event in listener.events("member_joined_channel")] == [BOT_USER, carol]
    assert listener.events("member_left_channel")[0]["user"] == carol


async def test_the_app_hears_nothing_of_where_it_is_not(listener: Listener, alice: AsyncWebClient) -> None:
    channel = (await alice.conversations_create(name="secret", is_private=True))["channel"]["id"]
    await alice.chat_postMessage(channel=channel, text="nobody else")
    dm = (await alice.conversations_open(users=BOT_USER))["channel"]["id"]
    await alice.chat_postMessage(channel=dm, text="last")
    await wait_until(lambda: listener.heard)
    assert [event["text"] for event in listener.events("message")] == ["last"]


async def test_somebody_elses_company_is_named(listener: Listener, alice: AsyncWebClient, enter: Enter) -> None:
    partner = await channel_named(alice, "partner-project")
    await enter("xoxp-dana").chat_postMessage(channel=partner, text="hello")
    await wait_until(lambda: listener.heard)
    assert listener.events("message")[0]["user_team"] == "T0PARTNER1"
    assert listener.heard[0]["is_ext_shared_channel"] is True


async def test_a_person_becomes_a_guest_and_is_told(listener: Listener, alice: AsyncWebClient, enter: Enter) -> None:
    carol = (await enter("xoxp-carol").auth_test())["user_id"]
    await alice.api_call("admin.users.setRestricted", json={"user_id": carol})
    await wait_until(lambda: listener.events("user_change"))
    assert listener.events("user_change")[0]["user"]["is_restricted"] is True


async def test_what_is_said_while_the_app_is_away_comes_later(
    listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    await listener.close()
    await alice.chat_postMessage(channel=general, text="are you there?")
    await asyncio.sleep(0.1)
    assert not listener.heard
    await listener.connect()
    await wait_until(lambda: listener.events("message"))


async def test_what_is_said_while_the_app_is_away_for_long_is_lost(
    sandbox: Sandbox, listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    sandbox.workspace.delivery.retry_seconds = (0.0, 0.1)
    await listener.close()
    await alice.chat_postMessage(channel=general, text="are you there?")
    await asyncio.sleep(0.3)
    await listener.connect()
    await alice.chat_postMessage(channel=general, text="and now?")
    await wait_until(lambda: listener.events("message"))
    assert [message["text"] for message in listener.events("message")] == ["and now?"]


async def test_an_envelope_without_acknowledgement_comes_again(
    sandbox: Sandbox, enter: Enter, alice: AsyncWebClient, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sandbox.delivery.ACK_SECONDS", 0.1)
    sandbox.workspace.delivery.retry_seconds = (0.0, 0.0, 0.0)
    url = (await enter("").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await alice.chat_postMessage(channel=general, text="hello?")
        tries = [await socket.receive_json(timeout=5) for _ in range(4)]
        assert [envelope["retry_attempt"] for envelope in tries] == [0, 1, 2, 3]
        assert [envelope["retry_reason"] for envelope in tries] == ["", "timeout", "timeout", "timeout"]
        assert len({envelope["payload"]["event_id"] for envelope in tries}) == 1


async def test_a_ticket_opens_one_socket(sandbox: Sandbox, enter: Enter) -> None:
    url = (await enter("").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
