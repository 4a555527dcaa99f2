"""Servers on loopback: package registries, PostHog, and the model behind a coding agent."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
import time
import urllib.parse
import uuid
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# The token of a person who may publish.
TOKEN = "npm_test_token"


class Handler(BaseHTTPRequestHandler):
    """A request, answered by the server that it came to."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Prints nothing: tests read the servers' counts."""

    def do_GET(self) -> None:
        self.server.get(self)

    def do_HEAD(self) -> None:
        self.server.get(self)

    def do_PUT(self) -> None:
        self.server.put(self, self.rfile.read(int(self.headers.get("content-length", 0))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.post(self, body)

    def answer(self, content: bytes, kind: str = "application/json", status: int = 200) -> None:
        is_head = self.command == "HEAD"
        self.server.sent += 0 if is_head else len(content)
        self.server.asked.append(self.path)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        if kind == "application/octet-stream":
            # Registries send this for files that never change; npm then loads them once.
            self.send_header("cache-control", "public, immutable, max-age=31557600")
        self.end_headers()
        if not is_head:
            self.wfile.write(content)

    def answer_json(self, value: object, status: int = 200) -> None:
        self.answer(json.dumps(value).encode(), status=status)


class Server(ThreadingHTTPServer):
    """A server on a free port of loopback, in threads of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        # Bytes of all answers.
        self.sent = 0
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get(self, request: Handler) -> None:
        request.answer(b"", status=404)

    def post(self, request: Handler, body: bytes) -> None:
        del body
        request.answer(b"", status=404)

    def put(self, request: Handler, body: bytes) -> None:
        del body
        request.answer(b"", status=404)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Registry(Server):
    """npm at /, Python's index at /simple/, the files of releases at /releases/. Reads the folders
    that scripts/release/package makes, the oldest first: the last version is the newest."""

    def __init__(self, *releases: Path) -> None:
        self.releases = list(releases)
        # File names of packages, in the order of arrival.
        self.published: list[str] = []
        super().__init__()

    def get(self, request: Handler) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.path).path)
        folder, _, name = path.strip("/").rpartition("/")
        if folder == "wheels" and name.endswith(".metadata"):
            (wheel,) = self.files("pypi", name.removesuffix(".metadata"))
            return request.answer(metadata_of(wheel), "text/plain")
        if folder in ("tarballs", "wheels", "releases"):
            return self.file(
                {"tarballs": "npm", "wheels": "pypi", "releases": "release"}[folder], name, request
            )
        if path.startswith("/simple/"):
            return self.wheels(path.strip("/").removeprefix("simple/"), request)
        return self.package(path.strip("/"), request)

    def put(self, request: Handler, body: bytes) -> None:
        """Accepts a package in the form of `npm publish`, an attachment, into the last release."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return request.answer_json({"error": "not logged in"}, 401)
        for name, file in json.loads(body)["_attachments"].items():
            path = self.releases[-1] / "npm" / name.removeprefix("@").replace("/", "-")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(file["data"]))
            self.published.append(path.name)
        return request.answer_json({"ok": True}, 201)

    def files(self, folder: str, pattern: str) -> list[Path]:
        return [
            path for release in self.releases for path in sorted((release / folder).glob(pattern))
        ]

    def file(self, folder: str, name: str, request: Handler) -> None:
        for path in self.files(folder, name):
            return request.answer(path.read_bytes(), "application/octet-stream")
        request.answer(b"", status=404)
        return None

    def package(self, name: str, request: Handler) -> None:
        versions = {}
        for path in self.files("npm", "*.tgz"):
            content = path.read_bytes()
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                manifest = json.loads(member(archive, "package/package.json"))
            if manifest["name"] != name:
                continue
            digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
            manifest["dist"] = {
                "tarball": f"{self.url}/tarballs/{path.name}",
                "integrity": f"sha512-{digest}",
            }
            versions[manifest["version"]] = manifest
        if not versions:
            return request.answer_json({"error": "not found"}, 404)
        newest = list(versions)[-1]
        request.answer_json({"name": name, "dist-tags": {"latest": newest}, "versions": versions})
        return None

    def wheels(self, name: str, request: Handler) -> None:
        links = [
            f'<a href="{self.url}/wheels/{path.name}#sha256={sha256(path.read_bytes())}"'
            f' data-core-metadata="sha256={sha256(metadata_of(path))}">{path.name}</a>'
            for path in self.files("pypi", f"{name.replace('-', '_')}-*.whl")
        ]
        if not links:
            return request.answer(b"", status=404)
        request.answer(
            f"<!doctype html><html><body>{''.join(links)}</body></html>".encode(), "text/html"
        )
        return None


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of a file in an archive."""
    file = archive.extractfile(name)
    assert file is not None, f"{name} is a file"
    return file.read()


def metadata_of(wheel: Path) -> bytes:
    """The metadata that Python's index has beside a wheel, so that installers need not load it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [it for it in archive.namelist() if it.endswith(".dist-info/METADATA")]
        return archive.read(name)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class PostHog(Server):
    """Accepts batches of events like PostHog; while it is down, it answers 503 and accepts none."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.is_down = False
        self.refused: list[str] = []
        super().__init__()

    def post(self, request: Handler, body: bytes) -> None:
        if self.is_down:
            return request.answer(b"", status=503)
        if request.path.rstrip("/") not in ("/i/v0/ai/batch", "/batch"):
            return request.answer(b"", status=404)
        reason = objection(json.loads(body))
        if reason:
            self.refused.append(reason)
            return request.answer(reason.encode(), "text/plain", 400)
        self.events += json.loads(body)["batch"]
        request.answer_json({"status": "Ok"})
        return None

    def named(self, name: str) -> list[Json]:
        return [event for event in self.events if event["event"] == name]

    def duplicates(self) -> list[str]:
        ids = [event["uuid"] for event in self.events]
        return sorted({one for one in ids if ids.count(one) > 1})

    def wait_for(self, name: str, count: int, seconds: float = 60) -> list[Json]:
        wait(
            lambda: len(self.named(name)) >= count,
            seconds,
            lambda: f"{len(self.named(name))} of {count} {name}",
        )
        return self.named(name)


def objection(request: Json) -> str | None:
    """Why PostHog would refuse the whole batch."""
    if not request.get("api_key"):
        return "event submitted without an api_key"
    if not request.get("batch"):
        return "request holds no event"
    for event in request["batch"]:
        try:
            uuid.UUID(event["uuid"])
        except (KeyError, ValueError):
            return f"{event.get('event')}: the uuid does not parse"
        if not event.get("distinct_id") or not isinstance(event.get("properties"), dict):
            return f"{event['event']}: no distinct_id or no properties"
    return None


class Model(Server):
    """The Messages API of Anthropic: every prompt gets a short text."""

    def __init__(self) -> None:
        self.calls = 0
        super().__init__()

    def post(self, request: Handler, body: bytes) -> None:
        path = urllib.parse.urlsplit(request.path).path
        if path.endswith("count_tokens"):
            return request.answer_json({"input_tokens": 100})
        if not path.endswith("/messages"):
            return request.answer(b"", status=404)
        self.calls += 1
        asked = json.loads(body)
        usage = {
            "input_tokens": 12,
            "output_tokens": 34,
            "cache_read_input_tokens": 56,
            "cache_creation_input_tokens": 78,
        }
        message: Json = {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        block = {"type": "text", "text": "Done."}
        if not asked.get("stream"):
            return request.answer_json(message | {"content": [block], "stop_reason": "end_turn"})
        stream: list[tuple[str, Json]] = [
            ("message_start", {"message": message}),
            ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Done."}}),
            ("content_block_stop", {"index": 0}),
            (
                "message_delta",
                {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
            ),
            ("message_stop", {}),
        ]
        lines = [
            f"event: {kind}\ndata: {json.dumps({'type': kind} | data)}\n\n" for kind, data in stream
        ]
        request.answer("".join(lines).encode(), "text/event-stream")
        return None


def wait(is_so: Callable[[], bool], seconds: float, state: Callable[[], str]) -> None:
    """Polls until a condition holds; fails with its state after some seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {state()}")
        time.sleep(0.05)
