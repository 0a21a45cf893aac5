"""A real HTTP server that speaks the chat-completions protocol, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatServer:
    """Answers each request with the next behaviour of ``script``; the last one stays.

    A behaviour is a function of the handler and the request's JSON; those below cover what servers do.
    """

    def __init__(self) -> None:
        self.script: list[Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]] = [says('{"phrases": []}')]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                server.headers.append({k.lower(): v for k, v in self.headers.items()})
                behaviour = server.script.pop(0) if len(server.script) > 1 else server.script[0]
                self.owner = server  # type: ignore[attr-defined]
                try:
                    behaviour(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client has given up, as it should

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


def send(handler: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: Any, **message: Any) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 70, "completion_tokens": 7, "total_tokens": 77}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def says(content: Any, **message: Any) -> Callable:
    """An answer in protocol."""
    return lambda handler, body: send(handler, 200, completion(content, **message))


def answers(make: Callable[[dict[str, Any]], str]) -> Callable:
    """An answer made of the request."""
    return lambda handler, body: send(handler, 200, completion(make(body)))


def status(code: int, text: str = "no", **headers: str) -> Callable:
    """An HTTP error with the usual JSON body."""
    body = json.dumps({"error": {"message": text}}).encode()
    return lambda handler, _: send(handler, code, body, {k.replace("_", "-"): v for k, v in headers.items()})


def raw(body: bytes, content_type: str = "text/html") -> Callable:
    """Status 200 with anything."""
    return lambda handler, _: send(handler, 200, body, {"Content-Type": content_type})


def cut(handler: Any, body: dict[str, Any]) -> None:
    """Half an answer, then the connection ends."""
    whole = completion('{"phrases": ["red bus"]}')
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[:20])
    handler.close_connection = True


def hang_up(handler: Any, body: dict[str, Any]) -> None:
    """No answer at all."""
    handler.close_connection = True
    handler.connection.close()


def slow(handler: Any, body: dict[str, Any]) -> None:
    """Nothing until the server is closed."""
    handler.owner.closing.wait(20)


def drip(handler: Any, body: dict[str, Any]) -> None:
    """A byte at a time: no single read ever times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.owner.closing.is_set():
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.01)
