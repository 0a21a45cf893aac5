"""What stands before the Gradio page: who may ask (DNS rebinding, other sites), and how much may be sent."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
CLOSED = (*(f"/gradio_api/{door}" for door in ("proxy=", "file=http", "run-history", "deep_link")), "/monitoring")
"""Doors of Gradio that this page does not use: fetching other addresses, keeping histories, usage figures."""
TRIES, WINDOW = 10, 60.0
"""Wrong passwords within so many seconds, from everybody together; further ones have to wait."""
MOST_UPLOADS = 200
"""Uploaded files that may lie there at once, however small: a tab needs two."""
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
        self._wrong: deque[float] = deque(maxlen=TRIES)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # the page uses none
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(send, *refusal)
            return
        is_login = scope["method"] == "POST" and scope["path"].rstrip("/") == "/login"

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                if is_login and message["status"] >= 400:
                    self._wrong.append(time.monotonic())
                message["headers"] = [*message.get("headers", ()), *HEADERS.items(), *_resource_policy(scope["path"])]
            await send(message)

        await self.app(scope, receive, answer)

    def _refusal(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        """(status, reason) where a request is not answered."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts is not None and _name(host) not in self.hosts:
            return 403, "This page is for this machine only: open it as 127.0.0.1 or localhost."
        if origin is not None and (urlsplit(origin).netloc.lower() != host.lower() or not host):
            return 403, "Requests from other sites are not answered."
        # Browsers say where a request comes from; a visit may come from anywhere, anything else only from the page itself.
        visit = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") == "cross-site" and not visit:
            return 403, "Requests from other sites are not answered."
        path = unquote(scope["path"])
        if path.startswith(CLOSED):
            return 404, "There is nothing here."
        if scope["method"] == "POST" and path.rstrip("/").endswith("/upload"):
            return self._upload_refusal(headers)
        if scope["method"] == "POST" and path.rstrip("/") == "/login" and self._throttled():
            return 429, "Too many wrong passwords. Wait a minute and try again."
        return None

    def _upload_refusal(self, headers: dict[str, str]) -> tuple[int, str] | None:
        length = headers.get("content-length", "")
        if not length.isdigit():
            return 411, "An upload has to say how large it is."
        if int(length) > self.max_upload + (1 << 16):  # a form's own lines come on top of the file
            return 413, f"This file is too large: the limit is {self.max_upload / 1e6:,.0f} MB."
        used, _ = _held(self.folder)
        _, uploads = _held(self.folder / "uploads")
        if used + int(length) > self.quota or uploads >= MOST_UPLOADS:
            return 507, "There is no room for more uploads. Close other tabs of this page, or try again later."
        return None

    def _throttled(self) -> bool:
        return len(self._wrong) == TRIES and time.monotonic() - self._wrong[0] < WINDOW


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
