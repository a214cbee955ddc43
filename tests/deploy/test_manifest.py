"""The app's manifest asks Slack for what the code reads, and for nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import StartFailed
from bot.manifest import manifest as written
from bot.slack.changes import KINDS
from bot.slack.incoming import COMMANDS, ONE_FOR_ALL, SHORTCUTS

MANIFEST = Path(__file__).parents[2] / "deploy" / "manifest.yaml"
MESSAGES = {"message.channels", "message.groups", "message.im", "message.mpim"}
OTHERS = {"app_mention", "app_home_opened", "agent_session_stopped"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    read: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return read


def test_slack_sends_what_is_read_and_nothing_else(manifest: dict[str, Any]) -> None:
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(KINDS) | MESSAGES | OTHERS


def test_every_command_and_shortcut_is_understood(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert {each["command"] for each in features["slash_commands"]} == {*COMMANDS, ONE_FOR_ALL}
    assert {each["callback_id"] for each in features["shortcuts"]} == SHORTCUTS


def test_what_guests_need_gone_can_be_found(manifest: dict[str, Any]) -> None:
    """The first lines name three things to delete."""
    assert "agent_view" in manifest["features"]
    assert "assistant:write" in manifest["oauth_config"]["scopes"]["bot"]
    agent = [name for name in manifest["settings"]["event_subscriptions"]["bot_events"] if name.startswith("agent_")]
    assert agent == ["agent_session_stopped"]


def commands_of(text: str) -> set[str]:
    """Return the commands of a manifest."""
    return {each["command"] for each in yaml.safe_load(text)["features"]["slash_commands"]}


def test_commands_get_a_prefix_where_other_apps_have_their_names() -> None:
    assert commands_of(written("acme-")) == {f"/acme-{name[1:]}" for name in (*COMMANDS, ONE_FOR_ALL)}
    assert written("/acme") == written("acme-")
    assert written() == MANIFEST.read_text("utf-8")


def test_one_command_may_be_enough() -> None:
    assert commands_of(written(only_folio=True)) == {ONE_FOR_ALL}


@pytest.mark.parametrize("prefix", ["Acme", "a b", "é", "x" * 40, "a/b"])
def test_a_prefix_that_slack_does_not_take_is_refused(prefix: str) -> None:
    with pytest.raises(StartFailed):
        written(prefix)
