"""A server of object storage on loopback, as far as pyarrow's S3 filesystem asks for it; keeps all that arrives."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

XML = {"Content-Type": "application/xml"}


@dataclass
class Storage:
    """Objects by their place ("/bucket/name")."""

    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Each request as text: method, path, headers."""
    sent: list[bytes] = field(default_factory=list)
    """What was in them."""
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"storage": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def uri(self, place: str) -> str:
        """Of an object in the bucket "bucket"."""
        return f"s3://bucket/{place}?endpoint_override=127.0.0.1:{self._http.server_port}&scheme=http&region=us-east-1"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, method: str, place: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, content, headers."""
        if method in ("HEAD", "GET"):
            return self._read(method, place, headers)
        if method == "DELETE":
            self.objects.pop(place, None)
            return 204, b"", {}
        if method == "POST" and "uploads" in query:
            return 200, b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>", XML
        if method == "POST":
            self.objects[place] = b"".join(part for _, part in sorted(self.parts.pop(place).items()))
            return 200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>", XML
        if "partNumber" in query:
            self.parts.setdefault(place, {})[int(query["partNumber"][0])] = body
        elif headers["x-amz-copy-source"]:
            self.objects[place] = self.objects[f"/{unquote(headers['x-amz-copy-source']).lstrip('/')}"]
            return 200, b"<CopyObjectResult><ETag>1</ETag></CopyObjectResult>", XML
        else:
            self.objects[place] = body
        return 200, b"", {"ETag": '"1"'}

    def _read(self, method: str, place: str, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        if place == "/bucket":
            return 200, b"", {}
        if place not in self.objects:
            return 404, b"", {}
        data, known = self.objects[place], {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        if method == "HEAD":
            return 200, b"", {**known, "Content-Length": str(len(data))}
        first, last = map(int, re.findall(r"\d+", headers["Range"] or f"0-{len(data) - 1}"))
        part = data[first : last + 1]
        return 206, part, {**known, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: Storage

    def _any(self) -> None:
        body = self._body()
        self.storage.asked.append(f"{self.command} {self.path}\n{self.headers}")
        self.storage.sent.append(body)
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        status, content, headers = self.storage.answer(self.command, unquote(parts.path), query, self.headers, body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        else:
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return _plain(body) if self.headers["Content-Encoding"] == "aws-chunked" else body

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _plain(body: bytes) -> bytes:
    """Content in Amazon's own chunks, which end with checksums."""
    out = b""
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if not size:
            return out
        out, body = out + body[:size], body[size + 2 :]
