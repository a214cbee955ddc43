"""The container files say only what the assistant understands, and are closed as far as they can be."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import FOLDERS, known_names

DEPLOY = Path(__file__).parents[2] / "deploy"
SETTINGS = known_names() | FOLDERS
QUIET = "QDRANT__TELEMETRY_DISABLED"  # Qdrant's own name; its image reports how it is used unless this is "true"


def documents() -> list[dict[str, Any]]:
    """Read every Kubernetes object."""
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [entry for file in files for entry in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def pods() -> list[Any]:
    """Return every pod with its name."""
    made = [entry for entry in documents() if entry["kind"] in {"Deployment", "StatefulSet"}]
    return [pytest.param(entry["spec"]["template"]["spec"], id=entry["metadata"]["name"]) for entry in made]


def test_the_kustomization_lists_every_file() -> None:
    folder = DEPLOY / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert set(listed) == {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_every_setting_in_the_config_map_is_known() -> None:
    (config,) = [entry for entry in documents() if entry["kind"] == "ConfigMap"]
    assert set(config["data"]) <= SETTINGS


@pytest.mark.parametrize("pod", pods())
def test_a_pod_gets_known_settings_only(pod: dict[str, Any]) -> None:
    assert pod["enableServiceLinks"] is False, "Kubernetes would set REDIS_PORT, which is no setting"
    for container in pod["containers"]:
        names = {variable["name"] for variable in container.get("env", [])}
        assert names <= SETTINGS | {"PASSWORD", QUIET}


def test_only_the_gateway_holds_the_key_to_the_socket() -> None:
    """A worker needs no more than the bot's token: tests/bot/slack/test_connect.py."""
    text = {file.stem: file.read_text(encoding="utf-8") for file in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert "name: SLACK_APP_TOKEN" in text["gateway"]
    assert "name: SLACK_APP_TOKEN" not in text["worker"]


def test_qdrant_reports_nothing_to_its_makers() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert compose["qdrant"]["environment"] == {QUIET: "true"}
    (pod,) = [pod.values[0] for pod in pods() if pod.id == "qdrant"]
    assert pod["containers"][0]["env"] == [{"name": QUIET, "value": "true"}]


@pytest.mark.parametrize("pod", pods())
def test_a_pod_runs_without_privileges(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert "limits" in container["resources"]


@pytest.mark.parametrize("pod", pods())
def test_a_pod_says_when_it_is_ready(pod: dict[str, Any]) -> None:
    for container in pod["containers"]:
        assert {"readinessProbe", "startupProbe"} & set(container)


def test_compose_publishes_nothing_and_sets_what_is_known() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        assert "ports" not in service
        assert set(service.get("environment", {})) <= SETTINGS | {QUIET}


def test_every_image_has_a_version() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    images = {service["image"] for service in compose}
    images |= {container["image"] for pod in pods() for container in pod.values[0]["containers"]}
    assert all(re.search(r":\S*\d", image) for image in images - {"folio"})


def command_of(container: dict[str, Any]) -> str:
    """Return a container's command as one line."""
    return " ".join([*container.get("command", []), *container.get("args", [])])


def test_redis_refuses_writes_before_its_container_is_killed() -> None:
    units = {"mb": 2**20, "Gi": 2**30, "g": 2**30}

    def size(text: str) -> int:
        number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
        return int(number) * units[unit]

    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["redis"]
    (pod,) = [pod.values[0]["containers"][0] for pod in pods() if pod.id == "redis"]
    limits = (compose["mem_limit"], pod["resources"]["limits"]["memory"])
    for command, limit in zip((compose["command"], command_of(pod)), limits, strict=True):
        (most,) = re.findall(r"--maxmemory (\w+)", command)
        assert size(most) < 0.7 * size(limit)
        assert "--maxmemory-policy noeviction" in command


def test_a_worker_has_a_limit_that_its_threads_follow() -> None:
    (pod,) = [pod.values[0]["containers"][0] for pod in pods() if pod.id == "worker"]
    assert pod["resources"]["limits"]["cpu"]


def test_a_probe_asks_where_the_assistant_listens() -> None:
    (config,) = [entry for entry in documents() if entry["kind"] == "ConfigMap"]
    assert config["data"]["BOT_HEALTH_HOST"] == "0.0.0.0"
    probes = [
        container[name]["httpGet"]
        for pod in pods()
        if pod.values[0]["containers"][0]["image"] == "folio"
        for container in pod.values[0]["containers"]
        for name in ("readinessProbe", "startupProbe", "livenessProbe")
        if name in container
    ]
    assert {probe["path"] for probe in probes} == {"/readyz", "/healthz"}
    assert {str(probe["port"]) for probe in probes} == {config["data"]["BOT_HEALTH_PORT"]}


def test_no_key_stands_in_the_open() -> None:
    """Keys come from the secret; the settings that anybody may read hold none."""
    (config,) = [entry for entry in documents() if entry["kind"] == "ConfigMap"]
    assert not [name for name in config["data"] if name.endswith(("_KEY", "_TOKEN", "_SECRET"))]
    (pod,) = [pod.values[0]["containers"][0] for pod in pods() if pod.id == "worker"]
    secrets = {each["name"] for each in pod["env"] if "secretKeyRef" in each["valueFrom"]}
    assert {"SLACK_BOT_TOKEN", "REDIS_URL", "LLM_API_KEY", "QDRANT_API_KEY"} <= secrets


def test_the_image_copies_every_package() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert {"COPY bot bot", "COPY handlers handlers", "COPY indexing indexing"} <= set(lines)
