"""deploy/.env.example names every setting with its default, and nothing else."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import FOLDERS, GROUPS, Settings, UnknownSetting, known_names

EXAMPLE = Path(__file__).parents[2] / "deploy" / ".env.example"
LINE = re.compile(r"#?([A-Z][A-Z0-9_]+)=(.*)")


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


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("LLM_MODLE", "LLM_MODEL"),
        ("QDRANT_APIKEY", "QDRANT_API_KEY"),
        ("DATADIR", "DATA_DIR"),
        ("DATA_DIRS", "DATA_DIR"),
        ("MODEL_DIR", "MODELS_DIR"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_right_one(misspelt: str, meant: str) -> None:
    with pytest.raises(UnknownSetting, match=f"Did you mean {meant}"):
        Settings({misspelt: "x"})


@pytest.mark.parametrize("name", ["HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME", "DATABASE_URL", "MODEL", "TMPDIR"])
def test_what_is_not_ours_is_left_alone(name: str, tmp_path: Path) -> None:
    assert Settings({name: "x", "DATA_DIR": str(tmp_path)}).data_dir == tmp_path
