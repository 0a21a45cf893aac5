"""One request on the wire, and what came back: bounded in size, failures as values that say whether to try again."""

from __future__ import annotations

import email.utils
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 256 * 1024
"""Of an answer; phrases and captions need a few thousand."""
SHOWN = 200
"""Characters of a server's own words in an error."""


class Failure(Exception):
    """Why a request brought no answer."""

    def __init__(
        self, reason: str, *, retry: bool = False, status: int = 0, retry_after: float | None = None, too_short: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry, self.status, self.retry_after = retry, status, retry_after
        self.too_short = too_short
        """The model used up its room before it answered, as models do that reason first."""


@dataclass(frozen=True)
class Reply:
    """A whole response with status 200."""

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


def send(
    client: Any, body: dict[str, Any], box: queue.Queue[Reply | Failure], given_up: threading.Event, clean: Callable[[str], str]
) -> None:
    """Post a chat completion and put the :class:`Reply` or :class:`Failure` into ``box``; meant for a thread.

    ``clean`` takes the key out of a server's words before they are cut to length: a cut key would pass.
    """
    import openai

    try:
        with client.chat.completions.with_streaming_response.create(**body) as response:
            parts, size = [], 0
            for part in response.iter_bytes(1 << 14):
                size += len(part)
                if size > MOST_BYTES:
                    raise Failure(f"answered with more than {MOST_BYTES // 1024} kB; that is no list of phrases")
                if given_up.is_set():
                    raise Failure("was given up")
                parts.append(part)
        result: Reply | Failure = Reply(clean(b"".join(parts).decode("utf-8-sig", "replace")))
    except Failure as e:
        result = e
    except openai.APIStatusError as e:
        result = _refused(e.status_code, e.response.headers, clean(_text(e))[:SHOWN])
    except openai.APITimeoutError:
        result = Failure("did not answer in time", retry=True)
    except openai.APIConnectionError as e:
        result = Failure(f"cannot be reached ({type(e.__cause__ or e).__name__}); is it running, and is its address right?", retry=True)
    except Exception as e:  # whatever the transport raises while the body is read: a cut connection, a wrong length, bad compression
        result = Failure(f"broke off its answer ({type(e).__name__})", retry=True)
    box.put(result)


def _text(error: Any) -> str:
    body = error.body
    inner = body.get("message") or body.get("error") or body.get("detail") if isinstance(body, dict) else body
    return " ".join(str(inner or error.message or "").split())


def _refused(status: int, headers: Mapping[str, str], text: str) -> Failure:
    hints = {
        401: "does not take the key; set LATENTDIFF_API_KEY (or OPENAI_API_KEY for OpenAI) to this server's",
        403: "does not allow this",
        404: "does not know this model or address (the address usually ends in /v1)",
        429: "is too busy or its quota is used up",
    }
    what = hints.get(status, "failed" if status >= 500 else "does not take the request")
    if 300 <= status < 400:
        what = "sends elsewhere, which is not followed; give the new address"
    retry = status in (408, 409, 425, 429) or status >= 500
    reason = f"{what} (HTTP {status}: {text})" if text else f"{what} (HTTP {status})"
    return Failure(reason, retry=retry, status=status, retry_after=retry_after(headers))


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


def read_reply(reply: Reply) -> str:
    """The text of a chat completion.

    Raises:
        Failure: it is none, a refusal, or empty.
    """
    message = reply.message
    if not isinstance(message, dict):
        start = " ".join(reply.body[:SHOWN].split())
        raise Failure(f"did not answer in the chat-completions protocol but with {start[:80]!r}; is the address right?")
    if message.get("error"):
        raise Failure(f"answered with an error: {str(message['error'])[:SHOWN]}")
    try:
        choice = message["choices"][0]
        content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Failure("did not answer in the chat-completions protocol: no choices") from None
    if refusal or choice.get("finish_reason") == "content_filter":
        raise Failure(f"refused: {str(refusal or 'its content filter')[:SHOWN]}")
    if isinstance(content, list):
        content = "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    if not isinstance(content, str) or not content.strip():
        if choice.get("finish_reason") == "length":
            raise Failure("used up its tokens before it answered", too_short=True)
        raise Failure("gave an empty answer", retry=True)
    return content
