"""One folder and one stop signal per open tab of the Gradio page; both go when the tab does."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from latentdiff.errors import InputError

IDLE = 6 * 3600.0
"""Seconds after which a tab that was never heard of again is taken for closed."""
MOST_TABS, MOST_EACH = 1000, 100
"""Tabs that may be open at once, of all and of one client: each has a folder. Whoever sits at the machine itself is never kept out."""
UNCLAIMED = 3600.0
"""Seconds after which a file that was sent, and that no tab ever named as its own, is removed."""
EMPTY = 120.0
"""The same of an empty one: Gradio makes one each time that it hands over an upload. One that is still coming is not empty for so long."""


@dataclass(eq=False)
class Session:
    """What one tab owns."""

    folder: Path
    """Under an unguessable name: what is in it can be fetched by whoever knows its path."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to stop the work that runs for it."""
    working: threading.Lock = field(default_factory=threading.Lock)
    """Held while a comparison runs."""
    uploads: set[Path] = field(default_factory=set)
    """Files that it has sent."""
    client: str = ""
    """Whose it is."""
    seen: float = field(default_factory=time.monotonic)

    def fresh(self) -> Path:
        """A new, empty folder inside, in place of those of earlier comparisons."""
        self.clear()
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def clear(self) -> None:
        """Remove what earlier comparisons left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)


class Sessions:
    """All open tabs, by Gradio's session hash.

    Args:
        root: folder of the server's own, in which sessions get theirs.
        uploads: folder in which what was sent lies until a tab claims it; None: there is none.
        gone: told the name of each tab that has ended, once its work has too.
    """

    def __init__(self, root: Path, uploads: Path | None = None, gone: Callable[[str], None] = lambda name: None) -> None:
        self.root = root
        self.gone = gone
        self.uploads = uploads
        self._open: dict[str, Session] = {}
        self._ending: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, name: str | None, client: str = "") -> Session:
        """The session of a tab, opened where it is new; closes those that were left behind.

        Args:
            name: the tab's.
            client: who opened it; empty for this machine's own user.

        Raises:
            InputError: too many are open.
        """
        key = name or ""
        now = time.monotonic()
        with self._lock:
            idle = [k for k, s in self._open.items() if now - s.seen > IDLE and k != key and not s.working.locked()]
            session = self._open.get(key)
            if session is None:
                own = sum(s.client == client for k, s in self._open.items() if k not in idle)
                others = sum(bool(s.client) for k, s in self._open.items() if k not in idle)
                if own >= (MOST_EACH if client else MOST_TABS) or (client and others >= MOST_TABS):
                    raise InputError("too many tabs of this page are open; close some")
                session = self._open[key] = Session(self.root / secrets.token_urlsafe(16), client=client)
                session.folder.mkdir(parents=True, mode=0o700)
            session.seen = now
        for k in idle:
            self.end(k)
        self._sweep()
        return session

    def claim(self, session: Session, path: str | Path) -> None:
        """Note that an uploaded file is a tab's own, to be removed with it.

        Two tabs that send the same file share it: Gradio stores it once, under a secret digest of what is in it.

        Raises:
            InputError: it was not uploaded: a client that is no browser may name any file.
        """
        path = Path(path)
        if self.uploads is not None and not path.resolve().is_relative_to(self.uploads.resolve()):
            raise InputError("this file was not uploaded here; choose it again")
        with self._lock:
            session.uploads.add(path)

    def forget(self, session: Session, path: str | Path) -> None:
        """Let a tab's uploaded file go; it is removed unless another tab has sent the same."""
        path = Path(path)
        with self._lock:
            session.uploads.discard(path)
            if not any(path in other.uploads for other in self._open.values()):
                path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove uploads that nobody claimed: of clients that broke off, or that are no browser."""
        if self.uploads is None:
            return
        with self._lock:
            owned = {path for session in self._open.values() for path in session.uploads}
        for path in self.uploads.rglob("*"):
            with contextlib.suppress(OSError):
                if path in owned or not path.is_file():
                    continue
                found = path.stat()
                if time.time() - found.st_mtime > (UNCLAIMED if found.st_size else EMPTY):
                    path.unlink()

    def end(self, name: str | None) -> None:
        """Stop the work of a tab and remove all that it owns; the folder goes once the work has let go of it."""
        with self._lock:
            session = self._open.pop(name or "", None)
        if session is not None:
            session.stop.set()
        ending = threading.Thread(target=self._end, args=(name or "", session), name="latentdiff-session-end", daemon=True)
        ending.start()
        with self._lock:
            self._ending = [*(thread for thread in self._ending if thread.is_alive()), ending]

    def close(self) -> None:
        """End all, and wait for those that are ending."""
        with self._lock:
            sessions, ending = list(self._open.values()), self._ending
            self._open.clear()
        for session in sessions:
            session.stop.set()
        for session in sessions:
            self._remove(session)
        for thread in ending:
            thread.join()

    def _end(self, name: str, session: Session | None) -> None:
        if session is not None:
            self._remove(session)
        self.gone(name)

    def _remove(self, session: Session) -> None:
        with session.working:  # a comparison that was told to stop does so at its next report of progress
            for upload in list(session.uploads):
                self.forget(session, upload)
            shutil.rmtree(session.folder, ignore_errors=True)
