"""The Gradio page as its own protocol is abused: other people's files named as uploads, countless uploads, secrets looked for."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fiftyone_plugin.panels.page import guard as gradio_guard
from fiftyone_plugin.panels.page import sessions as gradio_sessions
from fiftyone_plugin.panels.page.serve import Page, serve
from fiftyone_plugin.panels.page.sessions import UNCLAIMED, Sessions
from fiftyone_plugin.panels.page.settings import PageSettings

from latentdiff.errors import InputError

PASSWORD, KEY = "correct horse battery 7731", "sk-never-to-be-shown-4412"


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
    """Status, body, and all of the answer as text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {"Host": f"127.0.0.1:{port}", **{n.replace("_", "-"): v for n, v in headers.items()}})
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, content, f"{answer.getheaders()}\n{content.decode('utf8', 'replace')}"
    finally:
        connection.close()


def upload(port: int, content: bytes, name: str = "x.zip", **headers: str) -> tuple[int, bytes]:
    edge = secrets.token_hex(8)
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: application/zip\r\n\r\n'
    body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    return ask(port, "/gradio_api/upload", "POST", body, Content_Type=f"multipart/form-data; boundary={edge}", **headers)[:2]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = serve(PageSettings(encoder="demo", roots=(tmp_path_factory.mktemp("root"),)))
    yield page
    page.close()


def port_of(page: Page) -> int:
    return int(page.url.rsplit(":", 1)[1].strip("/"))


def compare(port: int, session: str, **headers: str) -> Any:
    """``call(**inputs)``: click Compare with these inputs, whatever a browser would have allowed; all that comes back."""
    config = json.loads(ask(port, "/config", **headers)[1])
    components = {c["id"]: c for c in config["components"]}
    clicked = max(config["dependencies"], key=lambda d: len(d["inputs"]))
    kinds = [components[i]["type"] for i in clicked["inputs"]]
    assert sorted(kinds) == sorted(
        [*["textbox"] * 16, *["file"] * 3, *["dropdown"] * 12, "slider", "number", *["checkbox"] * 3]
    ), "the page's inputs have changed: say here what they are"

    def call(**inputs: Any) -> str:
        order = {"textbox": ["way", "folder_a", "folder_b", "table_base", "run", "groups", "address", "exchange", "weights", "words", "sae",
                             "captions", "captioner", "llm_url", "llm_model", "llm_key"],
                 "file": ["zip_a", "zip_b", "table"], "slider": ["alpha"], "number": ["seed"],
                 "dropdown": ["group_a", "group_b", "dataset", "view_a", "view_b", "field",
                             "engine", "encoder", "method", "concepts", "fields", "describe"],
                 "checkbox": ["photographs", "ask_model", "skip_bad"]}  # fmt: skip
        given = {**dict.fromkeys(name for names in order.values() for name in names), **dict.fromkeys(order["textbox"], ""), "alpha": 0.05,
                 "seed": 0, "photographs": True, "ask_model": False, "skip_bad": False, "encoder": "demo", "method": "latentdiff",
                 "concepts": "started", "fields": "-", "describe": "no", "engine": "local", "way": "folders", **inputs}  # fmt: skip
        data = [given[order[kind].pop(0)] for kind in kinds]
        body = {"data": data, "fn_index": clicked["id"], "session_hash": session, "event_data": None, "trigger_id": None}
        sent = ask(port, "/gradio_api/queue/join", "POST", json.dumps(body).encode(), Content_Type="application/json", **headers)
        if sent[0] != 200:
            return sent[2]
        return ask(port, f"/gradio_api/queue/data?session_hash={session}", **headers)[2]

    return call


