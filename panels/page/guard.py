"""What stands before the Gradio page: who may ask (DNS rebinding, other sites), and how much may be sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .clients import Tries, Uploads, client_of

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
PAGES = frozenset(
    {"/", "/config", "/login", "/logout", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt"}
    | {f"/gradio_api/{door}" for door in ("app_id", "cancel", "info", "login_check", "queue/data", "queue/join", "reset", "run/predict")}
    | {f"/gradio_api/{door}" for door in ("startup-events", "theme.css", "upload", "upload_progress", "user")}
)
FILES = ("/assets/", "/static/", "/svelte/", "/pwa_icon", "/gradio_api/heartbeat/", "/gradio_api/file=")
"""All doors that the page uses, whole and by how they begin. Gradio has many more (it fetches other addresses, takes recordings, edits its
own source, keeps histories, reloads itself), and each release may bring new ones: what is not named here is closed."""
ELSEWHERE = "/gradio_api/file=http"
"""Behind an open door, another address that would be fetched."""
MOST_SENT = 4_000_000
"""Bytes of any other request: inputs of the page, a password. Gradio reads them whole, before it asks who sends them."""
MOST_UPLOADS = 200
"""Uploaded files that may lie there at once, however small: a tab needs two."""
STALLED, SLOWEST = 60.0, 20_000
"""Seconds in which something of a request has to come, and the bytes a second that it has to come to after them; else it is broken off."""
SPARE = 1_000_000_000
"""Bytes of the disk that uploads leave free: it is not the page's alone."""
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-embedder-policy": b"credentialless",
    b"content-security-policy": (
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; frame-ancestors 'self' http://127.0.0.1:* http://localhost:*"
    ),
}
"""On every answer: nothing is loaded from or sent to other places, and only pages of this machine (FiftyOne's App) may frame it."""


class Guard:
    """ASGI middleware.

    Args:
        app: what it stands before.
        hosts: names by which the page may be asked for; a site that rebinds its own name to 127.0.0.1 is none of them. None: any name
            (off loopback, where a password protects it).
        max_upload: bytes of one upload.
        folder: where uploads and results lie.
        quota: bytes that may lie there.
    """

    def __init__(self, app: Any, *, hosts: frozenset[str] | None, max_upload: int, folder: Path, quota: int) -> None:
        self.app, self.hosts, self.max_upload, self.folder, self.quota = app, hosts, max_upload, folder, quota
        self._tries, self._uploads = Tries(), Uploads()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # the page uses none
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        door = scope["path"].rstrip("/") or "/"
        client = client_of(scope)
        refusal = self._refusal(client, scope["method"], door, headers)
        if refusal:
            await _refuse(send, *refusal)
            return

        posted = scope["method"] == "POST"
        login, upload = posted and door == "/login", posted and door.endswith("/upload")
        size, said = int(headers.get("content-length", "0")) if upload else 0, bytearray()

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                if login and message["status"] < 400:
                    self._tries.right(client)
                message["headers"] = [*message.get("headers", ()), *HEADERS.items(), *_resource_policy(scope["path"])]
            elif upload and len(said) < MOST_SENT:
                said.extend(message.get("body", b""))
            await send(message)

        if login:
            self._tries.note(client)
        if upload:
            self._uploads.begin(client, size)
        try:
            await self.app(scope, _in_time(receive) if posted else receive, answer)
        finally:
            if upload:
                self._uploads.end(client, size)
                for path in _paths(said):
                    self._uploads.lies(client, path)

    def _refusal(self, client: str, method: str, door: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """(status, reason) where a request is not answered."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts is not None and _name(host) not in self.hosts:
            return 403, "This page is for this machine only: open it as 127.0.0.1 or localhost."
        if origin is not None and (urlsplit(origin).netloc.lower() != host.lower() or not host):
            return 403, "Requests from other sites are not answered."
        # Browsers say where a request comes from; a visit may come from anywhere, anything else only from the page itself.
        visit = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") == "cross-site" and not visit:
            return 403, "Requests from other sites are not answered."
        if (door not in PAGES and not door.startswith(FILES)) or door.lower().startswith(ELSEWHERE):
            return 404, "There is nothing here."
        if method == "POST" and door.endswith("/upload"):
            return self._upload_refusal(client, headers)
        if "transfer-encoding" in headers:
            return 411, "A request has to say how large it is."
        if int(_digits(headers.get("content-length", "0")) or MOST_SENT + 1) > MOST_SENT:
            return 413, f"This is too large: the limit is {MOST_SENT / 1e6:,.0f} MB."
        if method == "POST" and door == "/login" and self._tries.throttled(client):
            return 429, "Too many wrong passwords. Wait a minute and try again."
        return None

    def _upload_refusal(self, client: str, headers: dict[str, str]) -> tuple[int, str] | None:
        length = _digits(headers.get("content-length", ""))
        if not length or "transfer-encoding" in headers:  # of both, servers believe the one that says no length
            return 411, "An upload has to say how large it is."
        if int(length) > self.max_upload + (1 << 16):  # a form's own lines come on top of the file
            return 413, f"This file is too large: the limit is {self.max_upload / 1e6:,.0f} MB."
        used, _ = _held(self.folder)
        _, uploads = _held(self.folder / "uploads")
        bytes_, coming = self._uploads.coming
        free = shutil.disk_usage(self.folder).free - bytes_ - int(length)
        if used + bytes_ + int(length) > self.quota or uploads + coming >= MOST_UPLOADS or free < SPARE:
            return 507, "There is no room for more uploads. Close other tabs of this page, or try again later."
        return self._uploads.refusal(client, int(length), self.quota, MOST_UPLOADS)


def _in_time(receive: Any) -> Any:
    """What comes of a request, which ends where nothing does for a minute, or hardly anything."""
    began, got, whole = time.monotonic(), 0, False

    async def timed() -> Any:
        nonlocal got, whole
        if whole:
            return await receive()  # only that the client has gone
        with contextlib.suppress(asyncio.TimeoutError):
            message = await asyncio.wait_for(receive(), STALLED)
            got += len(message.get("body", b""))
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            passed = time.monotonic() - began
            if whole or passed < STALLED or got >= SLOWEST * passed:
                return message
        return {"type": "http.disconnect"}

    return timed


def _paths(said: bytearray) -> list[str]:
    """Where uploads lie, as Gradio answers."""
    try:
        found = json.loads(said or b"[]")
    except (ValueError, RecursionError):
        return []
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []


def _digits(length: str) -> str:
    """A Content-Length; empty where it is no number of ours."""
    return length if length.isascii() and length.isdigit() and len(length) < 16 else ""


def _name(host: str) -> str:
    """A Host header without its port, lower case."""
    host = host.lower()
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]


def _resource_policy(path: str) -> list[tuple[bytes, bytes]]:
    """The page itself may be framed by the App, which is another origin; what it loads is for itself."""
    return [(b"cross-origin-resource-policy", b"cross-origin" if path == "/" else b"same-origin")]


def _held(folder: Path) -> tuple[int, int]:
    """Bytes and number of all files below a folder; some may go while they are counted."""
    total, files, folders = 0, 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
                        files += 1
        except OSError:
            continue
    return total, files


async def _refuse(send: Any, status: int, reason: str) -> None:
    body = reason.encode("utf8")
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
