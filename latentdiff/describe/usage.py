"""What a server may cost, what it was sent, and which key it is given."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import Any

from ..errors import EndpointError, InputError

BYTES_PER_TOKEN = 4
"""Of English text; where a server does not say how many tokens it counted."""
IMAGE_TOKENS = 800
"""Of one image of about 512 pixels a side, as hosted servers count them."""


@dataclass(frozen=True)
class Budget:
    """The most that one endpoint may be asked; work stops with an :class:`~latentdiff.errors.EndpointError` before it is exceeded."""

    calls: int = 500
    """Requests, repeated ones included."""
    tokens: int = 1_000_000
    """Tokens of prompts and answers together."""

    def __post_init__(self) -> None:
        if min(self.calls, self.tokens) < 0:
            raise InputError(f"a budget has no negative parts: calls={self.calls}, tokens={self.tokens}")


@dataclass
class Account:
    """What an endpoint was sent so far, failed requests included."""

    calls: int = 0
    failed_calls: int = 0
    images: int = 0
    """Images sent."""
    bytes_sent: int = 0
    """Of request bodies."""
    prompt_tokens: int = 0
    """As the server counts them; estimated where it does not say."""
    completion_tokens: int = 0
    estimated: bool = False
    """True where any of the tokens are an estimate."""
    _lock: Any = dataclasses.field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def tokens(self) -> int:
        """Of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens

    def reserve(self, budget: Budget, size: int, images: int, answer_tokens: int) -> int:
        """Enter a request before it is sent.

        Returns:
            The estimated tokens of its prompt, which :meth:`settle` replaces.

        Raises:
            EndpointError: it would exceed the budget.
        """
        prompt = (size // BYTES_PER_TOKEN if not images else 500) + IMAGE_TOKENS * images
        with self._lock:
            if self.calls + 1 > budget.calls:
                raise EndpointError(f"the budget of {budget.calls} calls is spent; raise it, or ask for fewer rounds or images")
            if self.tokens + prompt + answer_tokens > budget.tokens:
                raise EndpointError(
                    f"the budget of {budget.tokens} tokens is spent ({self.tokens} used, about {prompt + answer_tokens} needed); raise it"
                )
            self.calls += 1
            self.images += images
            self.bytes_sent += size
            self.prompt_tokens += prompt
        return prompt

    def settle(self, reserved: int, usage: Any, answer: str, failed: bool = False) -> None:
        """Replace the estimate of a request's prompt by what the server counted."""
        counted = [_count(usage, key) for key in ("prompt_tokens", "completion_tokens")]
        with self._lock:
            self.failed_calls += failed
            self.estimated |= None in counted
            self.prompt_tokens += (reserved if counted[0] is None else counted[0]) - reserved
            self.completion_tokens += len(answer.encode()) // BYTES_PER_TOKEN if counted[1] is None else counted[1]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if not f.name.startswith("_")}

    def __str__(self) -> str:
        about = "about " if self.estimated else ""
        images = f", {self.images} images" if self.images else ""
        return f"{self.calls} calls ({self.failed_calls} failed), {about}{self.tokens:,} tokens, {self.bytes_sent:,} bytes{images}"


def accounts_of(*parts: Any) -> dict[str, dict[str, Any]]:
    """What each server was sent so far by captioners, language models, proposers and rankers; by its address, empty where nothing was.

    Args:
        parts: whatever may have an ``endpoint``, itself or as its ``captioner`` or ``language``.
    """
    inner = [getattr(part, name, None) for part in parts for name in ("captioner", "language")]
    endpoints = [e for e in (getattr(part, "endpoint", None) for part in (*parts, *inner)) if e is not None]
    out: dict[str, dict[str, Any]] = {}
    for account, url in {id(e.account): (e.account, e.base_url) for e in endpoints}.values():
        before, now = out.get(url), account.to_dict()
        out[url] = now if before is None else {k: before[k] or v if isinstance(v, bool) else before[k] + v for k, v in now.items()}
    return out


def _count(usage: Any, key: str) -> int | None:
    value = usage.get(key) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else None
