"""Sparse autoencoder: raw image vectors in, sparse concept activations out (method section 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..errors import CheckpointError, InputError
from ..progress import Progress, silent

FORMAT = "latentdiff-sae-2"
CHUNK_VALUES = 1 << 23
"""Dense activations held at once while encoding (32 MB in float32): bounds memory, still saturates the GEMM."""


@dataclass(frozen=True, eq=False)
class SparseAutoencoder:
    """``z = a * (a > threshold)`` with ``a = relu((h - b_dec) w_enc + b_enc)``; decoding is ``z w_dec + b_dec``.

    The learnt threshold, never a batch-wide top-k, selects what is active: a code does not depend on who else is in the batch.
    """

    w_enc: np.ndarray
    """(d, K) float32."""
    b_enc: np.ndarray
    """(K,) float32."""
    w_dec: np.ndarray
    """(K, d) float32: one dictionary direction a row, in the space of the raw vectors."""
    b_dec: np.ndarray
    """(d,) float32."""
    threshold: np.ndarray
    """(K,) float32, >= 0."""
    info: dict[str, Any] = field(default_factory=dict)
    """Plain JSON values: how it was trained, its scores, the encoder's fingerprint (``"encoder"``), the format it was read from."""
    groups: tuple[int, ...] | None = None
    """Matryoshka group sizes, coarse first, summing to K (columns of the first group come first); None: no groups."""
    monosemanticity: np.ndarray | None = None
    """(K,) float32, NaN where unknown or dead; None where it was never computed."""

    def __post_init__(self) -> None:
        for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
            value = np.ascontiguousarray(getattr(self, name), np.float32)
            if not np.isfinite(value).all():
                raise CheckpointError(f"the SAE's {name} holds NaN or infinite values; the checkpoint is damaged")
            object.__setattr__(self, name, value)
        d, k = self.w_enc.shape if self.w_enc.ndim == 2 else (0, 0)
        object.__setattr__(self, "threshold", np.broadcast_to(self.threshold, (k,)))
        shapes = {"w_enc": (d, k), "b_enc": (k,), "w_dec": (k, d), "b_dec": (d,)}
        wrong = {n: getattr(self, n).shape for n, s in shapes.items() if getattr(self, n).shape != s}
        if wrong or k == 0:
            raise CheckpointError(f"the SAE's tensors contradict each other: expected {shapes}, got {wrong or self.w_enc.shape}")
        self._check_extras(k)

    def _check_extras(self, k: int) -> None:
        if self.groups is not None:
            groups = tuple(int(g) for g in self.groups)
            if sum(groups) != k or min(groups, default=0) < 1:
                raise CheckpointError(f"the SAE's groups must be positive sizes that sum to its {k} concepts, not {groups[:20]}")
            object.__setattr__(self, "groups", groups)
        if self.monosemanticity is not None:
            value = np.ascontiguousarray(self.monosemanticity, np.float32)
            if value.shape != (k,) or np.isinf(value).any():
                raise CheckpointError(f"the SAE's monosemanticity must be ({k},) numbers, not shape {value.shape}")
            object.__setattr__(self, "monosemanticity", value)

    @property
    def width(self) -> int:
        """Length d of the vectors it takes."""
        return self.w_enc.shape[0]

    @property
    def concepts(self) -> int:
        """Size K of the dictionary."""
        return self.w_enc.shape[1]

    def encode(self, vectors: np.ndarray, *, progress: Progress = silent) -> sp.csr_array:
        """Concept activations of raw vectors.

        Args:
            vectors: (n, d) float16/32/64 array or memmap of raw (not normalised) vectors.
            progress: ``progress(fraction, label)``.

        Returns:
            (n, K) float32 ``csr_array`` with sorted column indices.

        Raises:
            InputError: vectors of another width.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.width:
            raise InputError(f"this SAE takes vectors of width {self.width}, got shape {vectors.shape}; use the SAE's own encoder")
        rows = max(1, CHUNK_VALUES // self.concepts)
        parts = []
        for start in range(0, len(vectors), rows):
            parts.append(self._encode_chunk(np.asarray(vectors[start : start + rows], np.float32)))
            progress(min(1.0, (start + rows) / len(vectors)), "encoding concepts")
        if not parts:
            return sp.csr_array((0, self.concepts), dtype=np.float32)
        counts = np.concatenate([p[0] for p in parts])
        indptr = np.concatenate([[0], np.cumsum(counts)])
        data, columns = np.concatenate([p[2] for p in parts]), np.concatenate([p[1] for p in parts])
        return sp.csr_array((data, columns, indptr), shape=(len(vectors), self.concepts))

    def _encode_chunk(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row counts, column indices and values of one chunk (torch: threaded GEMM and comparison)."""
        import torch

        bias = torch.from_numpy(self.b_enc - self.b_dec @ self.w_enc)
        a = torch.addmm(bias, torch.from_numpy(x), torch.from_numpy(self.w_enc))
        active = a > torch.from_numpy(np.maximum(self.threshold, 0.0))
        rows, columns = active.nonzero(as_tuple=True)
        counts = torch.bincount(rows, minlength=len(x))
        return counts.numpy(), columns.to(torch.int32).numpy(), a[rows, columns].numpy()

    def decode(self, codes: sp.csr_array) -> np.ndarray:
        """(n, K) codes back to (n, d) float32 vectors: ``z w_dec + b_dec``."""
        return np.asarray(codes @ self.w_dec + self.b_dec, np.float32)

    def explained_variance(self, vectors: np.ndarray) -> float:
        """``1 - sum |h - decode(encode(h))|^2 / sum |h - mean(h)|^2`` over (n, d) vectors."""
        x = np.asarray(vectors, np.float32)
        error = np.square(x - self.decode(self.encode(x)), dtype=np.float64).sum()
        return float(1 - error / np.square(x - x.mean(0), dtype=np.float64).sum())

    def save(self, folder: str | Path) -> Path:
        """Write ``config.json`` and ``sae.safetensors`` into a folder (made if missing) and return it."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {n: np.ascontiguousarray(getattr(self, n)) for n in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold")}
        if self.monosemanticity is not None:
            tensors["monosemanticity"] = self.monosemanticity
        save_file(tensors, folder / "sae.safetensors")
        groups = list(self.groups) if self.groups else None
        config = {"format": FORMAT, "width": self.width, "concepts": self.concepts, "groups": groups, "info": self.info}
        (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf8")
        return folder


def load_sae(folder: str | Path) -> SparseAutoencoder:
    """Read an SAE that :meth:`SparseAutoencoder.save` wrote.

    Raises:
        CheckpointError: a file is missing, damaged, or contradicts the config.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf8"))
        if config.get("format") not in (FORMAT, "latentdiff-sae-1"):
            raise CheckpointError(f"{folder} is not of format {FORMAT!r} but {config.get('format')!r}")
        sae = SparseAutoencoder(**load_file(folder / "sae.safetensors"), info=config["info"], groups=config.get("groups"))
    except CheckpointError:
        raise
    except Exception as e:
        raise CheckpointError(f"{folder} does not hold a saved SAE: {type(e).__name__}: {e}") from e
    if (sae.width, sae.concepts) != (config["width"], config["concepts"]):
        raise CheckpointError(f"{folder}: config.json and sae.safetensors disagree on width or concepts")
    return sae
