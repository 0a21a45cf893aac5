"""Limits are per client: what one has under way keeps no one else out, and this machine's own user last of all."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fiftyone_plugin.panels.page import clients, guard, sessions
from fiftyone_plugin.panels.page.clients import Tries, Uploads, client_of
from fiftyone_plugin.panels.page.guard import Guard
from fiftyone_plugin.panels.page.sessions import Sessions

from latentdiff.errors import InputError


def test_who_is_one_client() -> None:
    def of(host: str) -> str:
        return client_of({"client": (host, 1)})

    assert of("127.0.0.1") == of("::1") == of("127.8.0.1") == client_of({}) == ""
    assert of("10.0.0.1") != of("10.0.0.2") and of("10.0.0.1") == "10.0.0.1"
    assert of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff::9") != of("2001:db8:1:3::1")


def test_wrong_passwords_of_one_keep_no_other_out() -> None:
    tries = Tries()
    for _ in range(clients.TRIES):
        tries.note("10.0.0.1")
    assert tries.throttled("10.0.0.1") and not tries.throttled("10.0.0.2") and not tries.throttled("")
    tries.right("10.0.0.1")
    assert not tries.throttled("10.0.0.1")


def test_tries_of_many_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST_CLIENTS", 5)
    tries = Tries()
    for i in range(50):
        tries.note(f"10.0.0.{i}")
    assert len(tries._tried) == 5


def test_uploads_of_others_leave_a_share(tmp_path: Path) -> None:
    uploads = Uploads()

    def lies(client: str, name: str) -> None:
        (tmp_path / name).write_bytes(bytes(200))
        uploads.lies(client, str(tmp_path / name))

    assert uploads.refusal("10.0.0.1", 200, 1000, 100) is None
    lies("10.0.0.1", "a")
    assert uploads.refusal("10.0.0.1", 200, 1000, 100)[0] == 507  # a quarter each
    assert uploads.refusal("10.0.0.2", 200, 1000, 100) is None
    lies("10.0.0.2", "b")
    assert uploads.refusal("10.0.0.3", 200, 1000, 100)[0] == 507  # half for all others
    assert uploads.refusal("", 200, 1000, 100) is None
    (tmp_path / "a").unlink()
    assert uploads.refusal("10.0.0.3", 200, 1000, 100) is None
    assert uploads.refusal("10.0.0.2", 1, 10**6, 4)[0] == 507  # by their number
    for _ in range(clients.AT_ONCE):
        uploads.begin("10.0.0.4", 1)
    assert uploads.refusal("10.0.0.4", 1, 10**6, 100)[0] == 429 and uploads.coming == (clients.AT_ONCE, clients.AT_ONCE)
    for _ in range(clients.AT_ONCE):
        uploads.end("10.0.0.4", 1)
    assert uploads.coming == (0, 0) and not uploads._bytes


def test_tabs_of_others_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_TABS", 5)
    monkeypatch.setattr(sessions, "MOST_EACH", 3)
    opened = Sessions(tmp_path)
    for i in range(3):
        opened.get(f"a{i}", "10.0.0.1")
    with pytest.raises(InputError, match="too many tabs"):
        opened.get("a3", "10.0.0.1")
    for i in range(2):
        opened.get(f"b{i}", "10.0.0.2")
    with pytest.raises(InputError, match="too many tabs"):
        opened.get("c", "10.0.0.3")
    for i in range(5):
        opened.get(f"mine{i}")
    with pytest.raises(InputError, match="too many tabs"):
        opened.get("mine5")
    opened.get("a0", "10.0.0.1")
    opened.close()


def asked(app: Any, folder: Path, receive: Any, **scope: Any) -> list[Any]:
    """What a guard answers to one upload."""
    (folder / "uploads").mkdir(exist_ok=True)
    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    given = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": [(b"content-length", b"1000")], **scope}
    asyncio.run(Guard(app, hosts=None, max_upload=1000, folder=folder, quota=10**6)(given, receive, send))
    return answers


def test_an_upload_that_stalls_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread and its room are free again: nothing comes, or a byte at a time."""
    monkeypatch.setattr(guard, "STALLED", 0.05)
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        heard.append(message["type"])

    async def nothing() -> Any:
        await asyncio.sleep(60)

    async def drips() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def all_of_it() -> Any:
        return {"type": "http.request", "body": b"x" * 1000, "more_body": False}

    for receive in (nothing, drips, all_of_it):
        asked(app, tmp_path, receive)
    assert heard == ["http.disconnect", "http.disconnect", "http.request"]


def test_what_lies_there_is_its_clients(tmp_path: Path) -> None:
    made = tmp_path / "uploads" / "x.zip"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        made.write_bytes(bytes(300_000))
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": json.dumps([str(made)]).encode()})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    guarded = Guard(app, hosts=None, max_upload=1000, folder=tmp_path, quota=10**6)
    (tmp_path / "uploads").mkdir()

    async def statuses() -> list[int]:
        found: list[int] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                found.append(message["status"])

        scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": [(b"content-length", b"1000")]}
        for host in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "127.0.0.1"):
            await guarded({**scope, "client": (host, 1)}, receive, send)
        return found

    assert asyncio.run(statuses()) == [200, 507, 200, 200]


def test_a_full_disk_takes_no_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 10**12, guard.SPARE + 500))
    assert asked(None, tmp_path, None)[0]["status"] == 507
