"""SAEs that comparisons trained and keep: folders of the user's cache, listed, loaded and dropped by key, of limited size altogether."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import cache_folder, npy_bytes, write_atomic
from ..compute.files import read_json
from ..errors import CheckpointError, InputError
from .model import SparseAutoencoder

PREFIX = "kept:"
"""Starts the name by which ``load_sae`` knows a kept SAE."""
MOST_BYTES = 1 << 30
"""Of all kept SAEs together; those that were used longest ago are dropped first."""
SEEN = "seen.npy"
"""File of the vectors that an SAE of an encoder was trained on, or is to be when it is renewed."""
KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class KeptSae:
    """An SAE that the cache keeps, as :func:`kept_saes` lists it."""

    key: str
    """32 hex digits; ``load_sae("kept:" + key)`` loads it, the first digits do where they are no other's."""
    name: str
    """Whose vectors it is of: a dataset's field, an encoder, or two sets of vectors."""
    version: int
    """How often it was trained: 1, and one more each time that it was renewed."""
    concepts: int
    width: int
    vectors: int
    """Vectors that it was trained on."""
    explained: float
    """Share of their variance that it explains, of held-out ones where there were enough."""
    bytes: int
    """On disk."""
    used: float
    """When it was last used, in seconds since 1970."""
    folder: Path
    why: str = ""
    """Why it was trained last: "new", "grown", "unfit" or "one-sided"; "" of two sets of vectors."""

    def drop(self) -> None:
        """Delete it; the next comparison that wants it trains it anew."""
        shutil.rmtree(self.folder, ignore_errors=True)


def kept_saes() -> list[KeptSae]:
    """SAEs in the cache, the one that was used last first.

    Example:
        >>> sae = latentdiff.kept_saes()[0]
        >>> sae.name, sae.concepts
        ("field 'clip' of dataset 'street'", 2048)
    """
    try:
        folders = [path for path in kept_folder().iterdir() if KEY.fullmatch(path.name)]
    except OSError:
        return []
    found = [known for known in map(_read, folders) if known is not None]
    return sorted(found, key=lambda sae: (-sae.used, sae.key))


def find_kept(key: str) -> KeptSae:
    """The kept SAE whose key starts so.

    Raises:
        InputError: none or several do.
    """
    digits = key.removeprefix(PREFIX)
    found = [sae for sae in kept_saes() if digits and sae.key.startswith(digits)]
    if len(found) != 1:
        what = f"{len(found)} kept SAEs have keys that start" if found else "no kept SAE has a key that starts"
        raise InputError(f"{what} with {digits!r}; `latentdiff saes` lists those that there are")
    return found[0]


def kept_folder() -> Path:
    """Where they lie; not made here.

    Raises:
        OSError: this user has no cache.
    """
    return cache_folder() / "saes"


def recall_seen(key: str, width: int) -> np.ndarray:
    """(m, width) float32 vectors that lie beside a kept SAE; none where they are not there or cannot be read."""
    try:
        seen = np.load(kept_folder() / key / SEEN, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        seen = np.empty((0, width), np.float32)
    fits = seen.dtype == np.float32 and seen.ndim == 2 and seen.shape[1] == width and np.isfinite(seen).all()
    return seen if fits else np.empty((0, width), np.float32)


def keep_sae(key: str, sae: SparseAutoencoder, seen: np.ndarray | None = None) -> None:
    """Put an SAE into the cache, in place of the one that was there, and drop others where the cache grows too large.

    A cache that cannot be written only means that it is trained again.

    Args:
        key: 32 hex digits.
        sae: ``info["kept"]`` says whose vectors it is of, and its version.
        seen: (m, d) float32 vectors that are to lie beside it.
    """
    with contextlib.suppress(OSError):
        folder = kept_folder() / key
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tmp-", ignore_cleanup_errors=True) as temporary:
            made, before = Path(temporary, "new"), Path(temporary, "old")
            sae.save(made)
            if seen is not None:
                write_atomic(made / SEEN, npy_bytes(seen))
            with contextlib.suppress(FileNotFoundError):
                folder.rename(before)
            made.rename(folder)
        _shrink(key)


def keep_seen(key: str, seen: np.ndarray) -> None:
    """Replace the vectors beside a kept SAE."""
    with contextlib.suppress(OSError):
        folder = kept_folder() / key
        if folder.is_dir():
            write_atomic(folder / SEEN, npy_bytes(seen))


def _shrink(but: str) -> None:
    """Drop what was used longest ago until the rest is small enough; never the one that was just made."""
    total = 0
    for sae in sorted(kept_saes(), key=lambda sae: sae.key != but):
        total += sae.bytes
        if total > MOST_BYTES and sae.key != but:
            sae.drop()


def _read(folder: Path) -> KeptSae | None:
    try:
        config: dict[str, Any] = read_json(folder / "config.json")
        kept, training = config["info"]["kept"], config["info"]["training"]
        size = sum(path.stat().st_size for path in folder.iterdir())
        used = (folder / "config.json").stat().st_mtime
        counts = int(kept["version"]), int(config["concepts"]), int(config["width"]), int(training["vectors"])
        explained, why = float(training["explained_variance"]), str(kept.get("why", ""))
        return KeptSae(folder.name, str(kept["name"]), *counts, explained, size, used, folder, why)
    except (OSError, CheckpointError, KeyError, TypeError, ValueError):
        return None  # damaged, or another process is just replacing it
