"""The Web API answers as Slack's does, errors and all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.conftest import channel_named

Enter = Callable[[str], AsyncWebClient]


async def refused(call: Any) -> str:
    """Return the name of the error that a call ends with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_who_has_which_token(enter: Enter) -> None:
    folio = await enter("xoxb-sandbox").auth_test()
    assert folio["bot_id"]
    assert "chat:write" in folio.headers["x-oauth-scopes"]
    assert (await enter("xoxp-bob").auth_test())["user"] == "bob"
    assert await refused(enter("xoxb-wrong").auth_test()) == "invalid_auth"
    assert await refused(enter("xapp-sandbox").auth_test()) == "not_allowed_token_type"
    assert await refused(enter("xoxp-alice").views_publish(user_id="U", view={})) == "not_allowed_token_type"


@pytest.mark.parametrize("transport", ["get", "query", "form", "multipart", "json"])
async def test_arguments_come_in_every_way(sandbox: Sandbox, general: str, transport: str) -> None:
    arguments = {"channel": general, "text": "Bonjour & <salut> été"}
    parts = aiohttp.FormData(arguments)
    parts._is_multipart = True
    given: dict[str, Any] = {
        "get": {"params": arguments, "method": "GET"},
        "query": {"params": arguments},
        "form": {"data": arguments},
        "multipart": {"data": parts},
        "json": {"json": arguments},
    }[transport]
    headers = {"Authorization": "Bearer xoxp-alice"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(url=f"{sandbox.api_url}chat.postMessage", **({"method": "POST"} | given)) as response,
    ):
        assert (await response.json())["message"]["text"] == arguments["text"]


async def test_a_token_may_come_as_an_argument(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.api_url}auth.test", data={"token": "xoxp-bob"}) as response,
    ):
        assert (await response.json())["user"] == "bob"


async def test_what_is_unknown_or_malformed_has_slacks_names(
    sandbox: Sandbox, alice: AsyncWebClient, general: str
) -> None:
    assert await refused(alice.api_call("chat.shout")) == "unknown_method"
    assert await refused(alice.chat_postMessage(channel="C404", text="x")) == "channel_not_found"
    assert await refused(alice.api_call("chat.postMessage", json={"channel": general, "text": " "})) == "no_text"
    assert await refused(alice.conversations_replies(channel=general, ts="1.000000")) == "thread_not_found"
    assert await refused(alice.conversations_history(channel=general, cursor="???")) == "invalid_cursor"
    assert await refused(alice.users_info(user="U404")) == "user_not_found"
    headers = {"Authorization": "Bearer xoxp-alice", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.api_url}chat.postMessage", data="{", headers=headers) as response,
    ):
        assert (await response.json())["error"] == "invalid_json"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [{"type": "sing"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "markdown", "text": "x" * 7000}] * 2}, "msg_too_long"),
        ({"text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_format"),
    ],
)
async def test_a_message_that_slack_would_not_take_is_refused(
    folio: AsyncWebClient, general: str, body: dict[str, Any], error: str
) -> None:
    assert await refused(folio.api_call("chat.postMessage", json={"channel": general, **body})) == error


async def test_an_update_is_limited_and_loses_blocks(
    folio: AsyncWebClient, alice: AsyncWebClient, general: str
) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    ts = (await folio.chat_postMessage(channel=general, text="x", blocks=[block]))["ts"]
    assert await refused(folio.chat_update(channel=general, ts=ts, text="x" * 4001)) == "msg_too_long"
    assert await refused(alice.chat_update(channel=general, ts=ts, text="mine now")) == "cant_update_message"
    await folio.chat_update(channel=general, ts=ts, text="only text")
    assert "blocks" not in (await alice.conversations_history(channel=general))["messages"][0]


