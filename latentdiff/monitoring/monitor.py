"""Has a stream of images changed: a test that may be looked at after every batch, for ever."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.arrays import float32
from ..compute.cache import write_together
from ..compute.files import read_json, read_npz
from ..embed.usable import BAD, bad_rows, checked_array
from ..embed.vocabulary import Vocabulary
from ..errors import CheckpointError, InputError
from ..results.reading import Change, Reading
from ..sae.loading import check_encoder, load_sae
from ..sae.model import SparseAutoencoder
from ..sae.training import train_sae
from ..stats.hypergeometric import randomised_deviates
from ..stats.martingale import Bets, e_bh
from .features import Features

FORMAT = 1
FEWEST = 200
"""Images of the reference."""
LEARNT_FROM = 2_000
"""Images of the reference at most, a quarter of them, or half where an SAE is trained, that features are made of and no test sees."""
DECAY = 0.9
"""What an earlier batch counts of the next one's weight in recent rates."""
HISTORY = 1_000
"""Readings that are kept for a picture of the history."""
ARRAYS = ("mean", "directions", "cuts", "reference", "pooled", "recent", "log_capital", "history")


class Monitor:
    """Watches a stream of images for changes against a reference, one batch at a time, in constant memory.

    Under "the stream's images and the reference's are drawn from one population" each batch is a random part of all images seen so far. So
    the number of its images that have a feature (a concept that fires, a side of a cut) follows an exact law given that of all, and its
    randomised deviates are independent standard normal ones from batch to batch (Vovk 2021), however small the reference is. Test
    martingales bet against that. Half of the capital bets on the concepts, half on the cuts.

    Args:
        reference: (n, d) raw image vectors of what is usual, n >= 200.
        sae: a sparse autoencoder of the same encoder, what :func:`latentdiff.load_sae` takes; None trains one on half of the reference.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed.
        alpha: probability of an alarm, ever, where nothing changes, in (0, 0.5].
        seed: of the split of the reference and of the randomisation.

    Raises:
        InputError: vectors that cannot be used, or another alpha.

    Example:
        >>> monitor = latentdiff.Monitor(last_year, sae="pach", vocabulary=words)
        >>> reading = monitor.update(today)
        >>> reading.alarm, [change.text for change in reading.hypotheses]
    """

    def __init__(
        self,
        reference: np.ndarray,
        *,
        sae: SparseAutoencoder | str | Path | None = None,
        vocabulary: Vocabulary | None = None,
        alpha: float = 0.05,
        seed: int = 0,
    ) -> None:
        if not 0 < alpha <= 0.5:
            raise InputError(f"alpha must be a level in (0, 0.5], not {alpha!r}")
        x = usable("the reference", reference)
        if len(x) < FEWEST:
            raise InputError(f"the reference has {len(x)} images; at least {FEWEST} are needed")
        order = np.random.default_rng(seed).permutation(len(x))
        count = min(len(x) // (2 if sae is None else 4), LEARNT_FROM if sae is not None else len(x))
        learnt, tested = x[np.sort(order[:count])], x[np.sort(order[count:])]
        sae = load_sae(sae) if isinstance(sae, (str, Path)) else sae
        sae = train_sae(learnt, seed=seed) if sae is None else sae
        check_encoder(sae, None, x.shape[1], "the reference")
        if vocabulary is not None and vocabulary.width != x.shape[1]:
            raise InputError(f"the vocabulary has vectors of width {vocabulary.width}, the images of {x.shape[1]}; use one encoder")
        self.alpha, self.seed = float(alpha), int(seed)
        self._features = Features.learn(learnt, sae, vocabulary)
        self._reference, self._n_reference = self._features.counts(tested), len(tested)
        self._pooled, self._seen = self._reference.copy(), 0
        self._recent, self._recent_images = np.zeros(len(self._features)), 0.0
        self._bets, self._log_best = Bets(len(self._features)), 0.0
        self._history: list[tuple[float, float, float]] = []

    @property
    def history(self) -> np.ndarray:
        """(t, 3) of the last ``HISTORY`` readings: images seen, logarithm of the e-value, p-value."""
        return np.array(self._history, np.float64).reshape(-1, 3)

    def update(self, batch: np.ndarray) -> Reading:
        """Take the next images of the stream.

        Args:
            batch: (m, d) raw vectors, m >= 1; each image once in the stream.

        Returns:
            What the stream shows now.

        Raises:
            InputError: vectors that cannot be used; the monitor is as it was.
        """
        x = usable("the batch", batch)
        if x.shape[1] != self._features.sae.width:
            raise InputError(f"the batch has vectors of width {x.shape[1]}, the reference of {self._features.sae.width}; use one encoder")
        if not len(x):
            raise InputError("the batch holds no images")
        count = self._features.counts(x)
        before = self._n_reference + self._seen
        self._pooled = self._pooled + count
        uniform = np.random.default_rng([self.seed, self._bets.time]).random(len(count))
        self._bets.update(randomised_deviates(count, self._pooled, len(x), before, uniform))
        self._seen += len(x)
        self._recent, self._recent_images = DECAY * self._recent + count, DECAY * self._recent_images + len(x)
        log_e = self._log_e()
        self._log_best = max(self._log_best, log_e)
        self._history = [*self._history, (float(self._seen), log_e, float(np.exp(-self._log_best)))][-HISTORY:]
        return self.reading()

    def reading(self) -> Reading:
        """What the stream shows now; looking changes nothing."""
        p = float(np.exp(-self._log_best))
        e = float(np.exp(min(self._log_e(), 700.0)))
        return Reading(self._bets.time, self._seen, e, p, p <= self.alpha, self._changes())

    def _log_e(self) -> float:
        """The mean of the concepts' e-values and that of the cuts', half and half."""
        if not self._bets.time:
            return 0.0
        log_e, k = self._bets.log_e(), self._features.sae.concepts
        of = [np.logaddexp.reduce(part) - np.log(len(part)) for part in (log_e[:k], log_e[k:])]
        return float(np.logaddexp(of[0], of[1]) - np.log(2))

    def _changes(self) -> tuple[Change, ...]:
        if not self._bets.time:
            return ()
        log_e = self._bets.log_e()[: self._features.sae.concepts]
        found: dict[str, Change] = {}
        for k in e_bh(log_e, self.alpha).tolist():
            usual, now = self._reference[k] / self._n_reference, self._recent[k] / self._recent_images
            change = Change(self._features.names[k], k, bool(now > usual), float(log_e[k]), float(usual), float(now))
            found.setdefault(change.text, change)
        return tuple(found.values())

    def save(self, folder: str | Path) -> Path:
        """Write the state (``monitor.json``, ``arrays.npz``, ``sae/``) into a folder (made if missing) and return it.

        Raises:
            OSError: the folder cannot be written; what was in it is as it was.
        """
        folder, packed = Path(folder), io.BytesIO()
        f = self._features
        held = (f.mean, f.directions, f.cuts, self._reference, self._pooled, self._recent, self._bets.log_capital, self.history)
        np.savez_compressed(packed, allow_pickle=False, **dict(zip(ARRAYS, held, strict=True)))
        numbers = {"n_reference": self._n_reference, "seen": self._seen, "recent_images": self._recent_images, "time": self._bets.time}
        head = {"format": FORMAT, "alpha": self.alpha, "seed": self.seed, "log_best": self._log_best, **numbers, "names": list(f.names)}
        if not (folder / "sae" / "config.json").exists():
            f.sae.save(folder / "sae")
        write_together({folder / "arrays.npz": packed.getvalue(), folder / "monitor.json": json.dumps(head).encode("utf8")})
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Monitor:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: where a file is missing or damaged.
        """
        folder = Path(folder)
        try:
            return _restored(cls, read_json(folder / "monitor.json"), read_npz(folder / "arrays.npz"), load_sae(folder / "sae"))
        except Exception as e:
            raise CheckpointError(f"{folder} does not hold a saved monitor: {type(e).__name__}: {e}") from e


def usable(what: str, x: Any) -> np.ndarray:
    """(n, d) float32 vectors, all of them usable.

    Raises:
        InputError: they are not.
    """
    x = float32(checked_array(what, x))
    bad = bad_rows(x)
    if len(bad):
        raise InputError(f"{what} has {len(bad)} vectors with {BAD} (first: row {bad[0]}); leave them out")
    return x


def _restored(kind: type[Monitor], head: dict[str, Any], arrays: dict[str, np.ndarray], sae: SparseAutoencoder) -> Monitor:
    if head["format"] != FORMAT:
        raise ValueError(f"format {head['format']!r}; this version reads {FORMAT}. Update latentdiff")
    monitor = kind.__new__(kind)
    monitor.alpha, monitor.seed, monitor._log_best = float(head["alpha"]), int(head["seed"]), float(head["log_best"])
    names = tuple(map(str, head["names"]))
    mean, directions, cuts, reference, pooled, recent, capital, history = (arrays[name] for name in ARRAYS)
    monitor._features = Features(sae, mean, directions, cuts, names)
    monitor._reference, monitor._n_reference = reference, int(head["n_reference"])
    monitor._pooled, monitor._seen = pooled, int(head["seen"])
    monitor._recent, monitor._recent_images = recent, float(head["recent_images"])
    monitor._bets = Bets(len(monitor._features))
    k = len(monitor._features)
    shapes = [(mean, (sae.width,)), (directions, (len(directions), sae.width)), (cuts, (2, len(directions)))]
    shapes += [(reference, (k,)), (pooled, (k,)), (recent, (k,)), (capital, monitor._bets.log_capital.shape), (history, (len(history), 3))]
    if any(array.shape != shape for array, shape in shapes) or len(names) != sae.concepts:
        raise ValueError("its arrays do not fit each other")
    wrong = (pooled < reference) | (reference < 0) | (pooled > monitor._n_reference + monitor._seen)
    if wrong.any() or np.isnan(capital).any():
        raise ValueError("its counts cannot be")
    monitor._bets.log_capital, monitor._bets.time = capital, int(head["time"])
    monitor._history = [(float(n), float(e), float(p)) for n, e, p in history]
    return monitor
