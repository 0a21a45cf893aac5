"""A model hub on loopback that serves folders, keeps all that arrives, and processes that believe it to be the hub."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
COMMIT = "0" * 39 + "1"
TOKEN = "hf_of_somebody"
SECRETS = {"LATENTDIFF_API_KEY": "sk-of-a-server-0123456789", "AWS_SECRET_ACCESS_KEY": "never-to-leave", "OPENAI_API_KEY": "sk-never"}
HEADERS = {"host", "accept", "accept-encoding", "connection", "user-agent", "authorization", "x-amzn-trace-id", "x-hf-download-counter"}
"""What the hub's client sends; the trace's id is made up for each request."""
HARNESSES = "/api/agent-harnesses"
"""Where it learns which coding agents there are, to say which one runs it; with HF_HUB_DISABLE_TELEMETRY it does not."""


@dataclass
class Hub:
    """A running hub."""

    root: Path
    """Its repositories are folders here, ``owner/name``."""
    asked: list[str] = field(default_factory=list)
    """All that arrived: method, path and headers of each request."""
    fetched: list[str] = field(default_factory=list)
    """Names of the files that were sent."""
    address: str = ""

    def opened(self, code: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run Python in a process of its own, with a hub's token and others' secrets in its environment."""
        hub = {"HF_ENDPOINT": self.address, "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HOME": str(home / "home")}
        hub |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": TOKEN}
        path = os.pathsep.join((str(ROOT / "tests" / "guard"), str(ROOT)))
        environment = {**os.environ, **SECRETS, **hub, "LATENTDIFF_CACHE": str(home / "cache"), "PYTHONPATH": path, **more}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)

    def told(self) -> list[dict[str, str]]:
        """The headers of each request, by their names in small letters."""
        lines = [[line.split(": ", 1) for line in request.splitlines()[1:] if line] for request in self.asked]
        return [{name.lower(): value for name, value in request} for request in lines]

    def check(self, repositories: str, home: Path) -> None:
        """It got to know the repositories' names (a pattern), the token, and what the client says of itself; no more."""
        assert {request.split()[0] for request in self.asked} <= {"GET", "HEAD"}
        own = [request for request in self.asked if request.split()[1] != HARNESSES]
        assert own and all(re.match(rf"\w+ /(api/models/)?({repositories})\b", request) for request in own)
        assert {name for headers in self.told() for name in headers} <= HEADERS
        assert all(f"authorization: Bearer {TOKEN}" in request for request in own)
        sent = "".join(self.asked)
        assert not [name for name, secret in SECRETS.items() if secret in sent] and str(home) not in sent


@contextmanager
def running(root: Path) -> Iterator[Hub]:
    """A hub of the repositories in a folder."""
    hub = Hub(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}\n{self.headers}")
        parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            folder = self.hub.root / parts[2] / parts[3]
            paths = [p for p in folder.rglob("*") if p.is_file()]
            files = [{"type": "file", "path": str(p.relative_to(folder)), **self._entry(p)} for p in paths]
            about = {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": [{"rfilename": f["path"]} for f in files]}
            body = json.dumps(files if "tree" in parts else about).encode()
            return self._answer(body, "application/json") if files else self.send_error(404)
        path = self.hub.root / "/".join(parts[:2]) / "/".join(parts[4:])
        if not path.is_file():
            return self.send_error(404)
        if self.command == "GET":
            self.hub.fetched.append(path.name)
        return self._answer(path.read_bytes(), "application/octet-stream", self._entry(path)["oid"])

    def _entry(self, path: Path) -> dict:
        return {"size": path.stat().st_size, "oid": hashlib.sha1(path.read_bytes()).hexdigest()}

    def _answer(self, body: bytes, kind: str, etag: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
