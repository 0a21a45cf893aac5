"""Training of sparse autoencoders on image vectors: BatchTopK (Bussmann et al. 2024) and Matryoshka BatchTopK (Bussmann et al. 2025)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embed.fingerprint import Fingerprint
from ..errors import InputError
from ..progress import Progress, part, silent
from .model import SparseAutoencoder
from .resuming import load_state, save_state
from .schedule import BATCH, Schedule, default_active, default_concepts, default_steps, steps_within
from .streams import Order, Source, open_source
from .trainer import Trainer

if TYPE_CHECKING:
    import torch

TRAINERS = ("batchtopk", "matryoshka")
GROUPS = (0.0625, 0.125, 0.25, 0.5625)
"""Shares of the dictionary in the Matryoshka groups, coarse first (Pach et al. 2025)."""
SEED_NOISE = 0.3
"""Spread per dimension of the noise on the dictionary's seeds, where the vectors' spread is 1."""
MOST_HELD_OUT = 10_000
FEWEST_HELD_OUT = 10
"""Held-out vectors below which explained variance says nothing: nobody is held out then."""
LOOKED_AT = 4096
"""Held-out vectors behind each look during training."""
CALIBRATION_ROWS = 8192
REPORT_ROWS = 1 << 17
"""Training vectors on which dead units are counted at the end."""
SAVE_SECONDS = 30.0
"""Time between two states written to ``resume``."""
OVERTIME = 3
"""Times a budget after which the clock is looked at after all: no machine should take so much longer than the reference."""


@dataclass(frozen=True)
class Options:
    """What decides the result, besides the vectors."""

    trainer: str
    concepts: int
    active: int
    seed: int
    steps: int
    held_out: int
    early_stop: bool
    device: str

    @property
    def groups(self) -> tuple[int, ...]:
        """Sizes of the nested groups; one for BatchTopK."""
        if self.trainer == "batchtopk":
            return (self.concepts,)
        ends = np.round(np.cumsum(GROUPS) * self.concepts).astype(int)
        return tuple(int(size) for size in np.diff(ends, prepend=0) if size > 0)


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
            folder or of a ``.npy`` file.
        concepts: dictionary size K; None chooses from n and d.
        active: mean number of active concepts per image, in [1, concepts]; None chooses.
        seed: of initialisation, split and batch order: the same seed gives the same SAE on the same kind of machine.
        trainer: "batchtopk", or "matryoshka": concepts in nested groups, coarse first (``SparseAutoencoder.groups``).
        steps: most optimiser steps of up to 1,024 vectors; None chooses from n and ``seconds``.
        seconds: time budget on two cores with bf16 products, > 0. It is turned into a number of steps by a formula, so the result
            does not depend on the clock, unless a machine takes three times as long: training then ends early and says so.
        validation: share of the vectors held out, in [0, 0.5]; at most 10,000, none where they would be fewer than 10.
        early_stop: end when held-out vectors gain nothing more.
        resume: file that keeps the state of an unfinished run, written every half minute and when the run is stopped. If it is there,
            training goes on from it, to the very SAE that an undisturbed run gives; it is removed at the end.
        device: torch device; None: CUDA where there is one, else the CPU.
        skip_bad: leave out vectors with NaN or infinite values in place of an error.
        encoder: fingerprint of the vectors' encoder, kept in ``info["encoder"]``; None takes that of a store.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        The SAE; ``info["training"]`` holds the options, explained variance and mean active concepts (of held-out vectors, where there
        are any), dead units among the training vectors, and why training ended ("steps", "plateau" or "time").

    Raises:
        InputError: vectors or sizes that cannot be trained on, or a ``resume`` file of another run.
        CheckpointError: vectors or a ``resume`` file that are damaged.
    """
    if trainer not in TRAINERS:
        raise InputError(f"trainer must be one of {', '.join(map(repr, TRAINERS))}, not {trainer!r}")
    if not 0 <= validation <= 0.5:
        raise InputError(f"validation must be a share of the vectors in [0, 0.5], not {validation!r}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds must be a positive time budget, not {seconds!r}")
    if steps is not None and steps < 1:
        raise InputError(f"steps must be at least 1, not {steps!r}")
    source = open_source(vectors, skip_bad=skip_bad, progress=part(progress, 0.0, 0.02))
    n, d = len(source), source.width
    size = default_concepts(n, d) if concepts is None else concepts
    kept = default_active(size) if active is None else active
    if not 1 <= kept <= size:
        raise InputError(f"active must be between 1 and the number of concepts ({size}), not {kept}")
    held_out = min(MOST_HELD_OUT, int(validation * n))
    held_out = held_out if held_out >= FEWEST_HELD_OUT else 0
    affordable = steps_within(seconds, d, size, kept, min(BATCH, n - held_out)) if seconds else None
    most = steps or min(default_steps(n), affordable or default_steps(n))
    options = Options(trainer, size, kept, seed, most, held_out, early_stop, _device(device))
    run = _Run(source, options, Path(resume).expanduser() if resume is not None else None, OVERTIME * seconds if seconds else None)
    sae = run.train(part(progress, 0.02, 0.95))
    progress(1.0, "training the SAE")
    known = encoder or source.fingerprint
    if known:
        sae.info["encoder"] = dict(known)
    return sae


