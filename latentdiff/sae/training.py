"""Training of sparse autoencoders on image vectors: BatchTopK (Bussmann et al. 2024) and Matryoshka BatchTopK (Bussmann et al. 2025)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..compute.temporary import temporary_folder
from ..embed.filesystem import is_parquet
from ..embed.fingerprint import Fingerprint
from ..embed.parquet import ParquetVectors, to_memmap
from ..errors import InputError
from ..progress import Progress, part, silent
from .model import SparseAutoencoder
from .schedule import default_active, default_batch, default_concepts, default_steps, steps_within
from .streams import open_source
from .training_run import Options, TrainingRun

TRAINERS = ("batchtopk", "matryoshka")
MOST_HELD_OUT = 10_000
FEWEST_HELD_OUT = 10
"""Held-out vectors below which explained variance says nothing: nobody is held out then."""
OVERTIME = 3
"""Times a budget after which the clock is looked at after all: no machine should take so much longer than the reference."""


def train_sae(
    vectors: Any,
    *,
    concepts: int | None = None,
    active: int | None = None,
    seed: int = 0,
    trainer: str = "batchtopk",
    steps: int | None = None,
    seconds: float | None = None,
    validation: float = 0.1,
    early_stop: bool = True,
    resume: str | Path | None = None,
    device: Any = None,
    skip_bad: bool = False,
    encoder: Fingerprint | None = None,
    progress: Progress = silent,
) -> SparseAutoencoder:
    """Train a sparse autoencoder, in memory that does not grow with the number of vectors.

    Args:
        vectors: raw image vectors, n >= 20, not all equal: an (n, d) array or memmap, a ``VectorStore``, or the path of a store's
            folder, of a ``.npy`` file, or of Parquet (file, folder or URI; copied to a temporary array on disk first).
        concepts: dictionary size K; None chooses from n and d.
        active: mean number of active concepts per image, in [1, concepts]; None chooses.
        seed: of initialisation, split and batch order: the same seed gives the same SAE on the same kind of machine.
        trainer: "batchtopk", or "matryoshka": concepts in nested groups, coarse first (``SparseAutoencoder.groups``).
        steps: most optimiser steps of 32 to 1,024 vectors; None chooses from n and ``seconds``.
        seconds: time budget on two cores with bf16 products, > 0. It is turned into a number of steps by a formula, so the result
            does not depend on the clock, unless a machine takes three times as long: training then ends early and says so.
        validation: share of the vectors held out, in [0, 0.5]; at most 10,000, none where they would be fewer than 10.
        early_stop: end when held-out vectors gain nothing more.
        resume: file that keeps the state of an unfinished run, written every half minute and when the run is stopped. If it is there,
            training goes on from it, to the very SAE that an undisturbed run gives; it is removed at the end.
        device: torch device; None: CUDA where there is one, else the CPU.
        skip_bad: leave out vectors that are not finite or all zero in place of an error; rows of Parquet without a vector always are.
        encoder: fingerprint of the vectors' encoder, kept in ``info["encoder"]``; None takes that of a store.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        The SAE; ``info["training"]`` holds the options, how many vectors were left out, explained variance and mean active concepts (of
        held-out vectors, where there are any), dead units among the training vectors, and why training ended ("steps", "plateau" or
        "time").

    Raises:
        InputError: vectors or sizes that cannot be trained on, or a ``resume`` file of another run.
        CheckpointError: vectors or a ``resume`` file that are damaged.
    """
    _check(trainer, validation, seconds, steps)
    with _on_disk(vectors) as (rows, recorded, missing):
        source = open_source(rows, skip_bad=skip_bad, progress=part(progress, 0.0, 0.02))
        n, d = len(source), source.width
        size = default_concepts(n, d, seconds) if concepts is None else concepts
        kept = default_active(size) if active is None else active
        if not 1 <= kept <= size:
            raise InputError(f"active must be between 1 and the number of concepts ({size}), not {kept}")
        held_out = min(MOST_HELD_OUT, int(validation * n))
        held_out = held_out if held_out >= FEWEST_HELD_OUT else 0
        batch = min(default_batch(n), n - held_out)
        affordable = steps_within(seconds, d, size, kept, batch) if seconds else None
        most = steps or min(default_steps(n), affordable or default_steps(n))
        options = Options(trainer, size, kept, seed, most, held_out, early_stop, _device(device), batch)
        state = Path(resume).expanduser() if resume is not None else None
        sae = TrainingRun(source, options, state, OVERTIME * seconds if seconds else None).train(part(progress, 0.02, 0.95))
        sae.info["training"]["left_out"] = missing + len(source.bad)
    progress(1.0, "training the SAE")
    known = encoder or source.fingerprint or recorded
    if known:
        sae.info["encoder"] = dict(known)
    return sae


def _check(trainer: str, validation: float, seconds: float | None, steps: int | None) -> None:
    if trainer not in TRAINERS:
        raise InputError(f"trainer must be one of {', '.join(map(repr, TRAINERS))}, not {trainer!r}")
    if not 0 <= validation <= 0.5:
        raise InputError(f"validation must be a share of the vectors in [0, 0.5], not {validation!r}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds must be a positive time budget, not {seconds!r}")
    if steps is not None and steps < 1:
        raise InputError(f"steps must be at least 1, not {steps!r}")


@contextmanager
def _on_disk(vectors: Any) -> Iterator[tuple[Any, Fingerprint | None, int]]:
    """Vectors in Parquet as an array on disk, for training passes over them dozens of times, their fingerprint, and how many rows have
    no vector; others as they are."""
    if isinstance(vectors, (str, Path)) and is_parquet(str(vectors)):
        vectors = ParquetVectors(str(vectors))
    if not isinstance(vectors, ParquetVectors):
        yield vectors, None, 0
        return
    with temporary_folder() as folder:
        rows = to_memmap(vectors, Path(folder, "vectors.npy"), vectors.missing)
        yield rows, vectors.fingerprint, len(vectors.missing)


def _device(device: Any) -> str:
    import torch

    from ..embed.precision import pick_device

    if device is None:  # Apple's MPS lacks weighted embedding_bag: its processors' own cores train faster than its fallbacks
        return "cuda" if torch.cuda.is_available() else "cpu"
    return str(pick_device(device))
