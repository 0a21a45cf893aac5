"""Which hosts are this machine itself, by name or address: what is sent there does not leave it."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from pathlib import Path

HOSTS = Path("/etc/hosts")
"""Names that the machine's owner gave to addresses."""
PATIENCE = 1.0
"""Seconds that a look-up may take of a name that may be this machine's; one that is not answered by then is another's."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOBODYS: dict[int, Address] = {4: ipaddress.ip_address("240.0.0.1"), 6: ipaddress.ip_address("100::1")}
"""Addresses that no interface has."""


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine: loopback, an address of its interfaces, or a name that leads to such addresses alone.

    Only names are looked up that may be its own, the host name and those in ``/etc/hosts``: to ask for others would tell a name server
    about them, and would wait for it.

    Args:
        host: a name or an address, as it stands in an address of the web, without brackets.
    """
    host = host.removesuffix(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is not None:
        return _is_own(address)
    found = _looked_up(host) if _may_be_own(host) else []
    return bool(found) and all(_is_own(one) for one in found)


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.ip_address(socket.inet_aton(host))  # short forms: "127.1"
        except (OSError, UnicodeError, ValueError):
            return None


def _is_own(address: Address) -> bool:
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return True
    # Where any address can be bound (Linux's ip_nonlocal_bind), binding one tells nothing.
    return not address.is_multicast and _binds(address) and not _binds(NOBODYS[address.version])


def _binds(address: Address) -> bool:
    """Whether a socket may stand at an address; nothing is sent."""
    try:
        if isinstance(address, ipaddress.IPv4Address):
            with socket.socket(socket.AF_INET) as probe:
                probe.bind((str(address), 0))
        else:
            host, _, link = str(address).partition("%")
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind((host, 0, 0, socket.if_nametoindex(link) if link else 0))
    except OSError:
        return False
    return True


def _may_be_own(name: str) -> bool:
    """Whether a name is the host name, with any domain, or one that the machine's owner wrote down."""
    if name.partition(".")[0] == socket.gethostname().partition(".")[0].lower():
        return True
    try:
        listed = HOSTS.read_text(encoding="utf8", errors="replace").lower()
    except OSError:
        return False
    return name in listed and any(name in line.partition("#")[0].split()[1:] for line in listed.splitlines())


def _looked_up(name: str) -> list[Address]:
    """Where a name leads; nothing where it leads nowhere, or nobody says so in time."""
    box: queue.Queue[list[Address]] = queue.Queue(1)

    def ask() -> None:
        try:
            box.put([ipaddress.ip_address(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError, ValueError):
            box.put([])

    threading.Thread(target=ask, name="latentdiff-look-up", daemon=True).start()
    try:
        return box.get(timeout=PATIENCE)
    except queue.Empty:
        return []
