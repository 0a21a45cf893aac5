"""Who is at work on a stored comparison, and whether they still live: a dead writer's rest can be cleared up, a live one's must not be."""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_working: set[str] = set()
"""Tokens of what this process is doing now."""


@contextlib.contextmanager
def working() -> Iterator[dict[str, Any]]:
    """What to record as the writer of a change; it counts as alive while the block runs and its process lives."""
    token = uuid.uuid4().hex
    _working.add(token)
    try:
        yield {**_machine(), "pid": os.getpid(), "started": _started(os.getpid()), "token": token}
    finally:
        _working.discard(token)


def gone(writer: Any) -> bool:
    """Whether a recorded writer is surely dead.

    No clock is asked, since clocks are set back. Of another machine, or another container's processes, nothing is known: not gone.
    """
    here = _machine()
    if not isinstance(writer, dict) or writer.get("host") != here["host"]:
        return False
    return writer.get("boot") != here["boot"] or (_seen(writer) and not alive(writer))


def alive(writer: Any) -> bool:
    """Whether a recorded writer surely lives: a process that is seen here, this one only while it is at that very work."""
    if not _seen(writer):
        return False
    if writer["pid"] == os.getpid() and writer.get("started") == _started(os.getpid()):
        return writer.get("token") in _working
    return _started(writer["pid"]) == writer.get("started")


def _seen(writer: Any) -> bool:
    """Whether a recorded writer's process would be seen from here, if it lived."""
    return isinstance(writer, dict) and all(writer.get(k) == v for k, v in _machine().items()) and isinstance(writer.get("pid"), int)


def _machine() -> dict[str, str]:
    """This machine, its present boot, and which processes are seen (a container sees its own)."""
    boot = processes = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        processes = os.readlink("/proc/self/ns/pid")
    return {"host": platform.node(), "boot": boot, "processes": processes}


def _started(pid: int) -> str:
    """When a process was started, which tells it from a later one of the same number; empty where there is none."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _started_elsewhere(pid)
    return "" if state in "ZX" else rest[18]  # ticks since boot, whatever the clock says


def _started_elsewhere(pid: int) -> str:
    """As :func:`_started`, where there is no /proc."""
    import psutil

    if Path("/proc/self/stat").exists():
        return ""
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""
