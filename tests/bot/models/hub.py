"""A Hugging Face hub on this machine, as huggingface_hub asks it: one large file, some small ones."""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = {"modules.json": b"[]", "1_Pooling/config.json": b"{}", "pytorch_model.bin": b"x", "onnx/config.json": b"{}"}


@dataclass
class Hub:
    """What the hub holds, and what it was asked; each connection gives only so many bytes of the large file."""

    content: bytes
    stated: str  # the sha256 that the hub states
    bytes_per_answer: int = 10**9
    ranges: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)  # listed, and not there
    files: dict[str, bytes] = field(default_factory=lambda: dict(SMALL))

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return the class that answers; the hub's own address sends one on to its storage."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer()

            def do_GET(self) -> None:
                self.answer()

            def answer(self) -> None:
                repository, _, file = self.path.partition("/resolve/")
                name = file.partition("/")[2]
                if self.path.startswith("/api/models/team/repo"):
                    self.tell_files()
                elif self.path == "/storage":
                    hub.tokens.append(self.headers["Authorization"])
                    self.give(hub.content, limit=hub.bytes_per_answer)
                elif repository == "/team/repo" and name == "model.gguf":
                    hub.tokens.append(self.headers["Authorization"])
                    self.send_on()
                elif repository == "/team/repo" and name in hub.files and name not in hub.missing:
                    self.give(hub.files[name])
                else:
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def send_on(self) -> None:
                self.send_response(302)
                self.send_header("Location", f"http://{self.headers['Host']}/storage")
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("X-Linked-Etag", f'"{hub.stated}"')
                self.send_header("X-Linked-Size", str(len(hub.content)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def tell_files(self) -> None:
                if "/tree/" in self.path:
                    body = [{"type": "file", "path": name, "size": 2, "oid": "1" * 40} for name in hub.files]
                else:
                    body = {"id": "team/repo", "sha": COMMIT, "siblings": [{"rfilename": name} for name in hub.files]}
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def give(self, content: bytes, limit: int = 10**9) -> None:
                wanted = self.headers["Range"] or ""
                start = int(wanted.removeprefix("bytes=").partition("-")[0] or 0)
                if self.command == "GET" and content is hub.content:
                    hub.ranges.append(wanted)
                self.send_response(206 if start else 200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hub.stated}"' if content is hub.content else '"' + "2" * 40 + '"')
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content[start : start + limit])

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        return Handler
