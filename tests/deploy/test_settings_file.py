"""deploy/.env.example names every setting with its default, and nothing else."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import GROUPS, Settings, known_names

EXAMPLE = Path(__file__).parents[2] / "deploy" / ".env.example"
LINE = re.compile(r"#?([A-Z][A-Z0-9_]+)=(.*)")
FOLDERS = {"DATA_DIR", "MODELS_DIR"}


def example() -> dict[str, str]:
    """Read the file: each name with the value behind it."""
    found = (LINE.fullmatch(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in found if match}


def defaults() -> dict[str, object]:
    """Return every setting's default."""
    return {
        f"{group.model_config['env_prefix']}{name}": field.default
        for group in GROUPS
        for name, field in group.model_fields.items()
    }


def written(value: object) -> str:
    """Write a default as a person would."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
    return str(value)


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(example()) == known_names() | FOLDERS


def test_the_example_shows_the_defaults() -> None:
    shown = example()
    for name, default in defaults().items():
        assert shown[name.upper()] == written(default), name


def test_the_example_is_accepted_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in known_names() | FOLDERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in example().items():
        monkeypatch.setenv(name, value)
    assert Settings().llm.slots == 8
