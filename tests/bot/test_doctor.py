"""The doctor finds what is missing and says what mends it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot.doctor.finding import Finding, Findings
from bot.doctor.language_model import check_llm, describe_engine, judge_device
from bot.doctor.slack import EVENTS, SCOPES, check_slack
from bot.doctor.stores import check_folder, check_redis, judge_redis
from bot.models.fetch import fetch_llm
from bot.settings import LlmSettings, RedisSettings, Settings, SlackSettings
from tests.bot.engine.tiny_models import write_model
from tests.conftest import SMALL_MODEL

MANIFEST = Path(__file__).parents[2] / "deploy" / "manifest.yaml"
HEALTHY = {"redis_version": "7.4.1", "aof_enabled": 1, "aof_last_write_status": "ok", "maxmemory_policy": "noeviction"}


class Slack:
    """As much of Slack as the doctor asks: it answers what a test has put here."""

    def __init__(self) -> None:
        self.scopes: list[str] | None = sorted(SCOPES)
        self.events = sorted(EVENTS)
        self.errors: dict[str, str] = {}
        self.broken: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer any method."""
        method = request.match_info["method"]
        if method in self.broken and request.transport:
            request.transport.abort()
        if error := self.errors.get(method):
            return web.json_response({"ok": False, "error": error})
        answers: dict[str, dict[str, Any]] = {
            "auth.test": {"team": "Acme", "user": "folio", "user_id": "U1", "bot_id": "B1"},
            "apps.connections.open": {"url": "wss://127.0.0.1/socket"},
            "bots.info": {"bot": {"id": "B1", "app_id": "A1"}},
            "apps.manifest.export": {
                "manifest": {"settings": {"event_subscriptions": {"bot_events": self.events}}},
            },
        }
        headers = {"X-OAuth-Scopes": ",".join(self.scopes)} if self.scopes is not None else {}
        return web.json_response({"ok": True} | answers[method], headers=headers)


@pytest.fixture
def slack() -> Slack:
    """A Slack in which everything is right."""
    return Slack()


