"""One request on the wire, and what came back: bounded in size, failures as values that say whether to try again."""

from __future__ import annotations

import email.utils
import http.client
import json
import math
import queue
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .client import ChatRequest
from .http import TooLarge, Unreadable

Clean = Callable[[str], str]

MOST_BYTES = 256 * 1024
"""Of an answer; phrases and captions need a few thousand."""
SHOWN = 200
"""Characters of a server's own words in an error."""


_FILTERED = re.compile(r"content[ _-]?(?:filter|management|policy)", re.I)
"""How servers say, with status 400, that their filter stopped a question."""


class Failure(Exception):
    """Why a request brought no answer."""

    def __init__(
        self,
        reason: str,
        *,
        retry: bool = False,
        status: int = 0,
        retry_after: float | None = None,
        too_short: bool = False,
        this_alone: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry, self.status, self.retry_after = retry, status, retry_after
        self.too_short = too_short
        """The model used up its room before it answered, as models do that reason first."""
        self.this_alone = this_alone or too_short
        """The server works, and another question may be answered."""


@dataclass(frozen=True)
class Reply:
    """A whole response with a status that says that all is well."""

    body: str

    @property
    def message(self) -> Any:
        """The response as JSON, or None."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def usage(self) -> Any:
        """What the server says it counted."""
        return self.message.get("usage") if isinstance(self.message, dict) else None


def send(request: ChatRequest, box: queue.Queue[Reply | Failure], clean: Clean) -> None:
    """Send a chat completion and put the :class:`Reply` or :class:`Failure` into ``box``; meant for a thread.

    ``clean`` takes the key out of a server's words before they are cut to length: a cut key would pass.
    """
    try:
        answer = request.run()
        if answer.status < 300:
            result: Reply | Failure = Reply(answer.body.decode("utf-8-sig", "replace"))
        else:
            result = _refused(answer.status, answer.headers, clean(_text(answer.body))[:SHOWN])
    except TooLarge:
        result = Failure(f"answered with more than {MOST_BYTES // 1024} kB; that is no list of phrases")
    except Unreadable:
        result = Failure("packed its answer in a way that it was not asked for")
    except TimeoutError:
        result = Failure("did not answer in time", retry=True)
    except (http.client.IncompleteRead, zlib.error) as e:
        result = Failure(f"broke off its answer ({type(e).__name__})", retry=True)
    except Exception as e:  # whatever a transport raises; its words may hold what was sent
        result = Failure(f"cannot be reached ({type(e).__name__}); is it running, and is its address right?", retry=True)
    box.put(result)


def _text(body: bytes) -> str:
    """A server's own words in the body of an error."""
    text = body.decode("utf-8-sig", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        said = said["error"]
    inner = said.get("message") or said.get("error") or said.get("detail") or "" if isinstance(said, dict) else said
    return " ".join(str(inner).split())


def _refused(status: int, headers: Mapping[str, str], text: str) -> Failure:
    hints = {
        401: "takes no request without its key: set LATENTDIFF_API_KEY to it, and LATENTDIFF_BASE_URL to this address",
        403: "does not allow this",
        404: "does not know this model or address (the address usually ends in /v1)",
        429: "is too busy or its quota is used up",
    }
    what = hints.get(status, "failed" if status >= 500 else "does not take the request")
    if 300 <= status < 400:
        what = "sends elsewhere, which is not followed; give the new address"
    retry = status in (408, 409, 425, 429) or status >= 500
    reason = f"{what} (HTTP {status}: {text})" if text else f"{what} (HTTP {status})"
    filtered = status == 400 and bool(_FILTERED.search(text))
    return Failure(reason, retry=retry, status=status, retry_after=retry_after(headers), this_alone=filtered)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until a server wants to be asked again: ``Retry-After`` in seconds or as a date, or ``retry-after-ms``; None unsaid."""
    text = headers.get("retry-after", "").strip()
    try:
        if "retry-after-ms" in headers:
            value = float(headers["retry-after-ms"]) / 1000
        elif text.replace(".", "", 1).isdigit():
            value = float(text)
        else:
            value = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(value, 0.0) if math.isfinite(value) else None


def read_reply(reply: Reply, clean: Clean) -> str:
    """The text of a chat completion, as it is; ``clean`` takes the key out of the server's words in errors.

    Raises:
        Failure: it is none, a refusal, or empty.
    """
    message = reply.message
    if not isinstance(message, dict):
        start = " ".join(clean(reply.body)[:SHOWN].split())
        raise Failure(f"did not answer in the chat-completions protocol but with {start[:80]!r}; is the address right?")
    if message.get("error"):
        raise Failure(f"answered with an error: {clean(str(message['error']))[:SHOWN]}")
    try:
        choice = message["choices"][0]
        content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Failure("did not answer in the chat-completions protocol: no choices") from None
    if refusal or choice.get("finish_reason") == "content_filter":
        raise Failure(f"refused: {clean(str(refusal or 'its content filter'))[:SHOWN]}", this_alone=True)
    if isinstance(content, list):
        content = "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    if not isinstance(content, str) or not content.strip():
        if choice.get("finish_reason") == "length":
            raise Failure("used up its tokens before it answered", too_short=True)
        raise Failure("gave an empty answer", retry=True, this_alone=True)
    return content
