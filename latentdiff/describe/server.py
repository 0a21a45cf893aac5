"""Which server, whose key, and by which way: the address is checked, and a key goes to the address that it is bound to alone."""

from __future__ import annotations

import os
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..embed.words import load_words
from ..errors import InputError
from .machine import is_this_machine

KEY, ADDRESS = "LATENTDIFF_API_KEY", "LATENTDIFF_BASE_URL"
"""The key, and the one address that it is sent to."""
OPENAI_KEY, OPENAI_ADDRESS = "OPENAI_API_KEY", "OPENAI_BASE_URL"
PLACEHOLDERS = frozenset({"sk-no-key-required", "no-key-required", "token-abc123", "lm-studio", "not-needed", "sk-dummy", "sk-1234"})
"""What the manuals of local servers have people write where a key is asked for; shorter ones are told by their length."""
FEW, WORD = 4, 7
"""Most characters of a key that is none: of any, and of one that is letters alone."""
PORTS = {"http": 80, "https": 443}


def checked_url(base_url: str) -> str:
    """The address of a server, without a trailing slash.

    Raises:
        InputError: no http(s) address, or one with a password, query or key in it: addresses are shown and stored.
    """
    try:
        parts = urlsplit(str(base_url).strip())
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0  # asking for the port checks it
    except ValueError:
        usable = False
    if not usable:
        raise InputError("the server's address must look like http://localhost:8000/v1 or https://api.openai.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(f"the server's address must hold no user, password or ?key=...: it is shown and stored. Set {KEY}")
    return parts.geturl().rstrip("/")


def find_key(base_url: str) -> str | None:
    """The key of a server from the environment.

    Returns:
        ``$LATENTDIFF_API_KEY`` for the address in ``$LATENTDIFF_BASE_URL``; ``$OPENAI_API_KEY`` for OpenAI's own address or the one in
        ``$OPENAI_BASE_URL``; else None, since a key is not to be shown to another server.
    """
    return os.environ.get(key_name(base_url) or "") or None


def key_name(base_url: str) -> str | None:
    """Name of the environment's variable whose key goes to an address; None where none does."""
    if os.environ.get(KEY) and same_address(base_url, os.environ.get(ADDRESS, "")):
        return KEY
    theirs = is_openai(base_url) or same_address(base_url, os.environ.get(OPENAI_ADDRESS, ""))
    return OPENAI_KEY if theirs and os.environ.get(OPENAI_KEY) else None


def check_key(base_url: str, key: str | None) -> str | None:
    """A key that may be sent to an address, without the white space round it.

    Raises:
        InputError: it cannot stand in a request, or it is a real secret and would be sent readable for everybody on the way.
    """
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"the server's key holds characters that no key has; look at {KEY}")
    if is_secret(key) and urlsplit(base_url).scheme != "https" and not is_local(base_url):
        raise InputError(f"a key is not sent to {base_url} over plain http, where others can read it: use https, or a tunnel to localhost")
    return key or None


def is_secret(key: str | None) -> bool:
    """Whether a key is one: local servers ask for any word at all ("x", "none", "test"), which answers may well contain."""
    if not key or len(key) <= FEW or key.lower() in PLACEHOLDERS:
        return False
    return len(key) > WORD or not key.isalpha()


def stands_out(key: str | None) -> bool:
    """Whether an answer that holds a key repeats it: a common English word, one of the shipped list, may stand there by itself."""
    return is_secret(key) and not (key and key.isalpha() and key in load_words())


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own."""
    host = urlsplit(base_url).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")


def is_local(base_url: str) -> bool:
    """Whether an address is this machine's own: nothing that is sent there leaves it."""
    return is_this_machine(urlsplit(base_url).hostname or "")


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are of one server and one path below it."""
    return bool(one and other) and _parts(one) == _parts(other)


def proxy_of(base_url: str) -> SplitResult | None:
    """The proxy, from the environment, that a server is reached through; None: straight.

    This machine is never reached through a proxy. Neither is plain http: a proxy could read what is sent. Through https it only hands on.

    Raises:
        InputError: a proxy of a kind that is not known here, or whose address is none.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "https" or is_local(base_url):
        return None
    known = getproxies()
    named = known.get("https") or known.get("all")
    if not named or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    try:
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        usable = proxy.scheme == "http" and bool(proxy.hostname) and proxy.port != 0  # asking for the port checks it
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            "the proxy of the environment (HTTPS_PROXY, ALL_PROXY) is no address such as http://example.com:8080; "
            "set NO_PROXY to go round it"
        )
    return proxy


def goes_with(base_url: str | None, key: str | None = None) -> list[str]:
    """What is sent along, and by which way, in words to be shown before: nothing where neither key nor proxy has a part in it.

    Args:
        base_url: the server's address; None: there is none.
        key: one that was given; None: that of the environment.
    """
    if not base_url:
        return []
    name = "given" if key else key_name(base_url) if key is None else None
    proxy = proxy_of(base_url)
    said = [f"the key {name} goes to {base_url} with it" if name != "given" else f"the key that was given goes to {base_url} with it"]
    way = [f"{base_url} is reached through the proxy {proxy.hostname}:{proxy.port or PORTS['http']}"] if proxy else []
    return said * (name is not None) + way


def _parts(url: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme), parts.path.rstrip("/")
    except ValueError:
        return None