def _device(device: Any) -> str:
    import torch

    from ..embed.precision import pick_device

    if device is None:  # Apple's MPS lacks weighted embedding_bag: its processors' own cores train faster than its fallbacks
        return "cuda" if torch.cuda.is_available() else "cpu"
    return str(pick_device(device))


class _Run:
    """One training run: batches from the source, steps, looks at the held-out vectors, states on disk."""

    def __init__(self, source: Source, options: Options, state: Path | None, limit: float | None) -> None:
        self.source, self.options, self.state, self.limit = source, options, state, limit
        self.order = Order(len(source), options.held_out, options.seed)
        self.batch = min(BATCH, self.order.training)
        self.centre = (source.mean * source.scale).astype(np.float32)
        self.schedule = Schedule(options.steps)
        self.trainer = Trainer(self._dictionary(), self.centre, options.active, options.groups, options.device)

    def train(self, progress: Progress) -> SparseAutoencoder:
        """All steps that are still to be made, then the SAE."""
        record = {**asdict(self.options), "vectors": len(self.source), "data": self.source.digest}
        step = 0
        if self.state is not None and self.state.exists():
            step, self.schedule = load_state(self.state, self.trainer, record)
        started = saved = time.monotonic()
        try:
            while step < self.schedule.end:
                if step % 10 == 0:
                    progress(step / self.schedule.end, "training the SAE")
                self.trainer.step(self._scaled(self.order.batch(step, self.batch)), self.schedule.rate(step))
                step += 1
                self._look(step)
                now = time.monotonic()
                if self.limit is not None and now - started > self.limit:
                    self.schedule.wind_down(step, "time")
                if self.state is not None and now - saved > SAVE_SECONDS:
                    save_state(self.state, self.trainer, self.schedule, step, record)
                    saved = time.monotonic()
        except BaseException:
            if self.state is not None and step:
                save_state(self.state, self.trainer, self.schedule, step, record)
            raise
        sae = self._finish(step)
        if self.state is not None:
            self.state.unlink(missing_ok=True)
        return sae

    def _scaled(self, index: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(self.source.read(index) * np.float32(self.source.scale)).to(self.trainer_device)

    @property
    def trainer_device(self) -> str:
        return self.options.device

    def _dictionary(self) -> np.ndarray:
        """Seeds are data points: on clustered image vectors fewer units die than with Gaussian seeds."""
        rng = np.random.default_rng(self.options.seed)
        known = self.order.sample(self.options.concepts)
        rows = np.concatenate([known, rng.choice(known, self.options.concepts - len(known))])
        seeds = self.source.read(rows) * np.float32(self.source.scale) - self.centre
        seeds += rng.normal(0, SEED_NOISE, seeds.shape)
        return np.asarray(seeds / np.linalg.norm(seeds, axis=1, keepdims=True), np.float32)

    def _look(self, step: int) -> None:
        if not (self.options.early_stop and self.options.held_out) or step % self.schedule.every:
            return
        import torch

        centre, error, total = torch.from_numpy(self.centre).to(self.trainer_device), 0.0, 0.0
        held_out = self.order.validation(LOOKED_AT)
        for start in range(0, len(held_out), BATCH):
            off, spread = self.trainer.explained(self._scaled(held_out[start : start + BATCH]), centre)
            error, total = error + off, total + spread
        self.schedule.look(step, 1 - error / max(total, 1e-12))

    def _finish(self, steps: int) -> SparseAutoencoder:
        """Fold the input scale back, so that the SAE takes raw vectors, and measure it."""
        w_enc, b_enc, w_dec, b_dec = (p.detach().cpu().numpy() for p in self.trainer.parameters)
        scale, o = self.source.scale, self.options
        groups = o.groups if o.trainer == "matryoshka" else None
        bare = SparseAutoencoder(np.ascontiguousarray(w_enc.T), b_enc / scale, w_dec, b_dec / scale, np.zeros(1), {}, groups)
        threshold = calibrated(bare, (self.source.read(i) for i in _pieces(self.order.sample(CALIBRATION_ROWS))), o.active)
        sae = SparseAutoencoder(bare.w_enc, bare.b_enc, bare.w_dec, bare.b_dec, np.full(o.concepts, threshold), {}, groups)
        explained, active, fired = self._measured(sae, self.order.sample(REPORT_ROWS))
        scores = {"explained_variance": explained, "mean_active": active, "dead": int((~fired).sum()), "stopped": self.schedule.stopped}
        if o.held_out:
            scores["explained_variance_training"] = explained
            scores["explained_variance"], scores["mean_active"], _ = self._measured(sae, self.order.validation(REPORT_ROWS))
        sae.info["training"] = {**asdict(o), "steps": steps, "vectors": len(self.source), **scores}
        return sae

    def _measured(self, sae: SparseAutoencoder, rows: np.ndarray) -> tuple[float, float, np.ndarray]:
        """Explained variance, mean active concepts, and which concepts fire at all, over some vectors."""
        error = spread = active = 0.0
        fired = np.zeros(sae.concepts, bool)
        for index in _pieces(rows):
            x = self.source.read(index)
            codes = sae.encode(x)
            error += float(np.square(x - sae.decode(codes), dtype=np.float64).sum())
            spread += float(np.square(x - self.source.mean).sum())
            active += codes.nnz
            fired[codes.indices] = True
        return 1 - error / spread, active / len(rows), fired


def _pieces(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def calibrated(sae: SparseAutoencoder, chunks: Any, active: int) -> float:
    """The activation above which ``active`` concepts fire per vector in the mean.

    Measured once at the end: a running minimum over batches lags behind the weights and left 16 active where 20 were asked for.

    Args:
        sae: its threshold is not looked at above zero.
        chunks: (b, d) raw vectors of consecutive chunks.
        active: mean number of activations above the threshold.
    """
    count, highest = 0, []
    for x in chunks:
        values = sae.encode(x).data
        # A chunk's share of the largest activations is at most a few times the mean: keep enough, not all.
        most = min(len(values), 4 * active * len(x))
        highest.append(np.partition(values, len(values) - most)[len(values) - most :] if most else values)
        count += len(x)
    pool = np.concatenate(highest)
    wanted = min(active * count, len(pool))
    return max(float(np.partition(pool, len(pool) - wanted)[len(pool) - wanted]), 0.0) if wanted else 0.0
