"""The connection: what Slack signed comes in once, and a start that can't succeed says what mends it."""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.errors import StartFailed
from bot.settings import SlackSettings
from bot.slack.connect import PATH, HttpDoor, SlackConnection, connect_slack
from tests.bot.slack.wire import Wire

SECRET = "8f742231b10e"
BODY = json.dumps({"type": "event_callback", "team_id": "T1", "event": {"type": "message", "text": "secret words"}})


def settings_for(wire: Wire, **fields: object) -> SlackSettings:
    """Return the settings of HTTP mode on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"bot_token": SecretStr("xoxb-1"), "signing_secret": SecretStr(SECRET), "mode": "http", "port": port}
    return SlackSettings(**{"api_url": f"{wire.url}/api/", **given, **fields})  # type: ignore[arg-type]


@pytest.fixture
async def connection(wire: Wire) -> AsyncIterator[SlackConnection]:
    """HTTP mode, listening."""
    connection = await connect_slack(settings_for(wire), loopback=True)
    seen: list[str] = []

    @connection.app.event("message")
    async def count(body: dict[str, object]) -> None:
        seen.append(str(body))

    connection.app.seen = seen  # type: ignore[attr-defined]
    await connection.start()
    yield connection
    await connection.stop()


def signed(body: str, stamp: str = "", secret: str = SECRET) -> dict[str, str]:
    """Return the headers with which Slack signs."""
    stamp = stamp or str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "Content-Type": "application/json",
    }  # fmt: skip


async def post(connection: SlackConnection, body: str | bytes, headers: dict[str, str]) -> int:
    """Send what Slack, or somebody else, sends."""
    url = f"http://127.0.0.1:{connection._settings.port}{PATH}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        return response.status


async def test_what_slack_signed_comes_in_once(connection: SlackConnection) -> None:
    headers = signed(BODY)
    assert await post(connection, BODY, headers) == 200
    assert await post(connection, BODY, headers) == 401
    assert len(connection.app.seen) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="other"),
        signed("other body"),
        signed(BODY, stamp=str(int(time.time()) - 3600)),
        signed(BODY) | {"X-Slack-Request-Timestamp": "soon"},
        signed(BODY) | {"X-Slack-Signature": "v0=é".encode().decode("latin-1")},
        signed(BODY) | {"X-Slack-Signature": ""},
    ],
)
async def test_what_slack_did_not_sign_stays_out(
    connection: SlackConnection, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        assert await post(connection, BODY, headers) == 401
    assert connection.app.seen == []  # type: ignore[attr-defined]
    assert "secret words" not in caplog.text


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY.encode(), {"X-Slack-Request-Timestamp": "9" * 5000}),
        (BODY.encode(), {"Content-Type": "application/json; charset=unheard-of"}),
        (BODY.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        (b"\xff\xfe\xfa", {}),
    ],
)
async def test_what_can_not_even_be_read_is_not_signed_either(
    connection: SlackConnection, body: bytes, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await post(connection, body, signed(BODY) | {"X-Slack-Signature": "v0=0"} | headers) == 401
    assert "Error" not in caplog.text


async def test_who_sends_half_a_body_is_not_waited_for(
    connection: SlackConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.connect.BODY_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", connection._settings.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf".encode())
    assert b" 401 " in await reader.readline()
    await reader.read()  # until it is closed
    writer.close()
    await writer.wait_closed()


async def test_an_unsigned_check_is_not_answered(connection: SlackConnection) -> None:
    assert await post(connection, "ssl_check=1", {"Content-Type": "application/x-www-form-urlencoded"}) == 401


async def test_slack_finds_the_address(connection: SlackConnection) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c1"})
    assert await post(connection, body, signed(body)) == 200


@pytest.mark.parametrize("body", ["", "null", "[]", "payload=%7B", "payload=null", '{"event": 7}', "{", "\ufeff{}"])
async def test_an_odd_body_that_is_signed_breaks_nothing(connection: SlackConnection, body: str) -> None:
    status = await post(connection, body, signed(body))
    assert status in {200, 400, 404, 500}  # 500 is Bolt's, with a line in the log
    assert await post(connection, BODY, signed(BODY)) == 200


@given(st.text(max_size=40), st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_headers_are_no_signature(stamp: str, signature: str) -> None:
    assert not HttpDoor(None, SECRET)._is_signed("{}", stamp, signature)  # type: ignore[arg-type]


async def test_a_connection_in_http_mode_is_connected_while_it_listens(wire: Wire) -> None:
    connection = await connect_slack(settings_for(wire), loopback=True)
    assert (connection.team_id, connection.bot_user_id) == ("T1", "UBOT")
    assert not connection.connected
    await connection.start()
    assert connection.connected
    await connection.stop()


async def test_a_taken_port_is_told(wire: Wire) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        connection = await connect_slack(settings_for(wire, port=taken.getsockname()[1]), loopback=True)
        with pytest.raises(StartFailed, match="SLACK_PORT"):
            await connection.start()
        await connection.stop()


async def test_a_refused_token_is_told(wire: Wire) -> None:
    wire.faults["auth.test"] = ["invalid_auth"]
    with pytest.raises(StartFailed, match="SLACK_BOT_TOKEN: invalid_auth"):
        await connect_slack(settings_for(wire), loopback=True)


async def test_a_missing_token_is_told(wire: Wire) -> None:
    with pytest.raises(StartFailed, match="SLACK_BOT_TOKEN is missing"):
        await connect_slack(settings_for(wire, bot_token=SecretStr("")), loopback=True)


@pytest.mark.parametrize(("mode", "name"), [("socket", "SLACK_APP_TOKEN"), ("http", "SLACK_SIGNING_SECRET")])
async def test_only_who_listens_needs_what_slack_is_let_in_by(wire: Wire, mode: str, name: str) -> None:
    """A worker calls Slack with the bot's token alone; a gateway is told what it lacks."""
    connection = await connect_slack(settings_for(wire, mode=mode, signing_secret=SecretStr("")), loopback=True)
    assert (await connection.client.auth_test())["user_id"] == "UBOT"
    with pytest.raises(StartFailed, match=f"{name} is missing"):
        await connection.start()
    assert not connection.connected
    await connection.stop()


async def test_a_workspace_that_does_not_answer_is_told(wire: Wire) -> None:
    with pytest.raises(StartFailed, match="SLACK_API_URL"):
        await connect_slack(settings_for(wire, api_url="http://127.0.0.1:9/api/"), loopback=True)


async def test_no_proxy_stands_between_us_and_this_machine(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connection = await connect_slack(settings_for(wire), loopback=True)
    assert (await connection.client.auth_test())["user_id"] == "UBOT"
    await connection.stop()


@pytest.mark.parametrize(("method", "tries"), [("chat.postMessage", 1), ("conversations.info", 3)])
async def test_only_what_says_nothing_twice_is_tried_again(wire: Wire, method: str, tries: int) -> None:
    connection = await connect_slack(settings_for(wire), loopback=True)
    wire.faults[method] = ["503"] * 5
    with pytest.raises(Exception, match="False"):
        await connection.client.api_call(method, json={"channel": "C1", "text": "x"})
    assert wire.count(method) == tries
    await connection.stop()
