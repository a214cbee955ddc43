"""What the READMEs say is there: their files, their settings, their commands."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from bot.__main__ import app
from bot.settings import known_names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("deploy/**/README.md")), *sorted(ROOT.glob("tests/**/README.md"))]
README = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
LINKS = sorted(
    {(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link).exists()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:bot|handlers|indexing|deploy|tests)/[\w./-]*\w", README)))
)
def test_a_path_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists() or (ROOT / "tests" / path).exists()  # the stories name tests by their place there


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (tests[\w.]+)", README))))
def test_a_module_that_is_run_exists(module: str) -> None:
    assert find_spec(module)


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(?:SLACK|LLM|EMBEDDINGS|QDRANT|REDIS|BOT)_[A-Z_]+\b", README))
    assert named <= known_names()


def test_every_command_that_is_named_exists() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = re.findall(r"python -m bot ([a-z]+)(?: ([a-z0-9]+)`)?", README)
    assert named
    for command, sub in named:
        assert command in commands
        assert not sub or sub in getattr(commands[command], "commands", {})


@pytest.mark.parametrize("line", sorted(set(re.findall(r"python -m bot (\w+ --[^`\n]+)", README))))
def test_a_command_knows_the_options_that_are_named(line: str) -> None:
    name, *words = shlex.split(line)
    known = {option for each in get_command(app).commands[name].params for option in each.opts}  # type: ignore[attr-defined]
    assert {word for word in words if word.startswith("--")} <= known
