"""From a file's id to its bytes: only from Slack's own hosts, and every refusal has its reason."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack import files
from bot.slack.files import SlackFiles, is_allowed, is_slack, is_store
from handlers.request import FileRefused
from tests.bot.slack.wire import Wire

PDF = b"%PDF-1.7\nhello"
API = "https://slack.com/api/"


def put(wire: Wire, *answers: web.Response, **fields: Any) -> None:
    """Lay a file into the workspace."""
    wire.downloads["x.pdf"] = list(answers) or [web.Response(body=PDF, content_type="application/pdf")]
    wire.answers["files.info"] = {
        "file": {
            "id": "F1", "name": "../hand book.pdf", "size": len(PDF), "mimetype": "application/pdf", "user": "UALICE",
            "url_private_download": f"{wire.url}/files/x.pdf", "permalink": "https://team.example/F1", **fields,
        }
    }  # fmt: skip


async def refusal(client: AsyncWebClient, tmp_path: Path, max_bytes: int = 1000) -> str:
    """Fetch, and return why not."""
    with pytest.raises(FileRefused) as refused:
        await SlackFiles(client, "files.slack.com", max_bytes).fetch("F1", tmp_path)
    return refused.value.reason


async def refusal_of(client: AsyncWebClient, file: str, folder: Path) -> str:
    """Fetch a file, and return why not."""
    with pytest.raises(FileRefused) as refused:
        await SlackFiles(client, "files.slack.com", 1000).fetch(file, folder)
    return refused.value.reason


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """The workspace on localhost."""
    running = await Sandbox.start(0, tmp_path / "workspace")
    yield running
    await running.stop()


@asynccontextmanager
async def entered(sandbox: Sandbox, token: str) -> AsyncIterator[AsyncWebClient]:
    """Come into the workspace with a token."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token, base_url=sandbox.api_url, session=session, retry_handlers=[])
        client.proxy = None
        yield client


async def test_a_file_is_fetched_with_our_token(client: AsyncWebClient, wire: Wire, tmp_path: Path) -> None:
    put(wire)
    file = await SlackFiles(client, "files.slack.com", 1000).fetch("F1", tmp_path)
    assert file.path.read_bytes() == PDF
    assert (file.name, file.size_bytes, file.user) == ("../hand book.pdf", len(PDF), "UALICE")
    assert file.path.parent == tmp_path
    assert wire.seen[0]["Authorization"] == "Bearer xoxb-test"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size": 0}, "empty"),
        ({"size": 5000}, "too_big"),
        ({"mode": "tombstone"}, "gone"),
        ({"mode": "hidden_by_limit"}, "gone"),
        ({"is_external": True}, "external"),
        ({"name": "Recording.webm", "mimetype": "video/webm"}, "not_a_pdf"),
        ({"name": "clip", "filetype": "mp4"}, "not_a_pdf"),
        ({"url_private_download": "https://evil.example/x.pdf"}, "external"),
        ({"url_private_download": "http://files.slack.com/x.pdf"}, "external"),
    ],
)
async def test_an_unfit_file_is_not_even_asked_for(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    put(wire, **fields)
    assert await refusal(client, tmp_path) == reason
    assert wire.seen == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(body=b"<html>Sign in</html>", content_type="text/html"), "html"),
        (web.Response(status=302, headers={"Location": "https://evil.example/"}), "away"),
        (web.Response(status=302), "away"),
        (web.Response(status=403), "away"),
        (web.Response(status=404), "gone"),
        (web.Response(body=b"", content_type="application/pdf"), "empty"),
        (web.Response(body=b"x" * 2000, content_type="application/pdf"), "too_big"),
    ],
)
async def test_a_bad_download_is_refused_with_its_reason(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, answer: web.Response, reason: str
) -> None:
    put(wire, answer)
    assert await refusal(client, tmp_path) == reason