@pytest.fixture
async def settings(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackSettings]:
    """Settings that lead to it."""
    monkeypatch.delenv("APP_CONFIG_TOKEN", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(app) as server:
        yield SlackSettings(
            api_url=str(server.make_url("/api/")), bot_token=SecretStr("xoxb-1"), app_token=SecretStr("xapp-1")
        )


async def found(findings: Findings) -> list[Finding]:
    """Return everything that a check finds."""
    return [finding async for finding in findings]


async def problems(findings: Findings) -> list[Finding]:
    """Return what must be mended."""
    return [finding for finding in await found(findings) if finding.level == "problem"]


async def test_a_right_set_up_has_no_problem(settings: SlackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_CONFIG_TOKEN", "xoxe.xoxp-1")
    findings = await found(check_slack(settings))
    assert [finding.level for finding in findings] == ["good"] * 4
    assert "in Acme as folio" in findings[0].text


async def test_without_a_token_the_way_to_one_is_told(settings: SlackSettings) -> None:
    (finding,) = await problems(check_slack(settings.model_copy(update={"bot_token": SecretStr("")})))
    assert "SLACK_BOT_TOKEN" in finding.text
    assert "OAuth & Permissions" in finding.mend


async def test_a_revoked_token_is_told_and_never_shown(slack: Slack, settings: SlackSettings) -> None:
    slack.errors["auth.test"] = "token_revoked"
    (finding,) = await problems(check_slack(settings))
    assert "the token was revoked" in finding.text
    assert "xoxb-1" not in finding.text + finding.mend


async def test_a_missing_scope_is_told_with_what_does_not_work(slack: Slack, settings: SlackSettings) -> None:
    slack.scopes = sorted(set(SCOPES) - {"files:read"})
    (finding,) = await problems(check_slack(settings))
    assert finding.text == "files:read is missing: shared files can't be read."


async def test_an_app_for_guests_is_no_problem(slack: Slack, settings: SlackSettings) -> None:
    slack.scopes = sorted(set(SCOPES) - {"assistant:write"})
    assert not await problems(check_slack(settings))


async def test_a_wrong_app_token_is_told(slack: Slack, settings: SlackSettings) -> None:
    slack.errors["apps.connections.open"] = "invalid_auth"
    (finding,) = await problems(check_slack(settings))
    assert finding.about == "Socket Mode"
    assert "connections:write" in finding.mend


async def test_http_mode_needs_the_signing_secret(settings: SlackSettings) -> None:
    (finding,) = await problems(check_slack(settings.model_copy(update={"mode": "http"})))
    assert "SLACK_SIGNING_SECRET" in finding.text


async def test_a_missing_event_is_told(slack: Slack, settings: SlackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_CONFIG_TOKEN", "xoxe.xoxp-1")
    slack.events.remove("file_deleted")
    (finding,) = await problems(check_slack(settings))
    assert "file_deleted is missing" in finding.text


async def test_without_a_configuration_token_events_are_left_to_the_eye(settings: SlackSettings) -> None:
    (note,) = [finding for finding in await found(check_slack(settings)) if finding.level == "note"]
    assert note.about == "events"
    assert "deploy/manifest.yaml" in note.mend


async def test_an_answer_that_is_not_slack_s_is_told(settings: SlackSettings) -> None:
    (finding,) = await problems(check_slack(settings.model_copy(update={"api_url": settings.api_url + "no/such/"})))
    assert "HTTP status 404" in finding.text


async def test_a_slack_that_does_not_answer_is_told(settings: SlackSettings) -> None:
    (finding,) = await problems(check_slack(settings.model_copy(update={"api_url": "http://127.0.0.1:9/api/"})))
    assert "http://127.0.0.1:9/api/" in finding.text


async def test_a_slack_that_goes_away_on_the_way_is_told(slack: Slack, settings: SlackSettings) -> None:
    slack.broken.add("apps.connections.open")
    (finding,) = await problems(check_slack(settings))
    assert "No answer" in finding.text


def test_the_manifest_grants_what_the_doctor_asks_for() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(SCOPES) <= set(manifest["oauth_config"]["scopes"]["bot"])
    assert set(EVENTS) <= set(manifest["settings"]["event_subscriptions"]["bot_events"])


def test_a_redis_that_keeps_everything_is_good() -> None:
    assert {finding.level for finding in judge_redis(HEALTHY)} == {"good"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"redis_version": "5.0.7"}, "too old"),
        ({"aof_enabled": 0, "rdb_last_save_time": 1}, "only snapshots"),
        ({"maxmemory_policy": "allkeys-lru"}, "queued requests can be thrown away"),
        ({"aof_last_write_status": "err"}, "the last write of the append-only file failed"),
    ],
)
def test_what_loses_requests_in_redis_is_told(change: dict[str, Any], sentence: str) -> None:
    (finding,) = [finding for finding in judge_redis(HEALTHY | change) if finding.level == "problem"]
    assert sentence in finding.text
    assert finding.mend


async def test_the_embedded_redis_is_tried(tmp_path: Path) -> None:
    findings = await found(check_redis(RedisSettings(), tmp_path))
    assert [finding.level for finding in findings] == ["good"] * 3


async def test_the_program_that_the_settings_name_is_tried(tmp_path: Path) -> None:
    (finding,) = await problems(check_redis(RedisSettings(server="/no/redis-server"), tmp_path))
    assert "there is no program /no/redis-server" in finding.text


async def test_a_redis_that_is_away_is_told(tmp_path: Path) -> None:
    (finding,) = await problems(check_redis(RedisSettings(url="redis://127.0.0.1:9/0"), tmp_path))
    assert "REDIS_URL does not answer" in finding.text


def test_a_folder_that_can_be_written_is_good(tmp_path: Path) -> None:
    assert [finding.level for finding in check_folder(tmp_path / "new")] == ["good"]


@pytest.mark.parametrize(
    ("device", "gpu", "layers", "level"),
    [
        ("CPU (2 threads)", "", -1, None),
        ("CPU (2 threads)", "NVIDIA H200", -1, "problem"),
        ("CPU (2 threads)", "NVIDIA H200", 0, "note"),
        ("CUDA0 (NVIDIA H200)", "NVIDIA H200", -1, None),
    ],
)
def test_a_gpu_that_idles_is_told(device: str, gpu: str, layers: int, level: str | None) -> None:
    finding = judge_device(device, gpu, layers)
    assert (finding.level if finding else None) == level


@pytest.fixture
def _short_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.engine.speed.PART_SECONDS", 0.1)


