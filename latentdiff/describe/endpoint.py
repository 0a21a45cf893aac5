"""One question to an OpenAI-compatible chat server, in bounded time: time-outs, retries, a budget, cancellation, an account."""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from ..compute.extras import require
from ..errors import Cancelled, EndpointError, NoAnswerError
from ..progress import Progress, silent
from ..version import __version__
from .client import ChatRequest
from .server import check_key, checked_url, find_key, is_secret, proxy_of, stands_out
from .usage import Account, Budget
from .wire import MOST_BYTES, Failure, Reply, read_reply, send

TICK = 0.05
"""Seconds between looks at whether the user has cancelled."""
ROOMIER, MOST_ROOM = 4, 64
"""A model that reasons before it answers is given so many times the tokens, again and again, until at most so many times."""


class ChatEndpoint:
    """A model behind a server that speaks OpenAI's chat-completions protocol, hosted or local.

    Args:
        base_url: such as ``"http://localhost:8000/v1"``.
        model: as the server calls it.
        key: the server's key; None: from the environment (:func:`~latentdiff.describe.server.find_key`); local servers need none. It is
            in no repr, error, log or account, and never sent over plain http to another machine.
        timeout: seconds that one request may take, > 0.
        retries: repeats after a refused or cut connection, a time-out, 429 or 5xx, >= 0.
        backoff: seconds before the first repeat; doubled each time, with jitter. A server's Retry-After counts more.
        longest_wait: seconds that a repeat is waited for at most; a server that asks for more ends the work with an error.
        budget: calls and tokens at most.
        account: one that several endpoints share, with their budget; None: its own.

    Attributes:
        account: what was sent so far.

    Raises:
        InputError: an address, key or proxy of the environment that cannot be used.
        MissingPackageError: the openai client is not installed.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        backoff: float = 1.0,
        longest_wait: float = 60.0,
        budget: Budget | None = None,
        account: Account | None = None,
    ) -> None:
        require("describe", "openai", "a language or vision server")
        self.base_url, self.model = checked_url(base_url), str(model)
        self.timeout, self.retries, self.backoff, self.longest_wait = timeout, retries, backoff, longest_wait
        self.budget, self.account = budget or Budget(), account or Account()
        proxy_of(self.base_url)  # in the thread that asks, an unusable one would read as a server that cannot be reached
        self._key = check_key(self.base_url, find_key(self.base_url) if key is None else key) or ""
        self._stands_out = stands_out(self._key)
        self._unknown: set[str] = set()
        self._room = 1
        self._jitter = random.Random(0)

    def __repr__(self) -> str:
        return f"ChatEndpoint({self.base_url!r}, {self.model!r})"

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("an endpoint holds a key and is not pickled; build it where it is used")

    def ask(
        self,
        instructions: str,
        data: str,
        *,
        images: Sequence[str] = (),
        schema: dict[str, Any] | None = None,
        answer_tokens: int = 1000,
        temperature: float = 0.0,
        progress: Progress = silent,
    ) -> str:
        """Ask once, with retries.

        Args:
            instructions: the task (system message).
            data: what it is about (user message).
            images: data URLs sent with the data.
            schema: JSON schema of the answer, for servers with structured output; others answer as they can.
            answer_tokens: length of the answer at most; a model that uses it up without an answer is given more.
            temperature: 0 for the same answer each time, where the server can.
            progress: called many times a second with fraction 0; raise :class:`~latentdiff.errors.Cancelled` in it to stop waiting.

        Returns:
            The answer's text.

        Raises:
            NoAnswerError: a refusal or an empty answer: the next question may be answered.
            EndpointError: no connection, an answer out of protocol, or the budget is spent.
        """
        pictures = [{"type": "image_url", "image_url": {"url": url}} for url in images]
        content: Any = [{"type": "text", "text": data}, *pictures] if pictures else data
        body = {"model": self.model, "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": content}]}
        options: dict[str, Any] = {"temperature": temperature}
        if schema is not None:
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
        tries = 0
        while True:
            times = self._room
            sent = body | self._accepted({"max_tokens": times * answer_tokens, **options})
            try:
                return self._once(sent, len(images), times * answer_tokens, progress)
            except Failure as e:
                if e.too_short and times < MOST_ROOM:
                    self._room = max(self._room, ROOMIER * times)  # for good: the next question would fail alike
                    continue
                if self._adapt(e, sent):
                    continue
                if not e.retry or tries >= self.retries:
                    after = f" (after {tries + 1} tries)" if tries else ""
                    kind = NoAnswerError if e.this_alone else EndpointError
                    raise kind(self._clean(f"{self.model} at {self.base_url} {e}{after}")) from None
                self._wait(e, tries, progress)
                tries += 1

    def _accepted(self, options: dict[str, Any]) -> dict[str, Any]:
        """Options by the names that this server has shown to take."""
        out = {k: v for k, v in options.items() if k not in self._unknown}
        if "max_tokens" in self._unknown and "max_completion_tokens" not in self._unknown:
            out["max_completion_tokens"] = options["max_tokens"]
        return out

    def _adapt(self, failure: Failure, sent: dict[str, Any]) -> bool:
        """Learn from a refused request which option the server does not know; True where it is worth another request."""
        if failure.status not in (400, 404, 415, 422, 501):
            return False
        optional = [k for k in ("max_tokens", "max_completion_tokens", "temperature", "response_format") if k in sent]
        named = [k for k in optional if k in str(failure)]
        # "Unsupported parameter: 'max_tokens' ... use 'max_completion_tokens'" names both: the one that was sent is meant.
        guess = named or [k for k in optional if k == "response_format" and failure.status != 404]
        self._unknown |= set(guess)
        return bool(guess)

    def _once(self, body: dict[str, Any], images: int, answer_tokens: int, progress: Progress) -> str:
        """One request in a thread of its own: a server that drips bytes, or a stuck name look-up, holds nobody longer than the time-out."""
        sent = json.dumps(body, ensure_ascii=False).encode("utf8", "replace")
        reserved = self.account.reserve(self.budget, len(sent), images, answer_tokens)
        box: queue.Queue[Reply | Failure] = queue.Queue(1)
        request = self._request(json.loads(sent))
        threading.Thread(target=send, args=(request, box, self._clean), name="latentdiff-endpoint", daemon=True).start()
        deadline, reply = time.monotonic() + self.timeout, None
        try:
            while reply is None:
                progress(0.0, f"waiting for {self.model}")
                try:
                    reply = box.get(timeout=TICK)
                except queue.Empty:
                    if time.monotonic() > deadline:
                        reply = Failure(f"did not answer within {self.timeout:g} s", retry=True)
            if isinstance(reply, Failure):
                raise reply
            text = read_reply(reply, self._clean)
            if self._stands_out and self._key in text and self._key not in sent.decode("utf8"):  # a word of the question is no news
                raise Failure("repeated its key; an answer that holds it is not kept (if the key is a word that texts hold, take another)")
        except BaseException:
            request.end()  # its thread ends with the waiting
            self.account.settle(reserved, reply.usage if isinstance(reply, Reply) else None, "", failed=True)
            raise
        self.account.settle(reserved, reply.usage, text)
        return text

    def _wait(self, failure: Failure, tries: int, progress: Progress) -> None:
        asked = failure.retry_after
        if asked is not None and asked > self.longest_wait:
            raise EndpointError(self._clean(f"{self.model} at {self.base_url} {failure}; it asks to come back in {asked:.0f} s"))
        pause = self.backoff * 2**tries * (1 + self._jitter.random() / 4) if asked is None else asked
        end = time.monotonic() + min(pause, self.longest_wait)
        while (left := end - time.monotonic()) > 0:
            progress(0.0, f"{self.model} is busy, trying again in {left:.0f} s")
            time.sleep(min(TICK, left))

    def _request(self, body: dict[str, Any]) -> ChatRequest:
        """A request as it goes out: to the server that the user named, with the key of that server, and nothing of the environment's."""
        own = {"User-Agent": f"latentdiff/{__version__}", **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        return ChatRequest(self.base_url, body, own, timeout=self.timeout + 1, limit=MOST_BYTES)

    def _clean(self, text: str) -> str:
        """A server's words without the key, for errors; what only stands in for one may be said."""
        return text.replace(self._key, "[key]") if is_secret(self._key) else text


Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(items: Sequence[Item], ask: Callable[[Item, Progress], Result], threads: int, progress: Progress, label: str) -> list[Result]:
    """``[ask(item, progress) for item in items]``, so many at a time.

    Args:
        items: what is asked about.
        ask: one question; it hands the progress that it is given to the endpoint, which ends its waiting by it.
        threads: questions at the same time, >= 1.
        progress: called in the caller's thread, many times a second, with fraction 0; raise :class:`~latentdiff.errors.Cancelled` in it to
            stop.
        label: what is going on.
    """
    stop = threading.Event()

    def look(fraction: float, label: str) -> None:
        if stop.is_set():
            raise Cancelled("the questions were stopped")

    with ThreadPoolExecutor(threads, thread_name_prefix="latentdiff-questions") as pool:
        futures = [pool.submit(ask, item, look) for item in items]
        try:
            while wait(futures, TICK).not_done:
                progress(0.0, label)
        except BaseException:
            stop.set()
            raise
    return [f.result() for f in futures]