async def test_a_new_file_is_asked_for_until_it_has_an_address(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message that shares a file may come before Slack knows more of it than its name."""
    monkeypatch.setattr(files, "READY_SECONDS", (0.0, 0.0, 0.0))
    put(wire)
    whole, looks = wire.answers["files.info"], []

    def info(arguments: dict[str, Any]) -> dict[str, Any]:
        looks.append(arguments)
        return whole if len(looks) > 2 else {"file": {"id": "F1", "name": "hand book.pdf", "mode": "hosted"}}

    wire.answers["files.info"] = info
    file = await SlackFiles(client, "files.slack.com", 1000).fetch("F1", tmp_path)
    assert file.path.read_bytes() == PDF


async def test_a_file_that_stays_without_an_address_is_away(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "READY_SECONDS", (0.0, 0.0, 0.0))
    put(wire, url_private_download="", url_private="")
    assert await refusal(client, tmp_path) == "away"
    assert wire.count("files.info") == 4


async def test_a_download_may_be_some_hops_away(sandbox: Sandbox, tmp_path: Path) -> None:
    """One host of Slack's own wants the token, the store with signed addresses refuses it."""
    sandbox.workspace.faults.redirects = ["origin", "edge"]
    async with entered(sandbox, "xoxp-alice") as alice, entered(sandbox, "xoxb-sandbox") as folio:
        shared = await alice.files_upload_v2(channel="C0GENERAL0", content=PDF, filename="a.pdf")
        file = await SlackFiles(folio, "files.slack.com", 1000).fetch(shared["file"]["id"], tmp_path)
        assert file.path.read_bytes() == PDF


@pytest.mark.parametrize("hops", [["https://evil.example/x"], ["http://169.254.169.254/x"], ["origin"] * 4])
async def test_a_download_that_leads_elsewhere_or_in_circles_is_refused(
    sandbox: Sandbox, tmp_path: Path, hops: list[str]
) -> None:
    sandbox.workspace.faults.redirects = hops
    async with entered(sandbox, "xoxp-alice") as alice, entered(sandbox, "xoxb-sandbox") as folio:
        shared = await alice.files_upload_v2(channel="C0GENERAL0", content=PDF, filename="a.pdf")
        assert await refusal_of(folio, shared["file"]["id"], tmp_path) == "away"


@pytest.mark.parametrize(
    ("url", "slack", "store"),
    [
        ("https://files-origin.slack.com/x", True, False),
        ("https://slack-files.com.evil.example/x", False, False),
        ("https://a.slack-files.com/x", False, True),
        ("https://a.slack-edge.com/x", False, True),
        ("http://files-origin.slack.com/x", False, False),
        ("https://evilslack.com/x", False, False),
        ("https://files-origin.slack.com@evil.example/x", False, False),
        ("https://files-origin.slack.com:8443/x", False, False),
        ("http://localhost:4100/x", False, False),
    ],
)
def test_hops_lead_to_slack_or_to_its_stores(url: str, slack: bool, store: bool) -> None:
    assert (is_slack(url), is_store(url, API)) == (slack, store)


async def test_a_canvas_is_read_as_text(sandbox: Sandbox, tmp_path: Path) -> None:
    """Slack hands canvases over as web pages."""
    async with entered(sandbox, "xoxp-alice") as alice, entered(sandbox, "xoxb-sandbox") as folio:
        words = "# Minutes\n\nThe office opens at 7:30.\n\n- Alice brings the <keys>\n"
        document = {"type": "markdown", "markdown": words}
        made = await alice.api_call(
            "canvases.create", json={"title": "Minutes", "document_content": document, "channel_id": "C0GENERAL0"}
        )
        file = await SlackFiles(folio, "files.slack.com", 10_000).fetch(made["canvas_id"], tmp_path)
        assert (file.name, file.path.suffix) == ("Minutes", ".md")
        text = file.path.read_text()
        assert "# Minutes" in text
        assert "The office opens at 7:30." in text
        assert "- Alice brings the <keys>" in text


@pytest.mark.parametrize("error", ["file_not_found", "file_deleted"])
async def test_a_deleted_file_is_gone(client: AsyncWebClient, wire: Wire, tmp_path: Path, error: str) -> None:
    wire.faults["files.info"] = [error]
    assert await refusal(client, tmp_path) == "gone"


async def test_what_slack_refuses_for_a_moment_is_asked_again(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LONGEST_PAUSE_SECONDS", 0.05)
    busy, broken = web.Response(status=429, headers={"Retry-After": "1"}), web.Response(status=503)
    short = web.Response(body=PDF[:4], content_type="application/pdf")
    put(wire, busy, broken, short, web.Response(body=PDF, content_type="application/pdf"))
    file = await SlackFiles(client, ["files.slack.com"], 1000).fetch("F1", tmp_path)
    assert file.path.read_bytes() == PDF


async def test_what_stays_away_is_given_up(
    client: AsyncWebClient, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LONGEST_PAUSE_SECONDS", 0.01)
    put(wire, web.Response(status=503))
    assert await refusal(client, tmp_path) == "away"
    assert len(wire.seen) == files.TRIES


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://files.slack.com/files-pri/T1-F1/x.pdf", True),
        ("https://FILES.slack.com/x", True),
        ("https://files.slack.com:443/x", True),
        ("https://files.slack.com:8443/x", False),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com.evil.example/x", False),
        ("https://files.slack.com@evil.example/x", False),
        ("https://evil.example/files.slack.com", False),
        ("https://user:pass@files.slack.com/x", False),
        ("http://127.0.0.1:4100/x", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_the_token_goes_only_to_slack(url: str, allowed: bool) -> None:
    assert is_allowed(url, {"files.slack.com"}, API) is allowed


def test_the_workspace_on_this_machine_may_serve_its_own_files() -> None:
    assert is_allowed("http://127.0.0.1:4100/files/x", set(), "http://127.0.0.1:4100/api/")
    assert not is_allowed("http://127.0.0.1:4101/files/x", set(), "http://127.0.0.1:4100/api/")
    assert not is_allowed("http://169.254.169.254/x", set(), "http://127.0.0.1:4100/api/")


@given(st.text(max_size=30))
def test_odd_addresses_are_refused(tail: str) -> None:
    for url in (tail, f"https://{tail}", f"//{tail}"):
        assert not is_allowed(url, {"files.slack.com"}, API)
