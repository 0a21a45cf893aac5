"""Dual encoders: images and texts to vectors in one space."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..progress import Progress, silent
from .backends import backend_of
from .fingerprint import Fingerprint, weights_digest
from .images import Batch, read_batches
from .precision import pick_device, pick_precision, warn_of_slow_attention

if TYPE_CHECKING:
    from .images import Source
    from .ranges import Ranges

Piece = tuple[int, np.ndarray, dict[int, str]]
"""First row, (b, d) float32 vectors with NaN rows, {row: reason}."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Vectors of a list of images."""

    vectors: np.ndarray
    """(n, d) float32, raw (not normalised); a NaN row where the image failed."""
    failures: dict[int, str]
    """Reason per failed row."""


class Encoder:
    """Images and texts to raw vectors in one space; made by :func:`load_encoder`.

    In float32, batch size, workers and order change a vector by no more than 1e-5 of its length. In bf16 the same image in a batch of
    the same shape gives the same bytes; another shape may round differently (cosine above 0.9999).
    """

    def __init__(self, backend: Any, *, device: Any = None, dtype: Any = None) -> None:
        import torch

        self.device = pick_device(device)
        self.preprocess = backend.preprocess
        self._backend = backend
        self.words: tuple[str, ...] | None = backend.words
        """The only words whose vectors mean something; None for an encoder of the whole language."""
        self.assumed: str = backend.assumed
        """What had to be assumed of its weights or its preparation of images, in words; "" where nothing was."""
        self.fingerprint: Fingerprint = {
            "library": backend.library,
            "model": backend.name,
            "weights": weights_digest(backend.model),
            "layer": "post_projection",
            "preprocessing": backend.preprocess.describe(),
            "dtype": "float32",
        }
        self.fingerprint |= {k: v for k, v in (("activation", backend.activation), ("pretrained", backend.pretrained)) if v}
        backend.model.to(self.device)
        picked = pick_precision(backend, self.device, dtype, self.fingerprint)
        self.dtype, self._tower = picked.dtype, picked.tower or backend.images
        if picked.tower is None:
            warn_of_slow_attention(backend)
        backend.model.to(self.dtype)
        self.fingerprint["dtype"] = picked.name
        with torch.inference_mode():
            self.width = int(backend.texts(backend.tokens([""]).to(self.device)).shape[1])

    def __repr__(self) -> str:
        f = self.fingerprint
        assumed = f"; {self.assumed}" if self.assumed else ""
        return f"Encoder({f['model']!r}, {f['library']}, width={self.width}, {f['dtype']} on {self.device}{assumed})"

    def encode_images(
        self,
        paths: Sequence[Source],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        ranges: Ranges | None = None,
        progress: Progress = silent,
    ) -> Encoded:
        """Vectors of images; one that cannot be read fails alone.

        Args:
            paths: n file names (text, bytes, path objects) or PIL images.
            batch_size: images per forward pass, >= 1; None: 32 on a CPU, 256 on a GPU.
            workers: decoding threads, >= 1; None: one per core.
            ranges: of deep pictures (:func:`~latentdiff.embed.ranges.common_ranges` of all that is compared); None: of these images.
            progress: called after each batch.

        Returns:
            :class:`Encoded` with n rows, in the order of ``paths``.

        Raises:
            InputError: for a single path, or counts below 1.
        """
        if isinstance(paths, (str, bytes, os.PathLike)):
            raise InputError("paths is a list of files, not one file: put it in a list")
        paths = paths if isinstance(paths, (list, tuple)) else list(paths)
        vectors = np.full((len(paths), self.width), np.nan, np.float32)
        failures: dict[int, str] = {}
        made = self.iter_vectors(paths, batch_size=batch_size, workers=workers, ranges=ranges)
        with contextlib.closing(made) as pieces:  # a cancel stops the threads
            for start, batch, failed in pieces:
                vectors[start : start + len(batch)] = batch
                failures |= failed
                progress((start + len(batch)) / len(paths), f"{start + len(batch):,} of {len(paths):,} images")
        return Encoded(vectors, failures)

    def iter_vectors(
        self, paths: Sequence[Source], *, batch_size: int | None = None, workers: int | None = None, ranges: Ranges | None = None
    ) -> Generator[Piece, None, None]:
        """The same in pieces, for more images than fit in memory.

        Yields:
            (first row, (b, d) float32 with NaN rows, {row: reason}), in order.
        """
        import torch

        gpu = self.device.type == "cuda"
        make = (lambda shape: torch.empty(shape, dtype=torch.uint8, pin_memory=True).numpy()) if gpu else None
        size = (256 if gpu else 32) if batch_size is None else batch_size
        count = (os.cpu_count() or 1) if workers is None else workers
        batches = read_batches(paths, self.preprocess, batch_size=size, workers=count, empty=make, ranges=ranges)
        with contextlib.closing(batches):
            yield from map(self._encode_batch, batches)

    def _encode_batch(self, batch: Batch) -> Piece:
        good = [i for i in range(len(batch.pixels)) if batch.start + i not in batch.failures]
        vectors = np.full((len(batch.pixels), self.width), np.nan, np.float32)
        if good:
            vectors[good] = self._forward(batch.pixels if len(good) == len(vectors) else batch.pixels[good])
        for i in good:
            if not np.isfinite(vectors[i]).all():
                batch.failures[batch.start + i] = "the encoder gave a vector that is not finite"
                vectors[i] = np.nan
        return batch.start, vectors, batch.failures

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 256, progress: Progress = silent) -> np.ndarray:
        """Vectors of texts.

        Args:
            texts: m strings; longer than the model's context is cut.
            batch_size: texts per forward pass, >= 1.
            progress: called after each batch.

        Returns:
            (m, d) float32, raw.

        Raises:
            InputError: for a bare string or something that is not text.
        """
        import torch

        if isinstance(texts, str) or not all(isinstance(t, str) for t in texts):
            raise InputError("texts is a list of strings")
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        out = np.empty((len(texts), self.width), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # like lengths together: less padding to compute
        with torch.inference_mode():
            for start in range(0, len(texts), batch_size):
                rows = order[start : start + batch_size]
                tokens = self._backend.tokens([texts[i] for i in rows]).to(self.device)
                out[rows] = self._backend.texts(tokens).float().cpu().numpy()
                progress((start + len(rows)) / len(texts), f"{start + len(rows):,} of {len(texts):,} texts")
        return out

    def _forward(self, pixels: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            moved = torch.from_numpy(pixels).to(self.device, non_blocking=True)
            return self._tower(self.preprocess.normalise(moved, self.dtype)).float().cpu().numpy()


def load_encoder(name: str | os.PathLike, pretrained: str | os.PathLike | None = None, *, device: Any = None, dtype: Any = None) -> Encoder:
    """Build a dual encoder.

    Args:
        name: a preset (``"paper"``, ``"fast"``, ``"demo"``); an open_clip architecture such as ``"ViT-L-14-336"``; an open_clip config
            file; a local folder with an open_clip or transformers model (also as ``"local-dir:FOLDER"``); a transformers hub id such as
            ``"org/model"``; or an open_clip one, ``"hf-hub:org/model"``.
        pretrained: for an architecture, a pretrained tag, the file of its weights or the folder it lies in, or ``"TAG=FILE"`` where the
            file does not tell which tag it is; for a config file, its checkpoint.
        device: torch device; None: CUDA, else MPS, else CPU.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"int8"``. None: on GPUs bf16 where they have it and vectors stay within cosine 0.999 of
            float32. On CPUs the fastest, measured once for a model and processor and remembered: int8 (plain image towers of open_clip by
            products of bytes, all else in float32) where vectors of 16 probe images stay within cosine 0.9995, or bf16 within 0.999; else
            float32. The fingerprint says which.

    Raises:
        InputError: for another dtype.
        EncoderError: for an unknown name or tag, weights that cannot be fetched (says which file, from where, and what to do), or "int8"
            where it cannot be had or is not close enough.
        CheckpointError: for local files that cannot be read or do not fit.
    """
    return Encoder(backend_of(os.fspath(name), os.fspath(pretrained) if pretrained is not None else None), device=device, dtype=dtype)
