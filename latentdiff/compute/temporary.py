"""Temporary folders that belong to a living process: whatever ends it, the next one that needs such a folder removes those left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

PREFIX = "latentdiff-"
OWNER = ".owner"
"""Locked for as long as the process lives that made the folder: the kernel lets go of it however that ends."""

_held: dict[Path, int] = {}
_lock = threading.Lock()


def make_folder(kind: str = "") -> Path:
    """A new, empty folder that only this user can read; first those are removed whose owner is dead.

    Args:
        kind: part of its name, such as ``"ui-"``.

    Returns:
        The folder; :func:`remove_folder` removes it. A process that is forked from this one owns it too.
    """
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX + kind))
    coming = folder / f"{OWNER}-coming"
    held = os.open(coming, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    if _locked(held):
        coming.rename(folder / OWNER)  # under its name only once it is locked: nobody ever sees one that looks abandoned
        with _lock:
            _held[folder] = held
    else:  # a file system without locks: the folder is never swept
        os.close(held)
        coming.unlink()
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder of :func:`make_folder` with all that is in it; twice is harmless."""
    shutil.rmtree(folder, ignore_errors=True)
    with _lock:
        held = _held.pop(folder, None)
    if held is not None:
        os.close(held)


def remove_all() -> None:
    """Remove every folder that this process holds, where it ends at once."""
    for folder in list(_held):
        remove_folder(folder)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder as of :func:`make_folder` for as long as the block runs."""
    folder = make_folder()
    try:
        yield folder
    finally:
        remove_folder(folder)


def sweep() -> list[Path]:
    """Remove this user's folders whose owner is dead; others, and those that nobody locked, stay.

    Returns:
        What was removed.
    """
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            held = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _locked(held):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed.append(folder)
            finally:
                os.close(held)
    return removed


def _locked(file: int) -> bool:
    """Whether a file could be locked at once."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
