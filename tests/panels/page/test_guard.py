"""The Gradio page as an attacker meets it: other names, other sites, other files, large uploads, guessed passwords."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fiftyone_plugin.panels.page import guard as gradio_guard
from fiftyone_plugin.panels.page.serve import Page, open_page, serve
from fiftyone_plugin.panels.page.settings import PageSettings

from latentdiff.errors import InputError
from tests.describe.proxy import Proxy

LIMIT = 200_000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = tmp_path_factory.mktemp("root")
    page = serve(PageSettings(encoder="demo", roots=(root,), max_upload=LIMIT, max_unpacked=LIMIT))
    yield page
    page.close()


def ask(page: Page, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    port = int(page.url.rsplit(":", 1)[1].strip("/"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = {"Host": f"127.0.0.1:{port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def upload(page: Page, size: int, **headers: str) -> tuple[int, bytes]:
    edge = "edge-" + secrets.token_hex(8)
    start = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="x.zip"\r\nContent-Type: application/zip\r\n\r\n'
    body = start.encode() + os.urandom(size) + f"\r\n--{edge}--\r\n".encode()
    status, answer, _ = ask(page, "/gradio_api/upload", "POST", body, Content_Type=f"multipart/form-data; boundary={edge}", **headers)
    return status, answer


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:7860", "127.0.0.1.attacker.example", "", "[::2]:1", "192.168.0.7"])
def test_a_name_that_is_rebound_to_this_machine_is_refused(page: Page, host: str) -> None:
    for path in ("/", "/config", "/gradio_api/info", "/theme.css"):
        assert ask(page, path, Host=host)[0] == 403


def test_this_machine_s_own_names_are_answered(page: Page) -> None:
    port = page.url.rsplit(":", 1)[1].strip("/")
    for host in ("127.0.0.1", f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        status, body, headers = ask(page, Host=host)
        assert status == 200 and b"LatentDiff" in body
        assert "frame-ancestors 'self' http://127.0.0.1:*" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_other_sites_are_refused(page: Page) -> None:
    own = page.url.strip("/")
    join = json.dumps({"data": [], "fn_index": 0, "session_hash": "x"}).encode()
    for origin in ("https://attacker.example", "null", "http://127.0.0.1:1", own.replace("http:", "http://evil@")):
        assert ask(page, "/gradio_api/queue/join", "POST", join, Origin=origin, Content_Type="application/json")[0] == 403
    assert ask(page, "/config", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert ask(page, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200  # a link to the page
    assert ask(page, "/config", Origin=own)[0] == 200


def test_only_the_session_s_files_can_be_fetched(page: Page, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    session = page.sessions.get("someone")
    shown = session.folder / "picture.jpg"
    shown.write_bytes(b"jpeg")
    assert ask(page, f"/gradio_api/file={shown}")[:2] == (200, b"jpeg")
    refused = [str(secret), "/etc/passwd", str(Path.cwd() / "pyproject.toml"), str(Path.home() / ".bashrc"), str(page.folder)]
    refused += [
        f"{session.folder}/../../../../etc/passwd",
        f"{session.folder}/..%2f..%2f..%2f..%2fetc%2fpasswd",
        str(page.settings.roots[0]),
    ]
    for path in refused:
        for door in ("/gradio_api/file=", "/gradio_api/file/"):
            status, body, _ = ask(page, door + path)
            assert status in (403, 404) and b"mine" not in body and b"root:" not in body, path
    page.sessions.end("someone")
    deadline = time.monotonic() + 10
    while shown.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ask(page, f"/gradio_api/file={shown}")[0] == 403


@pytest.mark.parametrize(
    "door",
    ["proxy=http://127.0.0.1:1/", "file=http://127.0.0.1:1/", "file=HTTPS://example.com/x", "run-history/buckets", "dev/reload", "token",
     "openapi.json", "file//etc/passwd", "call/compare/1", "vibe-code", "profiling/traces"],
)  # fmt: skip
def test_doors_that_the_page_does_not_use_are_closed(page: Page, door: str) -> None:
    assert ask(page, "/gradio_api/" + door)[0] == 404


def routes(page: Page) -> list[tuple[str, str]]:
    """(method, path) of all that Gradio would answer."""
    found, waiting = [], [(page._blocks.app, "")]
    while waiting:
        app, before = waiting.pop()
        for route in app.routes:
            inner = getattr(route, "original_router", None) or getattr(route, "router", None)
            if inner is not None:
                waiting.append((inner, before))
            elif getattr(route, "methods", None):
                filled = re.sub(r"\{[^}]*\}", "x", route.path)
                found += [(method, filled) for method in sorted(route.methods)]
    return found


def test_every_route_of_gradio_asks_who_is_there(page: Page) -> None:
    """Whatever this release can do: nothing of it for a rebound name or another site, and what the page does not use for nobody."""
    known = routes(page)
    assert len(known) > 60 and ("POST", "/gradio_api/queue/join") in known and ("POST", "/gradio_api/process_recording") in known
    for method, path in known:
        body = b"{}" if method == "POST" else None
        assert ask(page, path, method, body, Host="attacker.example")[0] == 403, path
        assert ask(page, path, method, body, Origin="https://attacker.example")[0] == 403, path
        if not (path.rstrip("/") or "/").startswith((*gradio_guard.FILES, *(gradio_guard.PAGES - {"/"}))) and path != "/":
            assert ask(page, path, method, body)[0] == 404, path


def test_nothing_large_is_read_but_uploads(page: Page) -> None:
    """Gradio would read it whole, and ask for the password then."""
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/login", "/gradio_api/reset", "/config"):
        assert ask(page, path, "POST", None, Content_Length=str(gradio_guard.MOST_SENT + 1))[0] == 413, path
        assert ask(page, path, "POST", None, Transfer_Encoding="chunked")[0] == 411, path
        assert ask(page, path, "POST", None, Content_Length="-1")[0] in (400, 413), path
    assert ask(page, "/gradio_api/upload", "POST", None, Transfer_Encoding="chunked", Content_Length="10")[0] == 411


def test_uploads_that_are_still_coming_count(tmp_path: Path) -> None:
    """A hundred that begin at once find the disk empty, all of them."""
    (tmp_path / "uploads").mkdir()
    go_on, answers = asyncio.Event(), []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200})

    async def all_at_once() -> None:
        guard = gradio_guard.Guard(slow, hosts=None, max_upload=1000, folder=tmp_path, quota=2500)

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers.append(message["status"])

        async def one() -> None:
            scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": [(b"content-length", b"1000")]}
            await guard(scope, None, sent)

        tasks = [asyncio.create_task(one()) for _ in range(5)]
        for _ in range(1000):
            if len(answers) >= 3:
                break
            await asyncio.sleep(0.001)
        go_on.set()
        await asyncio.gather(*tasks)
        await one()  # nothing came to lie there after all

    asyncio.run(all_at_once())
    assert answers == [507, 507, 507, 200, 200, 200]


def test_uploads_are_limited(page: Page) -> None:
    status, body = upload(page, LIMIT // 2)
    assert status == 200
    (kept,) = json.loads(body)
    assert Path(kept).is_relative_to(page.folder)
    assert upload(page, LIMIT + (1 << 17))[0] == 413
    assert ask(page, "/gradio_api/upload", "POST", None, Transfer_Encoding="chunked")[0] == 411
    ballast = page.folder / "sessions" / "ballast"  # 4 x (upload + unpacked) may lie there
    ballast.write_bytes(bytes(8 * LIMIT - LIMIT // 2))
    assert upload(page, LIMIT // 2)[0] == 507
    ballast.unlink()
    assert upload(page, LIMIT // 2)[0] == 200


def test_no_endpoint_is_public(page: Page) -> None:
    status, body, _ = ask(page, "/gradio_api/info")
    assert status == 200
    assert json.loads(body)["named_endpoints"] == {}
    assert ask(page, "/docs")[0] == 404


class TestPassword:
    @pytest.fixture(scope="class")
    def locked(self) -> Iterator[Page]:
        page = serve(PageSettings(encoder="demo", password="correct horse", roots=()))
        yield page
        page.close()

    def test_nothing_is_told_without_it(self, locked: Page) -> None:
        status, body, _ = ask(locked, "/")
        assert status in (200, 401) and b"Folder A" not in body
        for path in ("/config", "/gradio_api/info", "/gradio_api/file=/etc/passwd"):
            assert ask(locked, path)[0] == 401
        assert ask(locked, "/gradio_api/queue/join", "POST", b"{}", Content_Type="application/json")[0] == 401
        assert upload(locked, 10)[0] == 401

    def test_guessing_is_slowed_down(self, locked: Page) -> None:
        def log_in(password: str) -> tuple[int, dict[str, str]]:
            form = f"username=latentdiff&password={password.replace(' ', '+')}".encode()
            status, _, headers = ask(locked, "/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
            return status, headers

        status, headers = log_in("correct horse")
        assert status == 200 and "set-cookie" in headers
        cookie = headers["set-cookie"].split(";")[0]
        assert "httponly" in headers["set-cookie"].lower()
        assert ask(locked, "/config", Cookie=cookie)[0] == 200
        with ThreadPoolExecutor(12) as pool:  # at once: no answer tells the guard of the others
            told = list(pool.map(lambda i: log_in(f"guess {i}")[0], range(24)))
        assert sorted(told) == [400] * 10 + [429] * 14
        assert log_in("correct horse")[0] == 429


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
def test_other_hosts_demand_a_password(host: str) -> None:
    with pytest.raises(InputError, match="password"):
        PageSettings(host=host)
    with pytest.raises(InputError, match="fewer than 8"):
        PageSettings(host=host, password="short")
    assert PageSettings(host=host, password="long enough").roots == ()  # no folder may be read unless one is named


def test_settings_keep_the_password_out_of_messages() -> None:
    assert "hunter2hunter2" not in repr(PageSettings(password="hunter2hunter2"))


def test_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    before = os.environ.get("GRADIO_TEMP_DIR")
    page = serve(PageSettings(encoder="demo", roots=(tmp_path,)))
    folder, session = page.folder, page.sessions.get("tab")
    (session.folder / "x").write_text("x")
    assert folder.stat().st_mode & 0o077 == 0
    page.close()
    page.close()
    assert not folder.exists() and len(page.sessions) == 0
    assert os.environ.get("GRADIO_TEMP_DIR") == before
    with pytest.raises(OSError):
        ask(page)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    running = Proxy()
    yield running
    running.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_page_opens_where_a_proxy_is_named(name: str, host: str, proxy: Proxy, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv(name, f"http://{proxy.address}")
    page = serve(PageSettings(host=host, encoder="demo", password="correct horse", roots=(tmp_path,)))
    try:
        assert ask(page)[0] in (200, 401) and proxy.heard == []
    finally:
        page.close()


@pytest.mark.parametrize("unread", [{"ALL_PROXY": "socks9://127.0.0.1:9"}, {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1]"}])
def test_proxies_that_gradio_cannot_read_are_told(unread: dict[str, str], proxy: Proxy, monkeypatch: Any) -> None:
    for name, value in unread.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"NO_PROXY='\*'"):
        serve(PageSettings(encoder="demo"))
    monkeypatch.setenv("NO_PROXY", "*")
    serve(PageSettings(encoder="demo")).close()


def test_the_app_gets_one_page_however_often_it_asks() -> None:
    pages: list[Any] = [open_page("demo"), open_page("demo")]
    assert pages[0] is pages[1] and ask(pages[0])[0] == 200
    pages[0].close()
    again = open_page("demo")
    assert again is not pages[0] and ask(again)[0] == 200
    again.close()
    # Gradio makes a folder for each page, once told where: not in that of one that has gone.
    assert not pages[0].folder.exists() and not again.folder.exists()
