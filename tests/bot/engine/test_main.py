"""The command `python -m bot engine` before it loads anything."""

from pathlib import Path

import pytest

from bot.engine import main as engine_main
from bot.engine.main import main
from bot.engine.server import Address
from bot.errors import StartFailed
from bot.settings import Settings


class Started(Exception):
    """The address was accepted."""


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def configure(*_: object) -> None:
        raise Started

    monkeypatch.setattr(engine_main.log, "configure", configure)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "gpu"])
def test_an_engine_that_others_reach_needs_a_key(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM_API_KEY", raising=False)
    with pytest.raises(StartFailed, match=f"{host} could use this engine: set LLM_API_KEY"):
        main(Settings(), Address(host=host), parent=0, crashed=False)
    monkeypatch.setenv("LLM_API_KEY", "secret")
    with pytest.raises(Started):
        main(Settings(), Address(host=host), parent=0, crashed=False)


@pytest.mark.parametrize("address", [Address(host="127.0.0.1"), Address(Path("engine.sock"), host="0.0.0.0")])
def test_an_engine_of_this_machine_alone_needs_none(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM_API_KEY", raising=False)
    with pytest.raises(Started):
        main(Settings(), address, parent=0, crashed=False)
