"""One training run of a sparse autoencoder: batches, steps, looks at held-out vectors, states on disk, and the figures at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compute.cache import write_atomic
from ..compute.files import what_is_wrong
from ..errors import CheckpointError, InputError
from ..progress import Progress
from .model import SparseAutoencoder
from .schedule import BATCH, Schedule
from .streams import Order, Source
from .trainer import Trainer

if TYPE_CHECKING:
    import torch

GROUPS = (0.0625, 0.125, 0.25, 0.5625)
"""Shares of the dictionary in the Matryoshka groups, coarse first (Pach et al. 2025)."""
SEED_NOISE = 0.3
"""Spread per dimension of the noise on the dictionary's seeds, where the vectors' spread is 1."""
LOOKED_AT = 4096
"""Held-out vectors behind each look during training."""
CALIBRATION_ROWS = 8192
REPORT_ROWS = 1 << 17
"""Training vectors on which dead units are counted at the end."""
SAVE_SECONDS = 30.0
"""Time between two states written to ``resume``."""


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
    batch: int = BATCH
    """Vectors a step."""

    @property
    def groups(self) -> tuple[int, ...]:
        """Sizes of the nested groups; one for BatchTopK."""
        if self.trainer == "batchtopk":
            return (self.concepts,)
        ends = np.round(np.cumsum(GROUPS) * self.concepts).astype(int)
        return tuple(int(size) for size in np.diff(ends, prepend=0) if size > 0)


class TrainingRun:
    """One training run: batches from the source, steps, looks at the held-out vectors, states on disk."""

    def __init__(self, source: Source, options: Options, state: Path | None, limit: float | None) -> None:
        self.source, self.options, self.state, self.limit = source, options, state, limit
        self.order = Order(len(source), options.held_out, options.seed)
        self.batch = min(options.batch, self.order.training)
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
        while step < self.schedule.end:
            if step % 10 == 0:
                try:
                    progress(step / self.schedule.end, "training the SAE")
                except BaseException:  # stopped between two steps; a Ctrl-C within one leaves the last state, half a minute old at most
                    self._save(step, record)
                    raise
            self.trainer.step(self._scaled(self.order.batch(step, self.batch)), self.schedule.rate(step))
            step += 1
            self._look(step)
            if self.limit is not None and time.monotonic() - started > self.limit:
                self.schedule.wind_down(step, "time")
            if time.monotonic() - saved > SAVE_SECONDS:
                self._save(step, record)
                saved = time.monotonic()
        sae = self._finish(step)
        if self.state is not None:
            self.state.unlink(missing_ok=True)
        return sae

    def _save(self, step: int, record: dict[str, Any]) -> None:
        if self.state is not None:
            save_state(self.state, self.trainer, self.schedule, step, record)

    def _scaled(self, index: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(self.source.read(index) * np.float32(self.source.scale)).to(self.options.device)

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

        centre, error, total = torch.from_numpy(self.centre).to(self.options.device), 0.0, 0.0
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
        sae = replace(bare, threshold=np.full(o.concepts, threshold), trained_on=self.source.keys)
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


def calibrated(sae: SparseAutoencoder, chunks: Iterable[np.ndarray], active: int) -> float:
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


FORMAT = "latentdiff-sae-training-1"
NAMES = ("w_enc", "b_enc", "w_dec", "b_dec")


def save_state(path: Path, trainer: Trainer, schedule: Schedule, step: int, run: dict[str, Any]) -> None:
    """Write everything that the steps from ``step`` on depend on; a reader sees the old file or the new one, never a part."""
    from safetensors.torch import save

    tensors = {name: p.detach().cpu().contiguous() for name, p in zip(NAMES, trainer.parameters, strict=True)}
    for i, name in enumerate(NAMES):
        tensors |= {f"{name}.{m}": value.cpu().contiguous() for m, value in trainer.moments(i).items()}
    tensors["silent_for"] = trainer.silent_for.cpu()
    record = {"format": FORMAT, "run": run, "step": step, "schedule": vars(schedule)}
    write_atomic(path, save(tensors, {"latentdiff": json.dumps(record)}))


def load_state(path: Path, trainer: Trainer, run: dict[str, Any]) -> tuple[int, Schedule]:
    """Put a trainer where an interrupted run stopped.

    Args:
        path: file that :func:`save_state` wrote.
        trainer: fresh, of the same sizes.
        run: options and data of this run, which must be those of the file.

    Returns:
        The next step and the schedule.

    Raises:
        CheckpointError: the file cannot be read. InputError: it is of another run.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            record = json.loads((file.metadata() or {})["latentdiff"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}")
        theirs, step, schedule = record["run"], int(record["step"]), Schedule(**record["schedule"])
    except Exception as e:
        raise CheckpointError(f"{path} is no interrupted training ({what_is_wrong(e)}); delete it to train from the start") from e
    for key in run:
        if run[key] != theirs.get(key):
            raise InputError(
                f"{path} is an interrupted training of another kind: {key} is {theirs.get(key)!r} there and {run[key]!r} now; "
                "use another file, or delete it to train from the start"
            )
    with torch.no_grad():
        for i, (name, p) in enumerate(zip(NAMES, trainer.parameters, strict=True)):
            p.copy_(tensors[name])
            for m, value in trainer.moments(i).items():
                value.copy_(tensors[f"{name}.{m}"])
        trainer.silent_for.copy_(tensors["silent_for"])
    return step, schedule
