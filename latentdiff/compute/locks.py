"""A lock between processes, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock for as long as the block runs; where files cannot be locked, one process at a time is the caller's business.

    Args:
        path: its file, made if missing, in a folder that is there; it stays.
        wait: for another process that holds it.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is false.
        OSError: the file cannot be made.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(path, "a", encoding="utf8") as file:  # what somebody has there stays
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError:  # some file systems of clusters have no locks
            pass
        yield
