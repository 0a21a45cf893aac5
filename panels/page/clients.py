"""What each client of the page has under way: passwords tried, uploads that are coming or lie there; its limits are no one else's."""

from __future__ import annotations

import ipaddress
import os
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

TRIES, WINDOW = 10, 60.0
"""Passwords tried within so many seconds by one client; further ones have to wait."""
MOST_CLIENTS = 10_000
"""Clients whose tries are remembered; beyond, those of the longest ago are forgotten."""
AT_ONCE = 4
"""Uploads of one client that may be coming at once: a browser sends one or two."""
OTHERS, EACH = 2, 4
"""Clients of other machines may fill the room for uploads to one part in so many, all together, and each of them."""


def client_of(scope: object) -> str:
    """Who asks: an address, of IPv6 the network that one household or machine is given, since it may take any address in it.

    Empty for this machine itself: its user, or a proxy on it.
    """
    client = scope.get("client") if isinstance(scope, dict) else None
    host = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.is_loopback:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address.ipv4_mapped or address, 32 if address.ipv4_mapped else 64), strict=False))
    return str(address)


def visitor(request: Any) -> str:
    """As :func:`client_of`, of a request as Gradio hands it over."""
    return client_of({"client": (getattr(getattr(request, "client", None), "host", None) or "", 0)})


class Tries:
    """Passwords tried, by client."""

    def __init__(self) -> None:
        self._tried: dict[str, deque[float]] = {}

    def note(self, client: str) -> None:
        """One is tried: before it is answered, since a thousand at once are a thousand tries."""
        tried = self._tried.pop(client, None) or deque(maxlen=TRIES)
        tried.append(time.monotonic())
        self._tried[client] = tried  # the latest last
        while len(self._tried) > MOST_CLIENTS:
            self._tried.pop(next(iter(self._tried)))

    def right(self, client: str) -> None:
        """The last one was the right one."""
        tried = self._tried.get(client)
        if tried:
            tried.pop()

    def throttled(self, client: str) -> bool:
        """Whether a client has to wait."""
        tried = self._tried.get(client)
        return tried is not None and len(tried) == TRIES and time.monotonic() - tried[0] < WINDOW


class Uploads:
    """Uploads that are coming, and those that lie there, by client."""

    def __init__(self) -> None:
        self._coming: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._lying: dict[Path, str] = {}

    @property
    def coming(self) -> tuple[int, int]:
        """Bytes and number of those of everybody that are coming."""
        return self._bytes.total(), self._coming.total()

    def begin(self, client: str, size: int) -> None:
        """One comes."""
        self._coming[client] += 1
        self._bytes[client] += size

    def end(self, client: str, size: int) -> None:
        """It is there, or was broken off."""
        self._coming[client] -= 1
        self._bytes[client] -= size
        if not self._coming[client]:
            del self._coming[client], self._bytes[client]

    def lies(self, client: str, path: str) -> None:
        """One lies there now, for as long as its tab keeps it; this machine's own user has no share, and is not counted."""
        if client:
            self._lying[Path(path)] = client

    def refusal(self, client: str, size: int, room: int, most: int) -> tuple[int, str] | None:
        """(status, reason) where a client of another machine has more than its share under way, or all of them have.

        Args:
            client: who.
            size: bytes of what it would send.
            room, most: bytes and files that may lie there, of all clients.
        """
        if not client:
            return None
        if self._coming[client] >= AT_ONCE:
            return 429, "Other uploads of yours are still coming. Wait for them."
        bytes_, files = +self._bytes, +self._coming
        for path, owner in list(self._lying.items()):
            try:
                bytes_[owner] += os.stat(path).st_size
                files[owner] += 1
            except OSError:
                del self._lying[path]
        del bytes_[""], files[""]
        much = max((bytes_[client] + size) * EACH, (bytes_.total() + size) * OTHERS) > room
        if much or max(files[client] * EACH, files.total() * OTHERS) >= most:
            return 507, "There is no room for more uploads of yours. Close other tabs of this page, or try again later."
        return None
