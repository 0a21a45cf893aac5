"""Hub ids and public names, downloaded by the real hub client from a hub on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from tests.describe.proxy import Proxy
from tests.sae.writers import published

RUN = "batch_top_k_20_x64/imagenet_train_activations_clip-vit-large-patch14-336_22_post_mlp_residual_batch_top_k_20_x64/trainer_0"
COMMIT = "0" * 39 + "1"
KNOWN = {"host", "accept", "accept-encoding", "connection", "user-agent", "authorization", "x-amzn-trace-id"}
"""Headers that the hub's client sends."""
HARNESSES = "/api/agent-harnesses"
"""Where it learns which coding agents there are, to say which one runs it; with HF_HUB_DISABLE_TELEMETRY it does not."""


@pytest.fixture
def asked() -> list[str]:
    """All that arrived at the hub: method, path and headers of each request."""
    return []


@pytest.fixture
def hub(tmp_path: Path, asked: list[str]) -> Iterator[tuple[str, Path, list[str]]]:
    """Address of a hub that serves the repositories in a folder as ``owner/name``, that folder, and what was fetched."""
    root, fetched = tmp_path / "repositories", []
    root.mkdir()

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}\n{self.headers}")
            parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
            if parts[:2] == ["api", "models"]:
                folder = root / parts[2] / parts[3]
                paths = [p for p in folder.rglob("*") if p.is_file()]
                files = [{"type": "file", "path": str(p.relative_to(folder)), **self.entry(p)} for p in paths]
                about = {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": [{"rfilename": f["path"]} for f in files]}
                body = json.dumps(files if "tree" in parts else about).encode()
                return self.answer(body, "application/json") if files else self.send_error(404)
            path = root / "/".join(parts[:2]) / "/".join(parts[4:])
            if not path.is_file():
                return self.send_error(404)
            if self.command == "GET":
                fetched.append(path.name)
            self.answer(path.read_bytes(), "application/octet-stream", self.entry(path)["oid"])

        def entry(self, path: Path) -> dict:
            return {"size": path.stat().st_size, "oid": hashlib.sha1(path.read_bytes()).hexdigest()}

        def answer(self, body: bytes, kind: str, etag: str = "") -> None:
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
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", root, fetched
    server.shutdown()
    server.server_close()


def opened(
    source: str, address: str, tmp_path: Path, root: Path, before: str = "", more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Codes of ``source`` in a process that believes the address to be the hub."""
    code = f"""
import dataclasses, json, sys, numpy as np
from latentdiff import load_sae
from latentdiff.sae import public
{before}
sae = load_sae({source!r})
x = np.load({str(tmp_path / "x.npy")!r})
np.save({str(tmp_path / "codes.npy")!r}, sae.encode(x).toarray())
print(json.dumps(sae.info))
"""
    hub = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
    hub |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    own = {"LATENTDIFF_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
    command, environment = [sys.executable, "-c", code], {**os.environ, **hub, **own, **(more or {})}
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)


def test_public_names_and_hub_ids_are_downloaded_once(hub: tuple[str, Path, list[str]], tmp_path: Path, root: Path) -> None:
    address, repositories, fetched = hub
    x = np.random.default_rng(0).standard_normal((20, published.D)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    folder = repositories / "mateuszpach" / "sae-for-vlm" / RUN
    folder.mkdir(parents=True)
    written = published.pach(folder, 0)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "ae_100000.pt").write_bytes(b"an intermediate step, not to be taken")
    sizes = f"width={published.D}, concepts={published.K}"
    tiny = f"public.REGISTRY['pach']['22'] = dataclasses.replace(public.REGISTRY['pach']['22'], {sizes})"
    for source, before in (("pach:22", tiny), (f"mateuszpach/sae-for-vlm/{RUN}", ""), (f"mateuszpach/sae-for-vlm/{RUN}/ae.pt", "")):
        done = opened(source, address, tmp_path, root, before)
        assert done.returncode == 0, done.stderr[-2000:]
        np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), written.codes(x), atol=1e-6)
        told = json.loads(done.stdout)
        assert told["format"] == "dictionary_learning BatchTopK" and told["origin"]["revision"] == COMMIT
    assert sorted(fetched) == ["ae.pt", "config.json"]


def test_what_the_hub_does_not_have(hub: tuple[str, Path, list[str]], asked: list[str], tmp_path: Path, root: Path) -> None:
    """And what it gets to know: the repository's name, the token, versions of libraries."""
    secrets = {"LATENTDIFF_API_KEY": "sk-of-a-server-0123456789", "AWS_SECRET_ACCESS_KEY": "never-to-leave", "OPENAI_API_KEY": "sk-never"}
    proxy = Proxy()
    given = {**secrets, "HF_TOKEN": "hf_of_somebody", "HTTPS_PROXY": f"http://{proxy.address}", "HF_HUB_DISABLE_TELEMETRY": "0"}
    address, repositories, _ = hub
    folder = repositories / "someone" / "saes"
    (folder / "a").mkdir(parents=True)
    published.prisma(folder / "a", 0)
    for source, message in (
        ("someone/saes/b", "someone/saes has no file for 'b'; it has a/n_images_2600058.pt"),
        ("someone/nothing", "could not be fetched from the model hub (someone/nothing)"),
    ):
        done = opened(source, address, tmp_path, root, more=given)
        assert done.returncode == 1
        assert f"CheckpointError: {message}" in done.stderr.replace("'someone/nothing' ", "")
    assert {request.split()[0] for request in asked} <= {"GET", "HEAD"}
    own = [request for request in asked if request.split()[1] != HARNESSES]
    assert own and all(re.match(r"\w+ /(api/models/)?someone/(saes|nothing)\b", request) for request in own)
    told = [{n.lower(): v for n, v in (line.split(": ", 1) for line in request.splitlines()[1:] if line)} for request in asked]
    assert {name for headers in told for name in headers} <= KNOWN
    assert all("authorization: Bearer hf_of_somebody" in request for request in own)
    sent = "".join(asked)
    assert not [name for name, secret in secrets.items() if secret in sent] and str(tmp_path) not in sent
    assert proxy.heard == []
    proxy.close()
