"""The user's cache folder: small facts and text vectors that are dear to compute and safe to lose."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """Where LatentDiff keeps what it can compute again.

    Returns:
        ``$LATENTDIFF_CACHE`` where set, else the platform's cache folder + ``latentdiff``. Not created here.
    """
    own = os.environ.get("LATENTDIFF_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "latentdiff" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "latentdiff"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentdiff"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, never a part (temporary file, fsync, rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def recall(kind: str, key: str) -> dict[str, Any] | None:
    """A remembered JSON fact, or None where there is none or it cannot be read."""
    try:
        fact = json.loads((cache_folder() / kind / f"{key}.json").read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        return None
    return fact if isinstance(fact, dict) else None


def remember(kind: str, key: str, fact: dict[str, Any]) -> None:
    """Keep a JSON fact; a cache folder that cannot be written only means that it is computed again."""
    with contextlib.suppress(OSError):
        write_atomic(cache_folder() / kind / f"{key}.json", json.dumps(fact, indent=1).encode())
