"""Sparse autoencoder: raw image vectors in, sparse concept activations out (method section 2)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.cache import npy_bytes, write_together
from ..compute.parallel import map_rows
from ..compute.sparse import Tape, assembled
from ..errors import CheckpointError, InputError
from ..progress import Progress, silent

FORMAT = "latentdiff-sae-2"
"""Format of :meth:`SparseAutoencoder.save`; 1 had neither groups, normalise nor top_k."""
Rows = Any
"""(n, d) rows with a shape that come out by slice: an ndarray, a memmap, :class:`~latentdiff.embed.sides.Sides`."""
TENSORS = ("w_enc", "b_enc", "w_dec", "b_dec", "threshold")
NORMALISE = ("none", "layer_norm", "constant_norm")
TRAINED_ON = "trained_on.npy"
LAYER_NORM_EPS = 1e-5
"""Added to the standard deviation, as SAELens and ViT-Prisma do."""


@dataclass(frozen=True, eq=False)
class SparseAutoencoder:
    """``z = a * (a > threshold)`` with ``a = relu((n(h) - b_dec) w_enc + b_enc)``; decoding is ``z w_dec + b_dec``, n undone.

    The learnt threshold, never a batch-wide top-k, selects what is active: a code does not depend on who else is in the batch. For almost
    every SAE n is the identity; see ``normalise``. Gates that share weights, centring and scaling are folded into the weights.
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
    """(K,) float32, >= 0 (one number given is spread over all K; a negative one acts as 0, since a is never below)."""
    info: dict[str, Any] = field(default_factory=dict)
    """Plain JSON values: how it was trained, its scores, the encoder's fingerprint (``"encoder"``), the format it was read from."""
    groups: tuple[int, ...] | None = None
    """Matryoshka group sizes, coarse first, summing to K (columns of the first group come first); None: no groups."""
    monosemanticity: np.ndarray | None = None
    """(K,) float32, NaN where unknown or dead; None where it was never computed."""
    top_k: int | None = None
    """Only the ``top_k`` largest activations of a row stay (TopK SAEs); None: all above the threshold."""
    normalise: str = "none"
    """What n does to a row h: ``"none"``; ``"layer_norm"``: ``(h - mean(h)) / (std(h) + 1e-5)`` with the unbiased std;
    ``"constant_norm"``: ``h sqrt(d) / |h|``."""
    trained_on: np.ndarray | None = None
    """(m,) uint64, ascending: content keys of the vectors that it was trained on, of more the 20,000 smallest; None: unknown."""

    def __post_init__(self) -> None:
        for name in TENSORS:
            with np.errstate(over="ignore"):  # infinite in float32: refused in the next line
                value = np.ascontiguousarray(getattr(self, name), np.float32)
            if not np.isfinite(value).all():
                raise CheckpointError(f"the SAE's {name} holds NaN or infinite values; the checkpoint is damaged")
            # torch shares numpy's memory and wants it writable; what was read from a file is not.
            object.__setattr__(self, name, value if value.flags.writeable else value.copy())
        d, k = self.w_enc.shape if self.w_enc.ndim == 2 else (0, 0)
        if self.threshold.size == 1:
            object.__setattr__(self, "threshold", np.broadcast_to(self.threshold.reshape(1), (k,)))
        shapes = {"w_enc": (d, k), "b_enc": (k,), "w_dec": (k, d), "b_dec": (d,), "threshold": (k,)}
        wrong = {n: getattr(self, n).shape for n, s in shapes.items() if getattr(self, n).shape != s}
        if wrong or k == 0 or d == 0:
            raise CheckpointError(f"the SAE's tensors contradict each other: expected {shapes}, got {wrong or self.w_enc.shape}")
        self._check_extras(k)

    def _check_extras(self, k: int) -> None:
        if self.groups is not None:
            groups = tuple(self.groups)
            if not all(isinstance(g, (int, np.integer)) and g >= 1 for g in groups) or sum(groups) != k:
                raise CheckpointError(f"the SAE's groups must be positive sizes that sum to its {k} concepts, not {groups[:20]}")
            object.__setattr__(self, "groups", tuple(int(g) for g in groups))
        if self.monosemanticity is not None:
            value = np.ascontiguousarray(self.monosemanticity, np.float32)
            if value.shape != (k,) or np.isinf(value).any():
                raise CheckpointError(f"the SAE's monosemanticity must be ({k},) numbers, not shape {value.shape}")
            object.__setattr__(self, "monosemanticity", value)
        if self.trained_on is not None:
            keys = np.asarray(self.trained_on)
            if keys.dtype != np.uint64 or keys.ndim != 1 or not len(keys) or (keys[1:] <= keys[:-1]).any():
                raise CheckpointError(f"the SAE's trained_on must be ascending uint64 keys, not {keys.dtype} of shape {keys.shape}")
        if self.top_k is not None and (type(self.top_k) is not int or not 1 <= self.top_k <= k):
            raise CheckpointError(f"the SAE's top_k must be between 1 and its {k} concepts, not {self.top_k!r}")
        if self.normalise not in NORMALISE:
            raise CheckpointError(f"the SAE's normalise must be one of {', '.join(NORMALISE)}, not {self.normalise!r}")

    @property
    def width(self) -> int:
        """Length d of the vectors it takes."""
        return self.w_enc.shape[0]

    @property
    def concepts(self) -> int:
        """Size K of the dictionary."""
        return self.w_enc.shape[1]

    def encode(
        self, vectors: Rows, *, precision: str = "float32", device: Any = None, progress: Progress = silent
    ) -> sp.csr_array:
        """Concept activations of raw vectors.

        Args:
            vectors: (n, d) float16/32/64 raw (not normalised) vectors: an array, a memmap, or anything that has a shape and slices.
            precision: "float32", or "bfloat16" for the large product: several times as fast on AMX, AVX512-BF16 and GPUs; what it finds is
                computed again in float32, so codes stay the same.
            device: torch device of the products; None for CUDA where there is one, else the CPU.
            progress: ``progress(fraction, label)``.

        Returns:
            (n, K) float32 ``csr_array`` with sorted column indices; above ``compute.sparse.IN_MEMORY`` it lies in temporary files.

        Raises:
            InputError: vectors of another width.
        """
        n = vectors.shape[0]
        if len(vectors.shape) != 2 or vectors.shape[1] != self.width:
            raise InputError(f"this SAE takes vectors of width {self.width}, got shape {vectors.shape}; use the SAE's own encoder")
        from .encoding import Kernel

        kernel = Kernel(self, precision, device)
        counts, data, columns = [np.zeros(1, np.int64)], Tape(np.float32), Tape(np.int32)
        for codes in map_rows(vectors, kernel, kernel.rows):
            counts.append(codes.counts)
            data.append(codes.values)
            columns.append(codes.columns)
            progress(min(1.0, (len(counts) - 1) * kernel.rows / n), "encoding concepts")
        return assembled(sp.csr_array, data.array(), columns.array(), np.cumsum(np.concatenate(counts)), (n, self.concepts))

    @cached_property
    def key(self) -> str:
        """Tells its dictionary from others: a digest of at most a thousand directions, evenly spaced, and of its size."""
        some = np.ascontiguousarray(self.w_dec[:: max(1, self.concepts // 1000)], np.float32)
        return hashlib.blake2b(repr(self.w_dec.shape).encode() + some.tobytes(), digest_size=16).hexdigest()

    @cached_property
    def folded_bias(self) -> np.ndarray:
        """(K,) ``b_enc - b_dec w_enc``, summed in float64, a block of columns at a time."""
        wide = self.b_dec.astype(np.float64)
        blocks = range(0, self.concepts, 4096)
        product = np.concatenate([wide @ self.w_enc[:, start : start + 4096].astype(np.float64) for start in blocks])
        return (self.b_enc - product).astype(np.float32)

    def normalised(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """n(x) of (n, d) rows, with the (n, 1) shift and scale that undo it."""
        if self.normalise == "layer_norm":
            shift = x.mean(1, keepdims=True)
            scale = x.std(1, ddof=1, keepdims=True)
            return (x - shift) / (scale + LAYER_NORM_EPS), shift, scale
        zero, one = np.zeros((len(x), 1), np.float32), np.ones((len(x), 1), np.float32)
        if self.normalise == "constant_norm":
            norm = np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float32).tiny) / np.float32(np.sqrt(self.width))
            return x / norm, zero, norm
        return x, zero, one

    def decode(self, codes: sp.csr_array, vectors: np.ndarray | None = None) -> np.ndarray:
        """Codes back to vectors: ``z w_dec + b_dec``, with the row's own scale put back where ``normalise`` took it.

        Args:
            codes: (n, K) activations.
            vectors: (n, d) vectors that were encoded; needed where ``normalise`` is not "none".

        Returns:
            (n, d) float32.

        Raises:
            InputError: vectors are needed and not given.
        """
        rebuilt = np.asarray(codes @ self.w_dec + self.b_dec, np.float32)
        if self.normalise == "none":
            return rebuilt
        if vectors is None or vectors.shape != rebuilt.shape:
            raise InputError(f"this SAE normalises each vector ({self.normalise}); pass decode the vectors that were encoded too")
        _, shift, scale = self.normalised(np.asarray(vectors, np.float32))
        return rebuilt * scale + shift

    def explained_variance(self, vectors: np.ndarray) -> float:
        """``1 - sum |h - decode(encode(h))|^2 / sum |h - mean(h)|^2`` over (n, d) vectors."""
        x = np.asarray(vectors, np.float32)
        error = np.square(x - self.decode(self.encode(x), x), dtype=np.float64).sum()
        return float(1 - error / np.square(x - x.mean(0), dtype=np.float64).sum())

    def save(self, folder: str | Path) -> Path:
        """Write ``config.json``, ``sae.safetensors`` and, where known, ``trained_on.npy`` into a folder (made if missing) and return it.

        ``sae.safetensors``: float32 ``w_enc`` (d, K), ``b_enc`` (K), ``w_dec`` (K, d), ``b_dec`` (d), ``threshold`` (K), and
        ``monosemanticity`` (K) where known. ``config.json``: ``format`` (this format and its version), ``width`` d, ``concepts`` K,
        ``groups`` (Matryoshka sizes or null), ``top_k`` (or null), ``normalise``, and ``info``: ``encoder`` (fingerprint), ``training``
        (options and scores), ``origin`` (the published checkpoint it was converted from), ``format`` (what it was read from).
        ``trained_on.npy``: (m,) uint64 keys of the vectors that it was trained on.
        """
        from safetensors.numpy import save

        folder = Path(folder)
        tensors = {n: np.ascontiguousarray(getattr(self, n)) for n in TENSORS}
        if self.monosemanticity is not None:
            tensors["monosemanticity"] = self.monosemanticity
        config = {
            "format": FORMAT,
            "width": self.width,
            "concepts": self.concepts,
            "groups": list(self.groups) if self.groups else None,
            "top_k": self.top_k,
            "normalise": self.normalise,
            "info": self.info,
        }
        text = json.dumps(config, indent=1)
        files = {folder / "sae.safetensors": save(tensors)}
        if self.trained_on is None:
            (folder / TRAINED_ON).unlink(missing_ok=True)  # of another that was there
        else:
            files[folder / TRAINED_ON] = npy_bytes(self.trained_on)
        write_together({**files, folder / "config.json": text.encode("utf8")})
        return folder
