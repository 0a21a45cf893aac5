"""Vectors, SAEs and vocabularies of evaluations, each computed once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..embed.cache import cache_folder
from ..errors import CheckpointError
from ..progress import Progress, silent
from ..sae.model import SparseAutoencoder, load_sae
from ..sae.training import train_sae


def kept_sae(vectors: np.ndarray, *, concepts: int | None, active: int, seed: int = 0, progress: Progress = silent) -> SparseAutoencoder:
    """An SAE trained on vectors, or the one that an earlier call trained on the same.

    Args:
        vectors: (n, d) raw vectors.
        concepts: dictionary size; None as :func:`latentdiff.train_sae`.
        active: mean active concepts.
        seed: seed of the training.
        progress: ``progress(fraction, label)``.
    """
    from .. import __version__

    key = array_digest(vectors, f"{concepts} {active} {seed} {__version__}")
    folder = cache_folder() / "sae" / key
    try:
        return load_sae(folder)
    except CheckpointError:
        sae = train_sae(vectors, concepts=concepts, active=active, seed=seed, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    sae.save(made)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return sae


def array_digest(x: np.ndarray, *extra: str) -> str:
    """32 hex digits of an array's shape, type and bytes (of large ones: of 4,096 rows spread over them) and of further text."""
    digest = hashlib.blake2b(f"{x.shape} {x.dtype} {' '.join(extra)}".encode(), digest_size=16)
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), 4096)).astype(int))
    digest.update(np.ascontiguousarray(x[rows]).tobytes())
    return digest.hexdigest()


def missing_files(folder: Path, names: Sequence[str], what: str) -> list[str]:
    """One line per file that is not in a folder: what it is and where it belongs."""
    return [f"{what}: put {name} into {folder} (or name its folder with --data)" for name in names if not (folder / name).exists()]
