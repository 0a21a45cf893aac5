"""Who is at work on a stored comparison, and whether they still live: a dead writer's rest can be cleared up, a live one's must not be.

A writer holds a lease on its record and renews it, by the database's clock, for as long as it works: what machine, container or clock
it has makes no difference. Where a process can be looked at for certain (the same boot, the same view of processes), that counts before.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import database

LEASE = 60.0
"""Seconds for which a writer is taken for alive after it was last heard of."""
RENEWED = 10.0
"""Seconds between two renewals: several may be lost."""

_working: set[str] = set()
"""Tokens of what this process is doing now."""


@contextlib.contextmanager
def working() -> Iterator[dict[str, Any]]:
    """What to record as the writer of a change; it counts as alive while the block runs and its process lives."""
    token, done = uuid.uuid4().hex, threading.Event()
    _working.add(token)
    renewing = threading.Thread(target=_renew, args=(token, done), name="latentdiff-lease", daemon=True)
    renewing.start()
    try:
        yield {**_machine(), "pid": os.getpid(), "started": _started(os.getpid()), "token": token}
    finally:
        done.set()
        _working.discard(token)
        renewing.join(1.0)  # it ends by itself; a database that does not answer is not waited for


def gone(writer: Any, lease: Any) -> bool:
    """Whether a recorded writer is dead: its process is seen to be, or its lease has run out.

    Args:
        writer: as recorded.
        lease: :func:`expired` of its record, asked only where it is not certain; a writer of an earlier version has none, and is never
            taken for dead by it.
    """
    seen = _look(writer)
    return isinstance(writer, dict) and (not seen if seen is not None else bool(lease()))


def alive(writer: Any, lease: Any) -> bool:
    """Whether a recorded writer lives: its process is seen to, or its lease runs. Of one that left neither, nothing is known: False.

    Args:
        writer, lease: as :func:`gone`.
    """
    seen = _look(writer)
    return isinstance(writer, dict) and (seen if seen is not None else lease() is False)


def expired(record: Any, held: Any) -> bool | None:
    """Whether a record's lease has run out by the database's clock; None where it bears none."""
    if held is None:
        return None
    over = {"$expr": {"$lt": ["$config.lease", {"$subtract": ["$$NOW", LEASE * 1000]}]}}
    return database.journaled("runs").count_documents({"_id": record, "config.lease": held, **over}) > 0


def _renew(token: str, done: threading.Event) -> None:
    """Until ``done``. A database that does not answer now is asked again: whoever takes the record meanwhile is noticed by its writer."""
    from pymongo.errors import PyMongoError

    while not done.wait(RENEWED):
        with contextlib.suppress(PyMongoError):
            database.journaled("runs").update_many({"config.writer.token": token}, [{"$set": {"config.lease": "$$NOW"}}])


def _look(writer: Any) -> bool | None:
    """Whether a recorded writer's process lives, where that is certain; else None.

    One boot of one machine has an id that no other has, and within it a view of processes, too. What such a process is cannot be mistaken,
    but /proc may hide it: then nothing is said of it.
    """
    here = _machine()
    if not isinstance(writer, dict) or not (here["boot"] and here["processes"]):
        return None
    if any(writer.get(k) != v for k, v in here.items()) or not isinstance(writer.get("pid"), int):
        return None
    pid = writer["pid"]
    if pid == os.getpid():
        return writer.get("started") == _started(pid) and writer.get("token") in _working
    started = _started(pid)
    if started is not None:
        return bool(started) and started == writer.get("started")
    return None if _exists(pid) else False


def _exists(pid: int) -> bool:
    """Whether there is such a process, visible in /proc or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _machine() -> dict[str, str]:
    """This machine, its present boot, and which processes are seen (a container sees its own)."""
    boot = processes = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        processes = os.readlink("/proc/self/ns/pid")
    return {"host": platform.node(), "boot": boot, "processes": processes}


def _started(pid: int) -> str | None:
    """When a process was started, which tells it from a later one of the same number; empty for one that has ended, None unseen."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return "" if state in "ZX" else rest[18]  # ticks since boot, whatever the clock says
