"""Which server, and whose key: the address is checked, the key is found in the environment."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from ..errors import InputError


def checked_url(base_url: str) -> str:
    """The address of a server, without a trailing slash.

    Raises:
        InputError: no http(s) address, or one with a password, query or key in it: addresses are shown and stored.
    """
    parts = urlsplit(str(base_url).strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("the server's address must look like http://localhost:8000/v1 or https://api.openai.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError("the server's address must hold no user, password or ?key=...: it is shown and stored. Set LATENTDIFF_API_KEY")
    return parts.geturl().rstrip("/")


def find_key(base_url: str) -> str | None:
    """The key of a server from the environment.

    Returns:
        ``$LATENTDIFF_API_KEY``; else ``$OPENAI_API_KEY``, but only for OpenAI's own address or the one in ``$OPENAI_BASE_URL``, since a
        key is not to be shown to another server; else None.
    """
    own = os.environ.get("LATENTDIFF_API_KEY")
    if own:
        return own
    named = os.environ.get("OPENAI_BASE_URL", "").rstrip("/")
    theirs = is_openai(base_url) or (named and named == base_url.rstrip("/"))
    return os.environ.get("OPENAI_API_KEY") or None if theirs else None


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own."""
    host = urlsplit(base_url).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")