@pytest.fixture
async def model_server(_short_measurement: None) -> AsyncIterator[str]:
    """An OpenAI-compatible server that serves one model."""

    async def models(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer key":
            return web.json_response({"error": "no"}, status=401)
        return web.json_response({"data": [{"id": "qwen"}]})

    async def chat(request: web.Request) -> web.StreamResponse:
        tokens = (await request.json())["max_completion_tokens"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(tokens):
            choice = {"index": 0, "delta": {"role": "assistant", "content": "1 "}, "finish_reason": None}
            choice["finish_reason"] = "length" if number == tokens - 1 else None
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "qwen", "choices": [choice]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await asyncio.sleep(0.001)
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", chat)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1"))


@pytest.mark.parametrize(
    ("model", "key", "sentence"),
    [("qwen", "key", ""), ("gpt", "key", "serves qwen"), ("qwen", "wrong", "answered 401")],
)
async def test_a_model_server_is_asked(model_server: str, model: str, key: str, sentence: str, tmp_path: Path) -> None:
    settings = LlmSettings(url=model_server, model=model, api_key=SecretStr(key))
    texts = [finding.text for finding in await problems(check_llm(settings, "", tmp_path))]
    assert bool(texts) == bool(sentence)
    assert sentence in "".join(texts)


async def test_the_speed_of_a_model_server_is_measured(model_server: str, tmp_path: Path) -> None:
    """One that does not say what runs it is taken for a card."""
    settings = LlmSettings(url=model_server, model="qwen", api_key=SecretStr("key"), context_tokens=1024)
    speed = (await found(check_llm(settings, "", tmp_path)))[-1]
    rate = re.fullmatch(
        r"reads (\d+) and writes (\d+) tokens a second; .* 14 passages and weighs 16 lines.", speed.text
    )
    assert rate
    assert int(rate[1]) > 0
    assert 0 < int(rate[2]) < 1000  # a token each millisecond


async def test_a_server_that_lists_models_and_answers_nothing_is_a_problem(tmp_path: Path) -> None:
    async def models(_: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "qwen"}]})

    app = web.Application()
    app.router.add_get("/v1/models", models)
    async with TestServer(app) as server:
        settings = LlmSettings(url=str(server.make_url("/v1")), model="qwen")
        (finding,) = await problems(check_llm(settings, "", tmp_path))
    assert finding.about == "speed"
    assert "not answered" in finding.text


def test_what_the_engine_takes_is_told(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf", "llama")
    settings = LlmSettings(slots=4, context_tokens=2048, kv_type="q8_0")
    on_cpu, on_gpu = (describe_engine(settings, path, on_gpu=on_gpu) for on_gpu in (False, True))
    assert "4 requests at once share 2048 tokens of context (q8_0); about 0.3 GB of memory (" in on_cpu
    assert "about 1.0 GB of the card (0.0 weights, 0.0 context, 1.0 scratch)" in on_gpu
    path.write_bytes(b"no model")
    assert describe_engine(settings, path, on_gpu=False).endswith("context (q8_0).")


async def test_a_model_that_is_not_here_yet_is_no_problem(tmp_path: Path) -> None:
    (finding,) = await found(check_llm(LlmSettings(), "", tmp_path))
    assert finding.level == "note"
    assert "python -m bot fetch" in finding.mend


async def test_a_model_that_is_nowhere_is_a_problem(tmp_path: Path) -> None:
    (finding,) = await problems(check_llm(LlmSettings(model="/nowhere.gguf"), "", tmp_path))
    assert "there is no file /nowhere.gguf" in finding.text


async def test_a_damaged_model_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(1000))
    (finding,) = await problems(check_llm(LlmSettings(model=str(tmp_path / "model.gguf")), "", tmp_path))
    assert "is not a model that llama.cpp can load" in finding.text


@pytest.mark.model
@pytest.mark.usefixtures("_short_measurement")
async def test_the_device_that_runs_the_layers_is_told() -> None:
    cache = Settings({}).cache_dir
    fetch_llm(SMALL_MODEL, cache, lambda done, size: None)
    findings = await found(check_llm(LlmSettings(model=SMALL_MODEL, context_tokens=512, slots=1), "", cache))
    device, engine, speed = findings[:3]
    assert "its layers run on CPU" in device.text or "GPU" in device.text
    assert "1 requests at once share 512 tokens" in engine.text
    rate = re.match(r"reads (\d+) and writes (\d+) tokens a second", speed.text)
    assert rate
    assert int(rate[1]) > 0
    assert int(rate[2]) > 0
