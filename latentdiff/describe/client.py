"""One chat completion by the openai client, on a transport of our own: its protocol, with nothing of its environment on the wire."""

from __future__ import annotations

import threading
from typing import Any

from .http import Post, Response

NO_KEY = "none"
"""What the client is given in place of a key where there is none; it is not sent."""


class ChatRequest:
    """A request of one chat completion; :meth:`run` it in a thread, :meth:`end` it from another.

    The client's own retries, redirects, proxies and headers are left out: retries are counted and cancelled by whoever asks, and a header
    of the environment (``OPENAI_CUSTOM_HEADERS``, an organisation) belongs to another server.

    Args:
        base_url: of the server, without a slash at its end.
        body: ``model``, ``messages`` and options, as ``client.chat.completions.create`` takes them.
        headers: all that is sent beside what HTTP itself needs.
        timeout: seconds that one read or write may take.
        limit: bytes of the answer at most.
    """

    def __init__(self, base_url: str, body: dict[str, Any], headers: dict[str, str], *, timeout: float, limit: int) -> None:
        self._base_url, self._body, self._headers, self._timeout, self._limit = base_url, body, headers, timeout, limit
        self._post: Post | None = None
        self._response: Response | None = None
        self._lock, self._ended = threading.Lock(), False

    def run(self) -> Response:
        """Send it; what came back, whatever its status.

        Raises:
            OSError, http.client.HTTPException, TooLarge, Unreadable: as :meth:`~latentdiff.describe.http.Post.run`.
        """
        import httpx
        import openai

        # Of httpx for every version: openai 3 has httpx2 for its own, and takes this one too.
        carried = httpx.Client(transport=httpx.MockTransport(self._carry), trust_env=False)
        client = openai.OpenAI(base_url=self._base_url, api_key=NO_KEY, max_retries=0, timeout=None, http_client=carried)
        try:
            client.chat.completions.with_raw_response.create(**self._body)
        except openai.APIConnectionError as e:
            if e.__cause__ is not None:
                raise e.__cause__ from None
            raise
        except openai.APIStatusError:
            pass  # the status and the server's words are read by whoever asked
        if self._response is None:
            raise ConnectionError("the request was not sent")
        return self._response

    def end(self) -> None:
        """Cut the connection, or see to it that none is made."""
        with self._lock:
            self._ended = True
            if self._post is not None:
                self._post.end()

    def _carry(self, request: Any) -> Any:
        """Carry a request of the client's: address and content are its, the rest ours."""
        import httpx

        post = Post(str(request.url), request.read(), self._headers, timeout=self._timeout, limit=self._limit)
        with self._lock:
            if self._ended:
                raise TimeoutError
            self._post = post
        self._response = found = post.run()
        return httpx.Response(found.status, headers={"content-type": found.headers.get("content-type", "")}, content=found.body)
