"""Python runs this at the start of every process that the tests start (its folder is on PYTHONPATH): nothing leaves the machine there.

What was refused is noted in the file that LATENTDIFF_CONTACTED names, since the process that started it may never see the error.
"""

from __future__ import annotations

import os
import sys


def _is_local(host: object) -> bool:
    import ipaddress
    import socket

    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    if text in ("", "localhost", "testserver", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    try:  # one of this machine's own addresses: Ray's processes talk to one another over it
        with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))
        return True
    except OSError:
        return False


def _refuse(event: str, arguments: tuple) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _is_local(host):
        with open(os.environ["LATENTDIFF_CONTACTED"], "a", encoding="utf8") as log:
            log.write(f"{event} {host!r} in {' '.join(sys.orig_argv)[:300]}\n")
        raise OSError(f"tests stay on this machine: {event} to {host!r} was refused")


if os.environ.get("LATENTDIFF_CONTACTED"):
    sys.addaudithook(_refuse)