def test_only_uploads_can_be_named_as_uploads(page: Page, tmp_path: Path, faults: Any) -> None:
    """A client that is no browser names files of this machine, and other tabs' results, as if it had sent them."""
    port, secret = port_of(page), tmp_path / "secret.csv"
    secret.write_text("path,group_name\nmine-and-mine-alone,a\n")
    other = page.sessions.get("somebody else").folder / "theirs.csv"
    other.write_text("path,group_name\nmine-and-mine-alone,a\n")
    for path in (secret, "/etc/passwd", other, f"{page.folder}/uploads/../../{secret}", Path.cwd() / "pyproject.toml"):
        for name, tab in (("table", "table"), ("zip_a", "zips")):
            session = secrets.token_hex(5)
            call = compare(port, session)
            file = {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "x.csv"}
            said = call(way=tab, **{name: file, **({"zip_b": file} if tab == "zips" else {})})
            assert "mine-and-mine" not in said and "root:" not in said and "optional-dependencies" not in said
            assert '"success":false' in said.replace(" ", "") or "was not uploaded here" in said, said[-500:]
            faults.survived("file of somebody else named as an upload")
    assert secret.exists() and other.exists()  # a tab's uploads go with it: what it could claim, it could delete


def test_an_upload_of_ones_own_is_taken(page: Page) -> None:
    """The same calls reach the comparison where the file was sent: else the test above would show nothing."""
    port, session = port_of(page), secrets.token_hex(5)
    status, body = upload(port, b"path,group_name\nno-such-file.jpg,a\n", "mine.csv")
    (kept,) = json.loads(body)
    assert status == 200 and Path(kept).is_relative_to(page.folder)
    said = compare(port, session)(way="table", table={"path": kept, "meta": {"_type": "gradio.FileData"}, "orig_name": "mine.csv"})
    assert "no-such-file.jpg is a relative path" in said


def test_two_tabs_may_send_the_same_file(page: Page) -> None:
    """Gradio stores it once: both may use it, and it stays until both have let it go."""
    port, content = port_of(page), b"path,group_name\nno-such-file.jpg,a\n"
    tabs = [secrets.token_hex(5) for _ in range(2)]
    paths = {json.loads(upload(port, content, "shared.csv")[1])[0] for _ in tabs}
    (kept,) = paths
    for tab in tabs:
        said = compare(port, tab)(way="table", table={"path": kept, "meta": {"_type": "gradio.FileData"}, "orig_name": "shared.csv"})
        assert "no-such-file.jpg is a relative path" in said, said[-500:]
    for tab, there in zip(tabs, (True, False), strict=True):
        session = page.sessions.get(tab)
        page.sessions.end(tab)
        deadline = time.monotonic() + 20
        while session.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert Path(kept).exists() == there


def test_countless_tabs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradio_sessions, "MOST_TABS", 3)
    sessions = Sessions(tmp_path)
    for i in range(3):
        sessions.get(str(i))
    with pytest.raises(InputError, match="too many tabs"):
        sessions.get("another")
    assert len(list(tmp_path.iterdir())) == 3
    sessions.get("2")
    sessions.end("1")
    sessions.get("another")
    sessions.close()
    assert list(tmp_path.iterdir()) == []


def test_encoders_and_views_that_were_not_offered_are_refused(page: Page, tmp_path: Path, faults: Any) -> None:
    for inputs in ({"encoder": str(tmp_path)}, {"encoder": "someone/model"}, {"dataset": "not offered"}, {"alpha": 7.0}):
        said = compare(port_of(page), secrets.token_hex(5))(**inputs)
        assert '"success":false' in said.replace(" ", "") or "alert" in said
        assert "Traceback" not in said and str(Path(sys.prefix)) not in said
        faults.survived("input that the page does not offer")


def test_countless_small_uploads_are_refused(page: Page, monkeypatch: pytest.MonkeyPatch, faults: Any) -> None:
    monkeypatch.setattr(gradio_guard, "MOST_UPLOADS", 20)
    here = len([p for p in (page.folder / "uploads").rglob("*") if p.is_file()])
    answers = [upload(port_of(page), str(i).encode(), f"{i}.zip")[0] for i in range(30)]
    assert answers == [200] * (20 - here) + [507] * (10 + here)
    assert len([p for p in (page.folder / "uploads").rglob("*") if p.is_file()]) == 20
    faults.survived("upload beyond the limit", 10 + here)


