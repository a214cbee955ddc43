"""Files go up in three steps, are told where they are shared, and come down for whom they are."""

from collections.abc import Callable

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.conftest import Listener, channel_named, wait_until
from tests.bot.sandbox.test_web_api import refused

Enter = Callable[[str], AsyncWebClient]


async def share(person: AsyncWebClient, channel: str, content: bytes = b"%PDF-1.7 secret", name: str = "é.pdf") -> str:
    """Share a file and return its id."""
    answer = await person.files_upload_v2(channel=channel, content=content, filename=name, initial_comment="look")
    return str(answer["file"]["id"])


async def get(url: str, token: str) -> tuple[str, bytes]:
    """Download with a token; return the type and the bytes."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url, allow_redirects=False) as response:
        return response.content_type, await response.read()


async def test_a_shared_file_comes_with_everything(listener: Listener, alice: AsyncWebClient, general: str) -> None:
    file = await share(alice, general)
    await wait_until(lambda: listener.events("file_share") and listener.events("file_shared"))
    message = listener.events("file_share")[0]
    assert (message["text"], message["files"][0]["id"]) == ("look", file)
    assert message["files"][0]["size"] == 15
    assert listener.events("file_shared")[0]["channel_id"] == general
    url = message["files"][0]["url_private_download"]
    assert await get(url, "xoxb-sandbox") == ("application/pdf", b"%PDF-1.7 secret")


async def test_a_bad_token_gets_a_web_page(enter: Enter, alice: AsyncWebClient) -> None:
    file = await share(alice, await channel_named(alice, "finance"))
    url = (await alice.files_info(file=file))["file"]["url_private"]
    for token in ("", "xoxb-wrong", "xoxp-carol", "xoxp-dana"):
        kind, content = await get(url, token)
        assert kind == "text/html"
        assert b"secret" not in content


async def test_only_members_know_where_a_file_is_shared(enter: Enter, alice: AsyncWebClient, general: str) -> None:
    finance = await channel_named(alice, "finance")
    file = await share(alice, finance)
    assert await refused(enter("xoxp-carol").files_info(file=file)) == "file_not_found"
    await alice.api_call("files.share", json={"file": file, "channel": general})
    carols = (await enter("xoxp-carol").files_info(file=file))["file"]
    assert (carols["channels"], carols["groups"]) == ([general], [])
    assert list(carols["shares"]) == ["public"]
    bobs = (await enter("xoxp-bob").files_info(file=file))["file"]
    assert (bobs["channels"], bobs["groups"]) == ([general], [finance])


async def test_unsharing_and_deleting_are_told(listener: Listener, alice: AsyncWebClient, general: str) -> None:
    file = await share(alice, general)
    await alice.api_call("files.unshare", json={"file": file, "channel": general})
    await wait_until(lambda: listener.events("file_unshared"))
    assert (await alice.files_info(file=file))["file"]["channels"] == []
    await alice.api_call("files.share", json={"file": file, "channel": general})
    await alice.files_delete(file=file)
    await wait_until(lambda: listener.events("file_deleted"))
    assert await refused(alice.files_info(file=file)) == "file_not_found"
    newest = (await alice.conversations_history(channel=general, limit=1))["messages"][0]
    assert newest["files"] == [{"id": file, "mode": "tombstone"}]


async def test_deleting_a_message_unshares_its_file(listener: Listener, alice: AsyncWebClient, general: str) -> None:
    file = await share(alice, general)
    ts = (await alice.conversations_history(channel=general, limit=1))["messages"][0]["ts"]
    await alice.chat_delete(channel=general, ts=ts)
    await wait_until(lambda: listener.events("file_unshared"))
    assert listener.events("file_unshared")[0]["file_id"] == file


async def test_with_another_company_an_event_tells_only_the_id(listener: Listener, alice: AsyncWebClient) -> None:
    await share(alice, await channel_named(alice, "partner-project"))
    await wait_until(lambda: listener.events("file_share"))
    assert listener.events("file_share")[0]["files"][0]["file_access"] == "check_file_info"


async def test_a_file_without_bytes_or_of_another_person_is_not_completed(
    sandbox: Sandbox, alice: AsyncWebClient, enter: Enter, general: str
) -> None:
    begun = await alice.files_getUploadURLExternal(filename="x.pdf", length=3)
    files = [{"id": begun["file_id"], "title": "x"}]
    assert await refused(alice.files_completeUploadExternal(files=files, channel_id=general)) == "file_not_uploaded"
    async with aiohttp.ClientSession() as session:
        await session.post(begun["upload_url"], data=b"abc")
    bob = enter("xoxp-bob")
    assert await refused(bob.files_completeUploadExternal(files=files, channel_id=general)) == "file_not_found"
    await alice.files_completeUploadExternal(files=files, channel_id=general)
    again = alice.files_completeUploadExternal(files=files, channel_id=general)
    assert await refused(again) == "file_update_failed"


async def test_a_new_file_may_not_be_ready_yet(
    sandbox: Sandbox, listener: Listener, alice: AsyncWebClient, folio: AsyncWebClient, general: str
) -> None:
    sandbox.workspace.faults.pending_files = 2
    file = await share(alice, general, name="a.pdf")
    await wait_until(lambda: listener.events("file_share"))
    assert "url_private" not in listener.events("file_share")[0]["files"][0]
    told = [(await folio.files_info(file=file))["file"] for _ in range(3)]
    assert ["url_private" in each for each in told] == [False, False, True]


async def test_bytes_may_lie_some_hops_away(sandbox: Sandbox, alice: AsyncWebClient, general: str) -> None:
    """A host of Slack's own wants the token again; a store with a signed address refuses it."""
    sandbox.workspace.faults.redirects = ["origin", "edge"]
    url = (await alice.files_info(file=await share(alice, general)))["file"]["url_private"]
    headers = {"Authorization": "Bearer xoxb-sandbox"}
    async with aiohttp.ClientSession() as session:
        for expected in (302, 302, 400):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                assert response.status == expected
                url = response.headers.get("Location", url)
        assert url.startswith("http://localhost:")
        async with session.get(url, allow_redirects=False) as response:
            assert await response.read() == b"%PDF-1.7 secret"