async def test_history_goes_page_by_page(alice: AsyncWebClient, general: str) -> None:
    times = [(await alice.chat_postMessage(channel=general, text=str(n)))["ts"] for n in range(7)]
    seen, cursor = [], None
    while cursor != "":
        page = await alice.conversations_history(channel=general, limit=3, cursor=cursor)
        seen += [message["ts"] for message in page["messages"]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
    assert seen == times[::-1]
    between = await alice.conversations_history(channel=general, oldest=times[1], latest=times[3])
    assert [message["text"] for message in between["messages"]] == ["2"]
    one = await alice.conversations_history(channel=general, latest=times[3], inclusive=True, limit=1)
    assert one["messages"][0]["ts"] == times[3]


async def test_a_thread_counts_its_replies_and_starts_each_page_with_its_root(
    alice: AsyncWebClient, general: str
) -> None:
    root = (await alice.chat_postMessage(channel=general, text="root"))["ts"]
    for n in range(5):
        await alice.chat_postMessage(channel=general, text=str(n), thread_ts=root)
    texts, cursor = [], None
    while cursor != "":
        page = await alice.conversations_replies(channel=general, ts=root, limit=3, cursor=cursor)
        assert page["messages"][0]["ts"] == root
        texts += [message["text"] for message in page["messages"][1:]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
    assert texts == ["0", "1", "2", "3", "4"]
    top = (await alice.conversations_history(channel=general))["messages"]
    assert [(message["text"], message["reply_count"]) for message in top] == [("root", 5)]


async def test_nobody_reads_what_is_not_theirs(enter: Enter, alice: AsyncWebClient) -> None:
    finance = await channel_named(alice, "finance")
    partner = await channel_named(alice, "partner-project")
    for name in ("carol", "guest", "dana"):
        assert await refused(enter(f"xoxp-{name}").conversations_info(channel=finance)) == "channel_not_found"
    assert await refused(enter("xoxp-guest").conversations_history(channel=partner)) == "channel_not_found"
    seen = {channel["name"] for channel in (await enter("xoxp-guest").conversations_list())["channels"]}
    assert seen == {"open-house"}
    people = (await alice.users_list())["members"]
    teams = {person["name"]: (person["team_id"], person["is_restricted"]) for person in people}
    assert teams["guest"] == (teams["alice"][0], True)
    assert teams["dana"][0] != teams["alice"][0]


async def test_a_restart_finds_everything_again(tmp_path: Path) -> None:
    first = await Sandbox.start(0, tmp_path)
    alice = AsyncWebClient("xoxp-alice", base_url=first.api_url)
    made = (await alice.conversations_create(name="kept", is_private=True))["channel"]["id"]
    root = (await alice.chat_postMessage(channel=made, text="root"))["ts"]
    await alice.files_upload_v2(channel=made, content="bytes", filename="a.txt", thread_ts=root)
    await first.stop()
    second = await Sandbox.start(0, tmp_path)
    alice = AsyncWebClient("xoxp-alice", base_url=second.api_url)
    thread = (await alice.conversations_replies(channel=made, ts=root))["messages"]
    assert [message["text"] for message in thread] == ["root", ""]
    assert thread[1]["files"][0]["name"] == "a.txt"
    assert (await alice.chat_postMessage(channel=made, text="later"))["ts"] > thread[1]["ts"]
    await second.stop()


async def test_another_sites_page_may_not_call(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            async with session.get(f"{sandbox.api_url}api.test", headers=headers) as response:
                assert response.status == 403


@pytest.mark.parametrize(
    ("path", "mode", "status"),
    [("api/api.test", "no-cors", 403), ("api/api.test", "navigate", 403), ("calls", "no-cors", 403),
     ("", "navigate", 200)],
)  # fmt: skip
async def test_a_picture_or_a_link_of_another_site_does_nothing(
    sandbox: Sandbox, path: str, mode: str, status: int
) -> None:
    """A browser names no origin with a GET; it does say that another site wants it."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    address = sandbox.api_url.removesuffix("api/") + path
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as response:
        assert response.status == status


@pytest.mark.parametrize(
    ("restricted", "top", "reply"),
    [
        ("read_only_channel", "restricted_action_read_only_channel", "restricted_action_read_only_channel"),
        ("thread_only_channel", "restricted_action_thread_only_channel", ""),
        ("non_threadable_channel", "", "restricted_action_non_threadable_channel"),
        ("thread_locked", "", "restricted_action_thread_locked"),
    ],
)
async def test_posting_may_be_restricted(
    alice: AsyncWebClient, folio: AsyncWebClient, general: str, restricted: str, top: str, reply: str
) -> None:
    """The channel's creator may post all the same; the app may not, in Slack's long names."""
    root = str((await alice.chat_postMessage(channel=general, text="news"))["ts"])
    await alice.api_call(
        "admin.conversations.setConversationPrefs", json={"channel_id": general, "restricted": restricted}
    )
    assert (await alice.chat_postMessage(channel=general, text="more news", thread_ts=root))["ok"]
    for error, thread in ((top, None), (reply, root)):
        posting = folio.chat_postMessage(channel=general, text="hello", thread_ts=thread)
        assert (await refused(posting) if error else str((await posting).get("error") or "")) == error
