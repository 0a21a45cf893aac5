"""The user's cache folder: small facts and text vectors that are dear to compute and safe to lose."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CAPTIONS, JUDGEMENTS = "captions", "judgements"
"""Kinds of facts that are texts about images, or made of such: what models wrote of pictures, what they thought of findings."""
DIGEST = 16
"""Bytes of the digest behind a kept array."""


def cache_folder() -> Path:
    """Where LatentDiff keeps what it can compute again.

    Returns:
        ``$LATENTDIFF_CACHE`` where set, else the platform's cache folder + ``latentdiff``. Not created here.

    Raises:
        OSError: none is set, and this user has no home: the callers do without a cache, as where it cannot be written.
    """
    try:
        return _cache_folder()
    except RuntimeError as e:  # of pathlib, where there is neither $HOME nor an entry for the user
        raise FileNotFoundError(errno.ENOENT, "there is no home folder for a cache; set LATENTDIFF_CACHE to a folder", "~") from e


def _cache_folder() -> Path:
    own = os.environ.get("LATENTDIFF_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "latentdiff" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "latentdiff"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentdiff"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, never a part (temporary file, fsync, rename).

    Raises:
        OSError: with the path, where it cannot be written; what was there is as it was.
    """
    write_together({path: data})


def write_together(files: dict[Path, bytes]) -> None:
    """Write files that belong together; the last one says that they are there.

    All are on the disk before the first takes its place, so that a full disk changes nothing, and an earlier last one goes before and
    comes after the others: a reader never finds new files beside old ones.

    Raises:
        OSError: with the path, where one cannot be written; what was there is as it was.
    """
    *_, last = files
    ready: dict[Path, str] = {}
    try:
        for path, data in files.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                ready[path] = str(path.parent / f".tmp-{secrets.token_hex(8)}")
                with open(ready[path], "xb") as f:  # by the umask, as any file: mkstemp would keep colleagues and containers out
                    f.write(data)
                    f.flush()
                    os.fsync(f.fileno())
            except OSError as e:  # a full disk does not say which file by itself
                raise OSError(e.errno, f"cannot be written ({e.strerror})", str(path)) from e
        if len(files) > 1:
            last.unlink(missing_ok=True)
        for path, temporary in ready.items():
            os.replace(temporary, path)
    except BaseException:
        for temporary in ready.values():
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


def forget(kind: str) -> int:
    """Delete all facts of a kind; how many there were."""
    count = 0
    with contextlib.suppress(OSError):
        for path in (cache_folder() / kind).glob("*.json"):
            path.unlink(missing_ok=True)
            count += 1
    return count


def kept_array(make: Callable[[], np.ndarray], like: np.ndarray, *names: str) -> np.ndarray:
    """(n, d) float32 that is dear to make, or what an earlier call made.

    Args:
        make: computes it.
        like: an array that changes when the result would.
        names: texts that change when the result would.
    """
    try:
        return read_array(cache_folder() / "arrays" / f"{array_digest(like, *names)}.npy")
    except (OSError, ValueError, EOFError):  # no cache, not there yet, or damaged
        made = np.asarray(make(), np.float32)
    with contextlib.suppress(OSError):
        write_array(cache_folder() / "arrays" / f"{array_digest(like, *names)}.npy", made)
    return made


def write_array(path: Path, values: np.ndarray) -> None:
    """Keep an array for :func:`read_array`: an ``.npy`` file with a digest behind it.

    Raises:
        OSError: it cannot be written.
    """
    data = npy_bytes(values)
    write_atomic(path, data + _digest(data))


def npy_bytes(values: np.ndarray) -> bytes:
    """An array as an ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def read_array(path: Path) -> np.ndarray:
    """What :func:`write_array` kept.

    Raises:
        OSError, ValueError: there is none, or one bit of it is another.
    """
    data = path.read_bytes()
    data, digest = data[:-DIGEST], data[-DIGEST:]
    if digest != _digest(data):
        raise ValueError(f"{path} is damaged")
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def array_digest(x: np.ndarray, *extra: str) -> str:
    """32 hex digits of an array's shape, type and bytes (of large ones: of 4,096 rows spread over them) and of further text."""
    digest = hashlib.blake2b(repr((x.shape, str(x.dtype), extra)).encode(), digest_size=16)
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), 4096)).astype(int))
    digest.update(np.ascontiguousarray(x[rows]).tobytes())
    return digest.hexdigest()