def test_uploads_that_nobody_claims_are_removed(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    sessions = Sessions(tmp_path / "sessions", tmp_path / "uploads")
    files = {name: tmp_path / "uploads" / name / f"{name}.zip" for name in ("claimed", "lost", "fresh")}
    for name, path in files.items():
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        old = time.time() - (0 if name == "fresh" else UNCLAIMED + 5)
        os.utime(path, (old, old))
    sessions.get("tab").uploads.add(files["claimed"])  # opening a session sweeps: lost and claimed are still there before
    files["claimed"].parent.mkdir(exist_ok=True)
    files["claimed"].write_bytes(b"x")
    os.utime(files["claimed"], (1, 1))
    sessions.get("tab")
    assert {name: path.exists() for name, path in files.items()} == {"claimed": True, "lost": False, "fresh": True}
    sessions.close()
    assert not files["claimed"].exists()


def test_a_broken_off_upload_leaves_no_more_than_the_sweep_removes(page: Page) -> None:
    import socket

    before = {p for p in (page.folder / "uploads").rglob("*") if p.is_file()}
    head = b'--e\r\nContent-Disposition: form-data; name="files"; filename="x.zip"\r\nContent-Type: application/zip\r\n\r\n'
    request = f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{port_of(page)}\r\nContent-Length: 100000\r\n"
    with socket.create_connection(("127.0.0.1", port_of(page))) as client:
        client.sendall(request.encode() + b"Content-Type: multipart/form-data; boundary=e\r\n\r\n" + head + b"x" * 5000)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and ask(port_of(page), "/config")[0] != 200:
        time.sleep(0.1)
    left = {p for p in (page.folder / "uploads").rglob("*") if p.is_file()} - before
    for path in left:
        os.utime(path, (1, 1))
    page.sessions.get("next")
    assert not [path for path in left if path.exists()]


def test_no_secret_in_any_answer_or_log(tmp_path: Path, root: Path, faults: Any) -> None:
    """``latentdiff ui`` with a password and somebody's key in the environment: neither is in what it sends, prints, or shows to ``ps``.

    SIGTERM, which ends it here, leaves nothing of what was sent to it.
    """
    (tmp_path / "tmp").mkdir()
    (tmp_path / "password").write_text(PASSWORD + "\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"])), "OPENAI_API_KEY": KEY}
    environment["TMPDIR"] = str(tmp_path / "tmp")
    command = [sys.executable, "-m", "latentdiff.cli", "ui", "--password-file", str(tmp_path / "password"), "--port", "0", "--no-browser"]
    command += ["--encoder", "demo", "--root", str(tmp_path)]
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=tmp_path)
    seen: list[str] = []
    try:
        deadline, found = time.monotonic() + 120, None
        while found is None:
            assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
            found = re.search(r"open at http://127\.0\.0\.1:(\d+)/", (tmp_path / "log").read_text())
        port = int(found[1])
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        for tried in ("wrong guess", PASSWORD[:-1], PASSWORD):
            body = f"username=latentdiff&password={tried.replace(' ', '+')}".encode()
            seen.append(ask(port, "/login", "POST", body, **form)[2])
        cookie = re.search(r"'set-cookie', '([^;]+);", seen[-1], re.IGNORECASE)
        assert cookie, seen[-1]
        for headers in ({}, {"Cookie": cookie[1]}):
            for path in ("/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/gradio_api/app_id", "/theme.css", "/nowhere",
                         "/login_check", "/monitoring", f"/gradio_api/file={tmp_path}/password", "/user"): # fmt: skip
                seen.append(ask(port, path, **headers)[2])
            if headers:
                call = compare(port, "someone", **headers)
                seen += [call(folder_a=str(tmp_path), folder_b="/etc"), call(folder_a=str(tmp_path / "password"), folder_b=str(tmp_path))]
                assert "holds no images" in seen[-2] or "outside" in seen[-2]
                assert upload(port, b"x" * 1000, **headers)[0] == 200 and list((tmp_path / "tmp").glob("latentdiff-ui-*/uploads/*/x.zip"))
            seen.append(ask(port, "/gradio_api/queue/join", "POST", b"{not json", Content_Type="application/json", **headers)[2])
        seen.append(Path(f"/proc/{server.pid}/cmdline").read_text())
    finally:
        server.terminate()
        assert server.wait(30) == 143 and list((tmp_path / "tmp").glob("latentdiff-*")) == []
        log.close()
    seen.append((tmp_path / "log").read_text())
    assert len(seen) > 25
    for text in seen:
        assert PASSWORD not in text and PASSWORD.replace(" ", "+") not in text and KEY not in text, text[:300]
    faults.survived("secret looked for in an answer or a log", len(seen))
