"""One POST to a server: straight to the address, nothing of the environment's in its headers, bounded in size, ended from outside."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import os
import socket
import ssl
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .server import proxy_of

CONNECT = 10.0
"""Seconds until a server has to take a connection."""
PART = 1 << 14


class TooLarge(Exception):
    """A body that is larger than the limit."""


class Unreadable(Exception):
    """A body that is packed in a way that was not asked for."""


@dataclass(frozen=True)
class Response:
    """What came back; the headers' names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool = False
    """Whether the body, of an error, goes on beyond the limit."""


class Post:
    """A request; :meth:`run` it in a thread, :meth:`end` it from another. Redirects are not followed, cookies not kept.

    Args:
        url: where to.
        body: what is sent, JSON.
        headers: sent beside those that HTTP itself needs, to this address alone.
        timeout: seconds that one read or write may take.
        limit: bytes of the answer at most, unpacked, whatever its status.
    """

    def __init__(self, url: str, body: bytes, headers: dict[str, str], *, timeout: float, limit: int) -> None:
        self._url, self._body, self._limit, self._timeout = urlsplit(url), body, limit, timeout
        self._connection = _Connection(url, timeout)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity", **headers}

    def run(self) -> Response:
        """Send it and read what comes back.

        Raises:
            OSError, http.client.HTTPException: no connection, or a broken one. TooLarge, Unreadable: of a body with a status below 300.
        """
        try:
            path = quote(self._url.path, safe="/%:@!$&'()*+,;=~")
            self._connection.request("POST", path, self._body, {**self._headers, "Connection": "close"})
            with self._connection.getresponse() as answer:
                headers = {name.lower(): value for name, value in answer.getheaders()}
                body, cut = self._read(answer, headers.get("content-encoding", "identity").strip().lower())
                return Response(answer.status, headers, body, cut)
        finally:
            self._connection.close()

    def end(self) -> None:
        """Cut the connection: whoever reads from it, or writes to it, stops at once."""
        self._connection.end()

    def _read(self, answer: Any, coding: str) -> tuple[bytes, bool]:
        refused = answer.status >= 300
        packed = coding in ("gzip", "x-gzip", "deflate")
        if not packed and coding not in ("", "identity"):
            if refused:
                return b"", True
            raise Unreadable(coding)
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None  # 32: gzip or zlib, by their first bytes
        out = bytearray()
        while part := answer.read1(PART):
            try:
                out += unpack.decompress(part, self._limit + 1 - len(out)) if unpack else part
            except zlib.error as e:
                raise Unreadable(coding) from e
            if len(out) > self._limit:
                if refused:
                    return bytes(out[: self._limit]), True
                raise TooLarge
        if answer.length or (unpack is not None and not unpack.eof):  # what was announced did not come
            raise http.client.IncompleteRead(bytes(out))
        return bytes(out), False


class _Connection(http.client.HTTPConnection):
    """One whose socket can be shut from another thread at any time, TLS's beginning included; through the environment's proxy."""

    def __init__(self, url: str, timeout: float) -> None:
        parts, self._proxy = urlsplit(url), proxy_of(url)
        self._named, self._tls, self._seconds = parts.hostname or "", parts.scheme == "https", timeout
        port = parts.port or (443 if self._tls else 80)
        self._plain: socket.socket | None = None
        self._ended = False
        if self._proxy:
            super().__init__(self._proxy.hostname or "", self._proxy.port or 80, timeout=timeout)
            self.set_tunnel(f"[{self._named}]" if ":" in self._named else self._named, port, _proxy_headers(self._proxy))
        else:
            super().__init__(self._named, port, timeout=timeout)
        self.default_port = 443 if self._tls and not self._proxy else 80  # else the port stands in Host, where it need not

    def connect(self) -> None:
        sock = socket.create_connection((self.host, self.port), min(self._seconds, CONNECT))
        self.sock: Any = sock
        self._hold(sock)
        sock.settimeout(self._seconds)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._proxy:
            self._tunnel()  # type: ignore[attr-defined]
        if self._tls:
            secured = _context().wrap_socket(sock, server_hostname=self._named, do_handshake_on_connect=False)
            self.sock = secured
            self._hold(secured)
            secured.do_handshake()

    def _hold(self, sock: socket.socket) -> None:
        self._plain = sock
        if self._ended:
            raise TimeoutError

    def end(self) -> None:
        self._ended = True
        if self._plain is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._plain, socket.SHUT_RDWR)  # not TLS's own way, which would wait for the other's part


@functools.lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """Certificates of the machine; those of the package certifi too, where it is there and nobody names others."""
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        with contextlib.suppress(ImportError, OSError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context


def _proxy_headers(proxy: Any) -> dict[str, str]:
    """What the proxy alone is told."""
    if not proxy.username:
        return {}
    told = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(told.encode()).decode()}
